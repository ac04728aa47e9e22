//! `--recv`: messages as they come, printed or handed to a program.
//!
//! One thread hears of messages, another hands them over: a program may take its time. `lanes` says whose turn it is.
//! Invariant: a message is said to be handled when it was printed, or its program has ended well, and not before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, bounded, never, select};

use crate::cli::args::ReceiveOptions;
use crate::cli::format::Format;
use crate::cli::handing;
use crate::cli::lanes::Lanes;
use crate::cli::once::{Failure, tell_aside};
use crate::cli::render;
use crate::cli::streams::{self, write_err, write_out};
use crate::client::interface::{Command, Event, Incoming, Notice};
use crate::clock::Instant;
use crate::runtime::child::{Job, Outcome, Prints, Programs, can_wait};
use crate::runtime::client::{self, Setup};
use crate::runtime::clock;
use crate::runtime::outlet::Knell;
use crate::runtime::program::Hatch;
use crate::runtime::start::{Exit, Fault};

/// Hands over what comes.
///
/// # Errors
/// As [`client::run`]'s; or standard output cannot be written.
pub(super) fn receive(setup: Setup, options: ReceiveOptions, format: Format) -> Result<Exit, Fault> {
    let (come, messages) = bounded(COMING_MAX);
    // Nothing is sent on it: its end is the program's.
    let (running, end) = bounded::<()>(0);
    let programs = Programs::new();
    if options.exec.is_some() && !can_wait() {
        return Err(Fault::children_ignored());
    }
    let failure = Failure::default();
    let (counts, enough) = (options.count.is_some(), Arc::new(AtomicBool::new(false)));
    let mut seen = 0;
    let show = move |notices: &[Notice]| {
        for notice in notices {
            match &notice.event {
                Event::Incoming(message) if come.send(message.clone()).is_err() => {
                    tracing::debug!("nobody takes it any more: the next run tells it again");
                }
                Event::Incoming(_) => {}
                _ => tell_aside(format, notice)?,
            }
        }
        seen += u64::try_from(notices.len()).unwrap_or(u64::MAX);
        Ok(vec![Command::Seen { events: seen }])
    };
    let handler = Handler {
        messages,
        end,
        until: options.timeout.map(|span| clock::now().at + span),
        left: options.count,
        enough: Arc::clone(&enough),
        exec: options.exec,
        format,
        programs: programs.clone(),
        failure: failure.clone(),
    };
    let show = failure.keep(show);
    let mut running = Some(running);
    let knell = Knell::new(move || {
        programs.stop();
        drop(running.take());
    });
    let typist = move |hatch: Hatch<Command>| handler.run(hatch);
    let ended = client::run(setup, Box::new(typist), Box::new(show), knell)?;
    streams::judge(failure.take())?;
    Ok(match (ended, enough.load(Ordering::Relaxed)) {
        // What an earlier run had left is there without a server, too.
        (Exit::ServerSilent, true) => Exit::Done,
        (Exit::Done, false) if counts => Exit::TooFew,
        (ended, _) => ended,
    })
}

/// Messages between the thread that is told and the one that hands over; more wait with either.
const COMING_MAX: usize = 64;

/// Takes messages as they come, and hands each over.
struct Handler {
    messages: Receiver<Incoming>,
    end: Receiver<()>,
    until: Option<Instant>,
    left: Option<u64>,
    /// As many as are wanted were handed over.
    enough: Arc<AtomicBool>,
    exec: Option<String>,
    format: Format,
    programs: Programs,
    failure: Failure,
}

impl Handler {
    fn run(mut self, mut hatch: Hatch<Command>) {
        let mut lanes = Lanes::default();
        while self.left != Some(0) && !self.is_late() {
            // What is handed over now would not be marked: the next run tells it.
            if self.has_ended() {
                return;
            }
            let Some((whose, message)) = lanes.next(clock::now().at) else {
                match self.wait(&lanes) {
                    Waited::Message(message) => lanes.push(message),
                    Waited::Turn => {}
                    Waited::End => return,
                }
                continue;
            };
            let id = message.id;
            match self.hand_over(message) {
                Handed::Done => {
                    lanes.done(&whose);
                    self.left = self.left.map(|left| left - 1);
                    if !hatch.answer(Command::Handled { id }) {
                        return;
                    }
                }
                Handed::Failed(why) => {
                    let from = message.from.clone();
                    let pause = lanes.failed(&whose, clock::now().at).as_secs();
                    write_err(&format!(
                        "udpchat: the program {why}: message {id} from {from} is given to it again in {pause} s\n"
                    ));
                }
                Handed::Over => {
                    hatch.stop();
                    return;
                }
            }
            // What has come meanwhile has its turn by when it came.
            while lanes.has_room()
                && let Ok(message) = self.messages.try_recv()
            {
                lanes.push(message);
            }
        }
        if self.left == Some(0) {
            self.enough.store(true, Ordering::Relaxed);
            // The senders are still to hear of it: of what an earlier run had left, once they or the server ask again.
            hatch.submit(Command::LeaveSettled);
        } else {
            hatch.stop();
        }
    }

    fn has_ended(&self) -> bool {
        self.end.try_recv() == Err(TryRecvError::Disconnected)
    }

    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| until <= clock::now().at)
    }

    /// Waits for a message, if there is room for one, or for somebody's turn.
    fn wait(&self, lanes: &Lanes) -> Waited {
        let now = clock::now().at;
        let left = self.until.map_or(Duration::MAX, |until| until.since(now));
        let rest = lanes.rest(now).map_or(left, |rest| rest.min(left));
        let none = never();
        let messages = if lanes.has_room() { &self.messages } else { &none };
        select! {
            recv(messages) -> message => message.map_or(Waited::End, Waited::Message),
            recv(self.end) -> _ => Waited::End,
            default(rest.min(LONG)) => Waited::Turn,
        }
    }

    fn hand_over(&self, message: &Incoming) -> Handed {
        let Some(command) = &self.exec else {
            let notice = Notice::from(Event::Incoming(message.clone()));
            let lines = self.format.notice(&notice, render::local_offset);
            return match write_out(&format!("{}\n", lines.join("\n"))) {
                Ok(()) => Handed::Done,
                Err(error) => {
                    self.failure.put(error);
                    Handed::Over
                }
            };
        };
        let outcome = self.programs.run(&Job {
            command,
            input: handing::input(self.format, message).as_bytes(),
            environment: &handing::environment(message),
            prints: Prints::Here,
        });
        match outcome {
            Outcome::Done => Handed::Done,
            Outcome::Failed(why) => Handed::Failed(why),
            Outcome::Stopped => Handed::Over,
        }
    }
}

/// The longest wait at a time: channels do not know how to wait for ever.
const LONG: Duration = Duration::from_secs(3_600);

/// What was waited for.
enum Waited {
    Message(Incoming),
    /// Somebody's turn, or nothing more.
    Turn,
    End,
}

/// What became of a message.
enum Handed {
    Done,
    Failed(String),
    /// Nobody takes any more.
    Over,
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::Select;

    use super::*;
    use crate::client::interface::{Road, Trust};
    use crate::clock::WallTime;
    use crate::id::{Epoch, IdentityId, MessageId, Sequence, Slot};

    fn message(sequence: u64) -> Incoming {
        let id = MessageId {
            sender: IdentityId([1; 32]),
            slot: Slot {
                epoch: Epoch(1),
                sequence: Sequence(sequence),
            },
        };
        Incoming {
            id,
            from: "bob".parse().unwrap(),
            at: None,
            trust: Trust::default(),
            sent_at: WallTime::default(),
            text: "hi".into(),
            road: Road::Direct,
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "who hands over has a thread")]
    fn after_the_end_nothing_is_handed_over() {
        let (come, messages) = bounded(COMING_MAX);
        for sequence in 0..3 {
            come.send(message(sequence)).unwrap();
        }
        let (running, end) = bounded::<()>(0);
        let handler = Handler {
            messages,
            end,
            until: None,
            left: None,
            enough: Arc::default(),
            exec: Some("true".into()),
            format: Format::Lines,
            programs: Programs::default(),
            failure: Failure::default(),
        };
        let (hatch, answers) = Hatch::unheard(|| Command::Leave).unwrap();
        let thread = std::thread::spawn(move || handler.run(hatch));
        let mut first = Select::new();
        first.recv(&answers);
        first.ready();
        // While the first waits to be taken as handled.
        drop(running);
        assert_eq!(answers.recv(), Ok(Command::Handled { id: message(0).id }));
        assert!(answers.recv().is_err(), "the others are the next run's");
        thread.join().unwrap();
    }
}
