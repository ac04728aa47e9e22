//! `--on-message`: a program that is run for each message that is shown, beside the chat, which never waits for it.
//!
//! Threads of its own run it, a few at once; messages wait for them in a queue. What the programs print goes nowhere, for a
//! line may be being typed. Unlike with `--exec`, nothing depends on how one ends.
//! Invariants: whoever shows messages is never held up; what is not run for want of room, and that it fails, is said once.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::cli::format::Format;
use crate::cli::handing;
use crate::client::interface::Incoming;
use crate::runtime::child::{Job, Outcome, Prints, Programs};

/// Programs at once: one that hangs does not hold up the others at once, and a flood of messages starts no flood of them.
const AT_ONCE: usize = 4;
/// Messages that wait: what a mailbox brings at a return, and some. 4 MiB if each is as long as can be.
const WAITING_MAX: usize = 64;

/// Where messages are handed in.
pub(super) struct Hook {
    messages: Sender<Incoming>,
    failures: Receiver<String>,
    told_full: bool,
    told_failure: bool,
}

/// What runs programs, with all that it takes.
#[derive(Clone)]
struct Runner {
    command: String,
    format: Format,
    programs: Programs,
    messages: Receiver<Incoming>,
    failures: Sender<String>,
}

impl Hook {
    /// Starts what will run the command.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(command: String, format: Format, programs: Programs) -> io::Result<Self> {
        let (messages, waiting) = bounded(WAITING_MAX);
        let (failures, failed) = bounded(1);
        let runner = Runner {
            command,
            format,
            programs,
            messages: waiting,
            failures,
        };
        for _ in 0..AT_ONCE {
            runner.clone().start()?;
        }
        Ok(Self {
            messages,
            failures: failed,
            told_full: false,
            told_failure: false,
        })
    }

    /// A message is shown. What there is to say of the programs, each thing once.
    pub(super) fn hear(&mut self, message: &Incoming) -> Vec<String> {
        let mut said = Vec::new();
        if let Err(TrySendError::Full(_)) = self.messages.try_send(message.clone())
            && !std::mem::replace(&mut self.told_full, true)
        {
            said.push(
                "[Messages come faster than the --on-message program can take them: for some it is not run.]"
                    .to_owned(),
            );
        }
        if let Ok(why) = self.failures.try_recv()
            && !std::mem::replace(&mut self.told_failure, true)
        {
            said.push(format!(
                "[The --on-message program {why}; it is run for others all the same.]"
            ));
        }
        said
    }
}

impl Runner {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever shows messages does not wait for programs"
    )]
    fn start(self) -> io::Result<()> {
        // Not joined: what runs is ended with the program.
        thread::Builder::new()
            .name("on-message".to_owned())
            .spawn(move || self.run())?;
        Ok(())
    }

    fn run(self) {
        for message in &self.messages {
            let outcome = self.programs.run(&Job {
                command: &self.command,
                input: handing::input(self.format, &message).as_bytes(),
                environment: &handing::environment(&message),
                prints: Prints::Nowhere,
            });
            match outcome {
                Outcome::Done => {}
                Outcome::Failed(why) => {
                    if let Err(error) = self.failures.try_send(why) {
                        tracing::debug!(why = error.into_inner(), "the program fails again");
                    }
                }
                Outcome::Stopped => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::tests::message;
    use crate::client::interface::{Event, Road};

    fn hi() -> Incoming {
        match message("hi", Road::Direct) {
            Event::Incoming(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_finds_no_room_is_told_once_and_waited_for_by_nobody() {
        let folder = tempfile::TempDir::new().unwrap();
        let programs = Programs::default();
        // They run until they are stopped.
        let command = format!("echo >>{}; sleep 1000", folder.path().join("runs").display());
        let mut hook = Hook::start(command, Format::Lines, programs.clone()).unwrap();
        let said: Vec<String> = (0..WAITING_MAX + AT_ONCE + 10)
            .flat_map(|_| hook.hear(&hi()))
            .collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("faster"), "{said:?}");
        programs.stop();
    }

    #[test]
    fn that_it_fails_is_told_once() {
        let mut hook = Hook::start("exit 3".to_owned(), Format::Lines, Programs::default()).unwrap();
        let mut said = Vec::new();
        // It is told with a message that comes after it.
        while said.is_empty() {
            said = hook.hear(&hi());
            said.retain(|line| !line.contains("faster"));
        }
        let line = "[The --on-message program ended with exit code 3; it is run for others all the same.]";
        assert_eq!(said, [line]);
    }
}
