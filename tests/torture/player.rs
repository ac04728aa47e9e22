//! A program that is killed and started again on the same folder, and every line it ever wrote.
//!
//! It runs on a host of its own. Knows nothing of messages. Each line has the run it belongs to and the time it was read; what
//! was in the pipe when a run was killed is read to its end before the next run starts.
//! Invariant: no process outlives its player.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::common::PROGRAM;
use crate::judge::Person;
use crate::router::Host;

/// Whoever gives up, as one does whose disk is full, is started again after this.
const GIVEN_UP: Duration = Duration::from_millis(300);

/// A line on somebody's screen.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) run: usize,
    /// Unix time in milliseconds.
    pub(crate) at: u64,
    pub(crate) text: String,
}

/// A run that was killed.
#[derive(Clone, Debug)]
pub(crate) struct Killed {
    pub(crate) run: usize,
    pub(crate) at: u64,
    /// What was not marked as shown in the database that it left.
    pub(crate) unmarked: BTreeSet<String>,
}

struct Run {
    child: Child,
    input: ChildStdin,
    reader: JoinHandle<()>,
}

/// The program with its arguments, running or not.
pub(crate) struct Player {
    pub(crate) name: &'static str,
    pub(crate) host: Host,
    arguments: Vec<String>,
    /// Where its data and those of others are, and its own.
    data: PathBuf,
    pub(crate) folder: PathBuf,
    log: PathBuf,
    run: Option<Run>,
    runs: usize,
    lines: Arc<Mutex<Vec<Line>>>,
    /// Is told when it has said something.
    heard: Sender<()>,
    /// Each line that was typed, and in which run.
    typed: Vec<(usize, String)>,
    pub(crate) killed: Vec<Killed>,
    /// When it is to run again.
    pub(crate) due: Option<Instant>,
}

#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
pub(crate) fn now() -> (Instant, u64) {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (Instant::now(), u64::try_from(unix.as_millis()).unwrap())
}

impl Player {
    /// A player whose data are under `data`, its own in `folder`; what it says on standard error goes to `log`.
    pub(crate) fn new(
        (name, host): (&'static str, Host),
        arguments: Vec<String>,
        [data, folder, log]: [PathBuf; 3],
        heard: Sender<()>,
    ) -> Self {
        Self {
            name,
            host,
            arguments,
            data,
            folder,
            log,
            run: None,
            runs: 0,
            lines: Arc::default(),
            heard,
            typed: Vec::new(),
            killed: Vec::new(),
            due: None,
        }
    }

    pub(crate) fn start(&mut self) {
        self.due = None;
        let errors = File::options().create(true).append(true).open(&self.log);
        let mut command = self.host.command(PROGRAM);
        let mut child = command
            .args(&self.arguments)
            .env("XDG_DATA_HOME", &self.data)
            .env("UDPCHAT_CONFIG", "none")
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.unwrap())
            .spawn()
            .unwrap();
        self.runs += 1;
        let (run, lines, heard) = (self.runs, Arc::clone(&self.lines), self.heard.clone());
        let output = BufReader::new(child.stdout.take().unwrap());
        #[expect(clippy::disallowed_methods, reason = "a pipe is waited for by a thread")]
        let reader = std::thread::spawn(move || {
            for text in output.lines().map_while(Result::ok) {
                let line = Line {
                    run,
                    at: now().1,
                    text,
                };
                lines.lock().unwrap().push(line);
                // Whoever listens may be gone at the end.
                if heard.send(()).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take().unwrap();
        self.run = Some(Run { child, input, reader });
    }

    /// Whether it runs; whoever has given up is to be started again.
    pub(crate) fn runs(&mut self) -> bool {
        let ended = |run: &mut Run| run.child.try_wait().unwrap().is_some();
        if self.run.as_mut().is_some_and(ended) {
            self.reap();
            self.due = Some(now().0 + GIVEN_UP);
        }
        self.run.is_some()
    }

    /// It, if it runs.
    pub(crate) fn running(&mut self) -> Option<&mut Self> {
        self.runs().then_some(self)
    }

    /// Whether somebody read the line; one that has just ended does not.
    pub(crate) fn types(&mut self, line: &str) -> bool {
        let run = self.run.as_mut().unwrap();
        let typed = run.input.write_all(format!("{line}\n").as_bytes()).is_ok();
        if typed {
            self.typed.push((self.runs, line.to_owned()));
        }
        typed
    }

    /// `kill -9`; it is to run again after a pause. What was not marked as shown is for `look` to say, who is given a
    /// copy of what is on the disk: looking at it changes nothing.
    pub(crate) fn kill(&mut self, pause: Duration, look: impl FnOnce(&Path) -> BTreeSet<String>) {
        self.run.as_mut().unwrap().child.kill().unwrap();
        let (instant, at) = now();
        self.reap();
        self.due = Some(instant + pause);
        let copy = self.log.with_extension("killed");
        self.copy(&copy);
        let (run, unmarked) = (self.runs, look(&copy));
        self.killed.push(Killed { run, at, unmarked });
    }

    /// SIGTERM, and waits for its end.
    pub(crate) fn stop(&mut self) -> bool {
        let run = self.run.as_ref().unwrap();
        crate::common::signal(run.child.id(), rustix::process::Signal::TERM);
        self.reap()
    }

    fn reap(&mut self) -> bool {
        let mut run = self.run.take().unwrap();
        let status = run.child.wait().unwrap();
        run.reader.join().unwrap();
        status.success()
    }

    pub(crate) fn runs_so_far(&self) -> usize {
        self.runs
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap().clone()
    }

    /// What is to be judged.
    pub(crate) fn left(&self) -> Person<'_> {
        Person {
            name: self.name,
            folder: self.folder.clone(),
            screen: self.lines(),
            typed: &self.typed,
            runs: self.runs,
            killed: &self.killed,
        }
    }

    /// Writes down all that it ever said, and when.
    pub(crate) fn write_screen(&self, to: &Path) {
        let line = |line: &Line| format!("{} {} {}\n", line.run, line.at, line.text);
        let lines: String = self.lines().iter().map(line).collect();
        fs::write(to, lines).unwrap();
    }

    /// Of what it wrote on standard error, the end, and how often this was in it.
    pub(crate) fn words(&self, wanted: &str) -> (String, usize) {
        let words = fs::read_to_string(&self.log).unwrap_or_default();
        let end: Vec<&str> = words.lines().rev().take(10).collect();
        (end.join("\n"), words.matches(wanted).count())
    }

    /// Copies the database and its journal; `false` if there is none yet.
    pub(crate) fn copy(&self, to: &Path) -> bool {
        if to.exists() {
            fs::remove_dir_all(to).unwrap();
        }
        fs::create_dir_all(to).unwrap();
        let files = ["database.sqlite", "database.sqlite-wal"];
        let copied = files.map(|file| fs::copy(self.folder.join(file), to.join(file)).is_ok());
        copied.contains(&true)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        if let Some(run) = &mut self.run {
            // Gone already is as good.
            if run.child.kill().is_ok() {
                run.child.wait().unwrap();
            }
        }
    }
}
