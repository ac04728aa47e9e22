//! Programs that are run for one thing each: given their input, waited for, and ended when we end.
//!
//! Each runs under `sh -c` in a process group of its own, so that what it has started ends with it. How long one may take is the
//! user's to say (`timeout 10 …`). What its end means is the caller's business.
//! Invariant: each thread runs one at a time; after `stop` none runs and none is started.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::signal;

/// What is to be run.
#[derive(Debug)]
pub struct Job<'a> {
    /// For the shell.
    pub command: &'a str,
    /// On its standard input.
    pub input: &'a [u8],
    /// Variables that are set for it, or not there at all.
    pub environment: &'a [(&'static str, Option<String>)],
    /// Where what it prints goes.
    pub prints: Prints,
}

/// Where what a program prints goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prints {
    /// Where ours goes.
    Here,
    /// Nobody reads it.
    Nowhere,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With exit code 0.
    Done,
    /// Otherwise: why, in words that go on from "the program".
    Failed(String),
    /// We are ending, and it had not.
    Stopped,
}

/// Those that run: one for each thread that runs any.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    running: Arc<Mutex<Running>>,
}

#[derive(Debug, Default)]
struct Running {
    groups: Vec<Pid>,
    stopped: bool,
}

/// Whether programs can be waited for. Whoever has started us may have had the end of children ignored, which is inherited;
/// then nobody learns how they end.
pub fn can_wait() -> bool {
    !signal::ignores_children()
}

/// For the end at once.
static LAST: OnceLock<Programs> = OnceLock::new();

impl Programs {
    /// None yet. What runs is ended, too, where a second signal ends us at once.
    pub fn new() -> Self {
        let programs = Self::default();
        LAST.get_or_init(|| {
            signal::before_the_end(stop_last);
            programs.clone()
        });
        programs
    }

    /// Runs a program to its end.
    pub fn run(&self, job: &Job<'_>) -> Outcome {
        let outcome = self.start(job).and_then(|child| match child {
            Some(child) => self.see_through(child, job.input),
            None => Ok(Outcome::Stopped),
        });
        outcome.unwrap_or_else(|error| Outcome::Failed(format!("cannot be run: {error}")))
    }

    /// Ends those that run, and lets no other begin. Waits for nothing.
    pub fn stop(&self) {
        let mut running = self.lock();
        running.stopped = true;
        for group in &running.groups {
            if let Err(error) = kill_process_group(*group, Signal::KILL) {
                tracing::debug!(%error, "the program has gone already");
            }
        }
    }

    fn start(&self, job: &Job<'_>) -> io::Result<Option<Child>> {
        let mut command = Command::new("sh");
        command.args(["-c", job.command]);
        command.stdin(Stdio::piped()).process_group(0);
        if job.prints == Prints::Nowhere {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        for (name, value) in job.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut running = self.lock();
        if running.stopped {
            return Ok(None);
        }
        let child = command.spawn()?;
        running.groups.extend(pid_of(&child));
        Ok(Some(child))
    }

    fn see_through(&self, mut child: Child, input: &[u8]) -> io::Result<Outcome> {
        if let Some(mut stdin) = child.stdin.take()
            && let Err(error) = stdin.write_all(input)
        {
            // It need not read: its exit code says what it makes of the message.
            tracing::debug!(%error, "the program has not read its input");
        }
        // Its number stays its own until it is waited for: `stop` never meets another process.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Some(pid) = pid_of(&child)
            && matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR))
        {}
        let mut running = self.lock();
        let ended = pid_of(&child);
        running.groups.retain(|group| Some(*group) != ended);
        let status = child.wait()?;
        Ok(match status.success() {
            true => Outcome::Done,
            false if running.stopped => Outcome::Stopped,
            false => Outcome::Failed(how(status)),
        })
    }

    /// A panic elsewhere leaves a state that is still true.
    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stop_last() {
    if let Some(programs) = LAST.get() {
        programs.stop();
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &str, input: &str, environment: &[(&'static str, Option<String>)]) -> Outcome {
        let job = Job {
            command,
            input: input.as_bytes(),
            environment,
            prints: Prints::Here,
        };
        Programs::default().run(&job)
    }

    #[test]
    fn a_program_gets_its_input_and_variables() {
        let variables = [("UDPCHAT_TEST", Some("a b".to_owned())), ("PATHS", None)];
        assert_eq!(
            run(r#"test "$(cat)$UDPCHAT_TEST$PATHS" = "hia b""#, "hi", &variables),
            Outcome::Done
        );
    }

    #[test]
    fn how_it_fails_is_said() {
        let failed = |how: &str| Outcome::Failed(how.to_owned());
        assert_eq!(run("exit 3", "", &[]), failed("ended with exit code 3"));
        assert_eq!(run("kill -9 $$", "", &[]), failed("was ended by signal 9"));
    }

    #[test]
    fn input_that_is_not_read_is_no_failure() {
        assert_eq!(run("true", &"x".repeat(1 << 20), &[]), Outcome::Done);
    }

    #[test]
    fn what_nobody_is_to_read_goes_nowhere() {
        let job = Job {
            command: "test -c /dev/stdout && echo said && echo wrong >&2",
            input: b"",
            environment: &[],
            prints: Prints::Nowhere,
        };
        assert_eq!(Programs::default().run(&job), Outcome::Done);
    }

    #[test]
    fn what_runs_is_stopped_with_all_that_it_has_started() {
        let programs = Programs::default();
        let folder = tempfile::TempDir::new().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        // The shell's child holds the pipe open.
        let command = format!("exec >{}; echo up; sleep 1000; echo no", pipe.display());
        let mut said = String::new();
        std::thread::scope(|scope| {
            let running = programs.clone();
            let ended = scope.spawn(move || {
                running.run(&Job {
                    command: &command,
                    input: b"",
                    environment: &[],
                    prints: Prints::Here,
                })
            });
            let mut read = io::BufReader::new(std::fs::File::open(&pipe).unwrap());
            io::BufRead::read_line(&mut read, &mut said).unwrap();
            programs.stop();
            assert_eq!(ended.join().unwrap(), Outcome::Stopped);
            io::Read::read_to_string(&mut read, &mut said).unwrap();
        });
        assert_eq!(said, "up\n", "nobody holds the pipe any more");
        let job = Job {
            command: "true",
            input: b"",
            environment: &[],
            prints: Prints::Here,
        };
        assert_eq!(programs.run(&job), Outcome::Stopped);
    }
}
