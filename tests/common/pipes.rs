//! The program with pipes for its three streams.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use rustix::process::Signal;

use super::{PATIENCE, PROGRAM, QUIET, World};

/// What a line is of which there may be any number at any time.
pub const TABLE_UPDATED: &str = "[Client table updated.]";

/// A running program.
pub struct Program {
    called: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
    /// All lines so far.
    seen: Vec<String>,
    /// How many of them were expected already.
    read: usize,
}

impl Program {
    /// Starts it.
    pub fn start(world: &World, arguments: &[String]) -> Self {
        Self::start_with(world, arguments, &[])
    }

    /// Starts it with variables in its environment.
    pub fn start_with(world: &World, arguments: &[String], environment: &[(&str, &str)]) -> Self {
        Self::spawn(Command::new(PROGRAM), world, arguments, environment)
    }

    /// Starts it as a shell does that ignores this signal: `HUP`, as `nohup` does, or `INT`.
    pub fn start_ignoring(signal: &str, world: &World, arguments: &[String]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' {signal}; exec \"$0\" \"$@\""), PROGRAM]);
        Self::spawn(shell, world, arguments, &[])
    }

    /// Starts an example, which cargo puts beside the tests.
    pub fn example(world: &World, name: &str, arguments: &[&str]) -> Self {
        let test = std::env::current_exe().expect("the path of this test");
        let built = test
            .parent()
            .and_then(Path::parent)
            .expect("the folder of what is built");
        let path = built.join("examples").join(name);
        assert!(
            path.exists(),
            "{} is not built: cargo build --examples",
            path.display()
        );
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        Self::spawn(Command::new(path), world, &arguments, &[])
    }

    fn spawn(
        mut command: Command,
        world: &World,
        arguments: &[String],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = command
            .args(arguments)
            .env("XDG_DATA_HOME", world.folder())
            .env("XDG_CONFIG_HOME", world.settings())
            .env("TZ", "UTC")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program");
        let input = child.stdin.take();
        let lines = read_lines(child.stdout.take().expect("its output"));
        let errors = read_lines(child.stderr.take().expect("its errors"));
        Self {
            called: arguments.join(" "),
            child,
            input,
            lines,
            errors,
            seen: Vec::new(),
            read: 0,
        }
    }

    /// A registry that is listening.
    pub fn registry(world: &World) -> Self {
        let registry = Self::start(world, &world.serve());
        registry.expect_error("socket bound");
        registry
    }

    /// A client that is registered for the first time.
    pub fn client(world: &World, name: &str) -> Self {
        let mut client = Self::start(world, &world.chat(name));
        client.expect("[Welcome, You are registered.]");
        client
    }

    /// A client that is registered again.
    pub fn returning_client(world: &World, name: &str) -> Self {
        let mut client = Self::start(world, &world.chat(name));
        client.expect("[Welcome back, You are registered.]");
        client
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        self.feed(format!("{line}\n").as_bytes());
    }

    /// Writes bytes to its input.
    pub fn feed(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("an open input");
        input.write_all(bytes).expect("a program that reads");
        input.flush().expect("a program that reads");
    }

    /// Ends its input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits for exactly this line, after those expected before; lines between are skipped, and returned.
    pub fn expect(&mut self, line: &str) -> Vec<String> {
        self.expect_where(line, |seen| seen == line).0
    }

    /// Waits for a line that begins like this, and returns it.
    pub fn expect_start(&mut self, start: &str) -> String {
        self.expect_where(start, |seen| seen.starts_with(start)).1
    }

    fn expect_where(&mut self, wanted: &str, is_it: impl Fn(&str) -> bool) -> (Vec<String>, String) {
        let from = self.read;
        loop {
            while let Some(line) = self.seen.get(self.read).cloned() {
                self.read += 1;
                if is_it(&line) {
                    let skipped = self.seen.get(from..self.read - 1).unwrap_or_default().to_vec();
                    return (skipped, line);
                }
            }
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(error) => panic!(
                    "{}: no line {wanted:?} ({error})\nsaid:\n{:#?}\nerrors:\n{:#?}",
                    self.called,
                    self.seen,
                    self.errors.try_iter().collect::<Vec<_>>()
                ),
            }
        }
    }

    /// Waits for a line on standard error that holds this.
    pub fn expect_error(&self, part: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.errors.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => seen.push(line),
                Err(error) => panic!("{}: no {part:?} in {seen:#?} ({error})", self.called),
            }
        }
    }

    /// A line on standard error that holds this, if one comes within a moment.
    pub fn says_soon(&self, part: &str) -> Option<String> {
        while let Ok(line) = self.errors.recv_timeout(QUIET) {
            if line.contains(part) {
                return Some(line);
            }
        }
        None
    }

    /// Reads on until nothing has been said for a while.
    pub fn quiet(&mut self) {
        loop {
            match self.lines.recv_timeout(QUIET) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("{} has ended: {:#?}", self.called, self.seen),
            }
        }
        self.read = self.seen.len();
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// From now on nobody reads its output; whoever does may still take one line and some time to go.
    pub fn close_output(&mut self) {
        self.lines = channel().1;
    }

    /// Ctrl+C, as a signal. What is run in the background of a script ignores it, so that ends in another way.
    pub fn interrupt(&self) {
        self.signal(if super::ignores(&self.status(), Signal::INT) {
            Signal::TERM
        } else {
            Signal::INT
        });
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        super::signal(self.child.id(), signal);
    }

    /// What the system says of its state (proc(5)).
    pub fn status(&self) -> String {
        fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a running program")
    }

    /// What the system says of its descriptors (proc(5)).
    pub fn descriptors(&self) -> Vec<String> {
        fs::read_dir(format!("/proc/{}/fdinfo", self.child.id()))
            .expect("a running program")
            .filter_map(|entry| fs::read_to_string(entry.expect("a descriptor").path()).ok())
            .collect()
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("a running program");
        self.child.wait().expect("its end");
    }

    /// Waits for its end: its exit code, and all lines that it said but the table's.
    pub fn end(mut self) -> (i32, Vec<String>) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("{} does not end: {:#?}", self.called, self.seen),
            }
        }
        let status = self.child.wait().expect("its end");
        (status.code().unwrap_or(-1), self.talk())
    }

    /// What it has said so far, but the table's updates.
    pub fn talk(&self) -> Vec<String> {
        let said = |line: &&String| *line != TABLE_UPDATED;
        self.seen.iter().filter(said).cloned().collect()
    }

    /// What comes on standard error until it is closed.
    pub fn errors(&self) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            match self.errors.recv_timeout(PATIENCE) {
                Ok(line) => seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return seen,
                Err(RecvTimeoutError::Timeout) => panic!("{} does not end: {seen:#?}", self.called),
            }
        }
    }

    /// Runs it to its end without input: code, output, errors.
    pub fn run(world: &World, arguments: &[&str]) -> (i32, Vec<String>, Vec<String>) {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let mut program = Self::start(world, &arguments);
        program.end_input();
        let errors = program.errors();
        let (code, lines) = program.end();
        (code, lines, errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Gone already is as good.
        if self.child.kill().is_ok() {
            self.child.wait().expect("its end");
        }
    }
}

/// Lines of a stream, read by a thread so that one can wait for them.
fn read_lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
