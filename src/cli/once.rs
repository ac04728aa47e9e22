//! A client that does one thing and ends: `--send` and `--recv`.
//!
//! Reads no commands. Standard output has what was asked for: messages, or with `--json` an object for every event; what a person
//! who watches should know besides goes to standard error.
//! Invariants: the exit code says what has become of the message; a message that comes is said to be had only when it was
//! handed over, so that a run which sends leaves what comes to one that shows it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, never, select};

use crate::cli::args::{Addressee, ReceiveOptions, SendOptions};
use crate::cli::begun::Begun;
use crate::cli::format::Format;
use crate::cli::lanes::Lanes;
use crate::cli::letter::{Fate, Letter};
use crate::cli::render;
use crate::cli::streams::{self, write_err, write_out};
use crate::client::interface::{Command, Event, Incoming, Notice, RoomEvent};
use crate::clock::Instant;
use crate::limits::ATTEMPTS_TOTAL;
use crate::runtime::child::{Job, Outcome, Programs};
use crate::runtime::client::{self, Setup};
use crate::runtime::clock;
use crate::runtime::outlet::Knell;
use crate::runtime::program::Hatch;
use crate::runtime::start::{Exit, Fault};

/// What is told and was not asked for: with `--json` an object on standard output like everything, otherwise a line on standard
/// error if it says that something is wrong, or what has become of an earlier message.
fn tell_aside(format: Format, notice: &Notice) -> io::Result<()> {
    let is_wanted = match format {
        // Whoever sends hands nothing over: a message is told by the run that does.
        Format::Json => !matches!(notice.event, Event::Incoming(_)),
        Format::Lines => is_news(&notice.event),
    };
    if !is_wanted {
        return Ok(());
    }
    let lines = format.notice(notice, render::local_offset);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    match format {
        Format::Json => write_out(&text),
        Format::Lines => {
            write_err(&text);
            Ok(())
        }
    }
}

/// Whether somebody who watches a script should hear of it.
const fn is_news(event: &Event) -> bool {
    match event {
        Event::Registered { .. }
        | Event::Deregistered
        | Event::TableUpdated
        | Event::HaveMessages
        | Event::Incoming(_)
        | Event::Ended(_) => false,
        Event::Room(event) => !matches!(event, RoomEvent::Entered { .. } | RoomEvent::News { .. }),
        _ => true,
    }
}

/// Sends one message.
///
/// # Errors
/// As [`client::run`]'s; or standard output cannot be written.
pub(super) fn send(setup: Setup, options: SendOptions, text: String, format: Format) -> Result<Exit, Fault> {
    let (letter, begun) = (Arc::new(Letter::default()), Arc::new(Begun::default()));
    let until = clock::now().at + options.timeout;
    let wait = options.wait;
    let mut told = Told::default();
    let show = {
        let (letter, begun) = (Arc::clone(&letter), Arc::clone(&begun));
        let mut seen = 0;
        move |notices: &[Notice]| {
            for notice in notices {
                begun.note(&notice.event);
                let fate = letter.note(notice);
                told.tell(format, notice, fate.map(|fate| fate.is_settled(wait)))?;
            }
            seen += u64::try_from(notices.len()).unwrap_or(u64::MAX);
            Ok(vec![Command::Seen { events: seen }])
        }
    };
    let (command, waiting) = match options.to {
        Addressee::Person(to) => (Command::Send { to: to.clone(), text }, Event::Waiting { to }),
        Addressee::Room(room) => {
            let post = Command::Post {
                room: room.clone(),
                text,
            };
            (post, Event::Room(RoomEvent::Waiting { room }))
        }
    };
    let typist = {
        let letter = Arc::clone(&letter);
        move |mut hatch: Hatch<Command>| {
            let left = || until.since(clock::now().at);
            // As from a pipe: what is sent before the registration would be said to wait.
            if begun.wait(left().min(ATTEMPTS_TOTAL)) && hatch.submit(command) {
                letter.wait(wait, left());
                hatch.submit(Command::Leave);
            }
        }
    };
    let failure = Failure::default();
    let show = failure.keep(show);
    let ended = client::run(setup, Box::new(typist), Box::new(show), Knell::new(|| ()))?;
    streams::judge(failure.take())?;
    let fate = letter.fate();
    if fate == Fate::Waiting {
        let line = render::event(&waiting, render::local_offset).join("\n");
        write_err(&format!("{line}\n"));
    }
    Ok(exit(fate, fate.is_settled(wait), ended))
}

/// What was told of the message on standard error.
#[derive(Debug, Default)]
struct Told {
    settled: bool,
}

impl Told {
    /// Tells what there is to tell. Of the message itself a person is told the state in which it is left.
    fn tell(&mut self, format: Format, notice: &Notice, settled: Option<bool>) -> io::Result<()> {
        if format == Format::Json {
            tell_aside(format, notice)?;
        }
        match settled {
            None if format == Format::Lines => tell_aside(format, notice)?,
            Some(true) if !std::mem::replace(&mut self.settled, true) => {
                let lines = render::event(&notice.event, render::local_offset);
                write_err(&format!("{}\n", lines.join("\n")));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The exit code: as was wanted, or where the message is.
fn exit(fate: Fate, settled: bool, ended: Exit) -> Exit {
    match fate {
        Fate::Unknown | Fate::NotAccepted if ended != Exit::Done => ended,
        Fate::Unknown | Fate::NotAccepted => Exit::NotAccepted,
        Fate::Waiting => Exit::Waiting,
        Fate::Stored if settled => Exit::Done,
        Fate::Stored | Fate::Partly => Exit::Stored,
        Fate::Delivered => Exit::Done,
        Fate::Refused => Exit::MessageRefused,
        Fate::Expired => Exit::Expired,
    }
}

/// Hands over what comes.
///
/// # Errors
/// As [`client::run`]'s; or standard output cannot be written.
pub(super) fn receive(setup: Setup, options: ReceiveOptions, format: Format) -> Result<Exit, Fault> {
    let (come, messages) = bounded(COMING_MAX);
    // Nothing is sent on it: its end is the program's.
    let (running, end) = bounded::<()>(0);
    let programs = Programs::new();
    let failure = Failure::default();
    let few = Arc::new(Mutex::new(options.count.is_some()));
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
        few: Arc::clone(&few),
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
    let few = *few.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(if few && ended == Exit::Done {
        Exit::TooFew
    } else {
        ended
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
    few: Arc<Mutex<bool>>,
    exec: Option<String>,
    format: Format,
    programs: Programs,
    failure: Failure,
}

impl Handler {
    fn run(mut self, mut hatch: Hatch<Command>) {
        let mut lanes = Lanes::default();
        while self.left != Some(0) && !self.is_late() {
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
        *self.few.lock().unwrap_or_else(PoisonError::into_inner) = self.left.is_some_and(|left| left > 0);
        hatch.submit(Command::Leave);
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
        let notice = Notice::from(Event::Incoming(message.clone()));
        let Some(command) = &self.exec else {
            let lines = self.format.notice(&notice, render::local_offset);
            return match write_out(&format!("{}\n", lines.join("\n"))) {
                Ok(()) => Handed::Done,
                Err(error) => {
                    self.failure.put(error);
                    Handed::Over
                }
            };
        };
        let input = match self.format {
            Format::Lines => message.text.clone(),
            Format::Json => self.format.notice(&notice, render::local_offset).join("\n"),
        };
        let outcome = self.programs.run(&Job {
            command,
            input: input.as_bytes(),
            environment: &environment(message),
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

/// What a program is told of its message.
fn environment(message: &Incoming) -> [(&'static str, Option<String>); 5] {
    let room = match &message.road {
        crate::client::interface::Road::Room { name, .. } => Some(name.to_string()),
        _ => None,
    };
    [
        ("UDPCHAT_FROM", Some(message.from.to_string())),
        ("UDPCHAT_ID", Some(message.id.to_string())),
        (
            "UDPCHAT_SENT_AT",
            Some(crate::cli::json::timestamp(message.sent_at)),
        ),
        ("UDPCHAT_SEQ", Some(message.id.slot.sequence.0.to_string())),
        ("UDPCHAT_ROOM", room),
    ]
}

/// Why standard output could not be written: the first time.
#[derive(Clone)]
struct Failure {
    put: Sender<io::Error>,
    kept: Receiver<io::Error>,
}

impl Default for Failure {
    fn default() -> Self {
        let (put, kept) = bounded(1);
        Self { put, kept }
    }
}

impl Failure {
    fn put(&self, error: io::Error) {
        if let Err(later) = self.put.try_send(error) {
            tracing::debug!(error = %later.into_inner(), "standard output fails again");
        }
    }

    fn take(&self) -> io::Result<()> {
        self.kept.try_recv().map_or(Ok(()), Err)
    }

    /// Says events with `show`; why it has failed is kept here.
    fn keep(
        &self,
        mut show: impl FnMut(&[Notice]) -> io::Result<Vec<Command>> + Send + 'static,
    ) -> impl FnMut(&[Notice]) -> io::Result<Vec<Command>> + Send + 'static {
        let failure = self.clone();
        move |notices| {
            show(notices).map_err(|error| {
                let told = io::Error::from(error.kind());
                failure.put(error);
                told
            })
        }
    }
}
