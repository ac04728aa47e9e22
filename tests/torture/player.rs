//! A program that is killed and started again on the same folder, and every line it ever wrote.
//!
//! Knows nothing of messages. Each line has the run it belongs to and the time it was read; what was in the pipe
//! when a run was killed is read to its end before the next run starts.
//! Invariant: no process outlives its player.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::common::{PROGRAM, World};

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
    /// A copy of the databases as they were left.
    pub(crate) left: PathBuf,
}

struct Run {
    child: Child,
    input: ChildStdin,
    reader: JoinHandle<()>,
}

/// The program with its arguments, running or not.
pub(crate) struct Player {
    pub(crate) name: &'static str,
    arguments: Vec<String>,
    data: PathBuf,
    folder: PathBuf,
    run: Option<Run>,
    runs: usize,
    lines: Arc<Mutex<Vec<Line>>>,
    pub(crate) killed: Vec<Killed>,
    /// When it is to run again.
    pub(crate) due: Option<Instant>,
}

#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
pub(crate) fn now() -> (Instant, u64) {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (Instant::now(), u64::try_from(unix.as_millis()).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
pub(crate) fn pass(time: Duration) {
    std::thread::sleep(time);
}

impl Player {
    pub(crate) fn new(world: &World, name: &'static str, arguments: Vec<String>, folder: PathBuf) -> Self {
        Self {
            name,
            arguments,
            data: world.folder().to_owned(),
            folder,
            run: None,
            runs: 0,
            lines: Arc::default(),
            killed: Vec::new(),
            due: None,
        }
    }

    pub(crate) fn start(&mut self) {
        self.due = None;
        let errors = File::options().create(true).append(true).open(self.log());
        let mut child = Command::new(PROGRAM)
            .args(&self.arguments)
            .env("XDG_DATA_HOME", &self.data)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.unwrap())
            .spawn()
            .unwrap();
        self.runs += 1;
        let (run, lines) = (self.runs, Arc::clone(&self.lines));
        let output = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            for text in output.lines().map_while(Result::ok) {
                let line = Line {
                    run,
                    at: now().1,
                    text,
                };
                lines.lock().unwrap().push(line);
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
            self.due = Some(now().0);
        }
        self.run.is_some()
    }

    /// Whether somebody read the line; one that has just ended does not.
    pub(crate) fn types(&mut self, line: &str) -> bool {
        let run = self.run.as_mut().unwrap();
        run.input.write_all(format!("{line}\n").as_bytes()).is_ok()
    }

    /// `kill -9`. What is on its disk is copied, so that looking at it changes nothing.
    pub(crate) fn kill(&mut self, pause: Duration) {
        self.run.as_mut().unwrap().child.kill().unwrap();
        let (instant, at) = now();
        self.reap();
        self.due = Some(instant + pause);
        let left = self.data.join(format!("left/{}/{}", self.name, self.runs));
        if self.copy(&left) {
            let run = self.runs;
            self.killed.push(Killed { run, at, left });
        }
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

    /// The end of what it wrote on standard error.
    pub(crate) fn last_words(&self) -> String {
        let words = fs::read_to_string(self.log()).unwrap_or_default();
        let words: Vec<&str> = words.lines().rev().take(10).collect();
        words.join("\n")
    }

    fn log(&self) -> PathBuf {
        self.data.join(format!("{}.log", self.name))
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
