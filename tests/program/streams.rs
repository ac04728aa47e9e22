//! The built program with streams that fail or are not ready, and with ends that come from two sides at once.
//!
//! A log that nobody can write ends nothing; what a person was to be told and could not be is an error with words.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use crate::common::pipes::Program;
use crate::common::pty::{CTRL_C, Terminal};
use crate::common::{PROGRAM, World};
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::process::Signal;

/// Nothing can be written to it: there is no space.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn command(world: &World, arguments: &[String]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env("XDG_DATA_HOME", world.folder())
        .env("XDG_CONFIG_HOME", world.settings());
    command
}

/// A stream for a program whose parent does not block, and our end of it. It holds little, so that it is often full.
fn non_blocking() -> (UnixStream, Stdio) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    set_socket_send_buffer_size(&theirs, 1).unwrap();
    (ours, OwnedFd::from(theirs).into())
}

/// Does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        if self.0.kill().is_ok() {
            self.0.wait().unwrap();
        }
    }
}

fn words(stream: Option<impl Read>) -> String {
    let mut words = String::new();
    stream.unwrap().read_to_string(&mut words).unwrap();
    words
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let world = World::new();
    let mut registry = Running(
        command(&world, &[world.serve(), vec!["-vv".into()]].concat())
            .stderr(full())
            .spawn()
            .unwrap(),
    );
    let client = || {
        command(&world, &[world.chat("x"), vec!["-vv".into()]].concat())
            .stdin(Stdio::null())
            .stderr(full())
            .output()
            .unwrap()
    };
    // Nobody is told when the registry is there: on a busy machine the first tries may be in vain.
    let last = (0..10)
        .map(|_| client())
        .find(|client| client.status.code() != Some(1));
    let last = last.unwrap();
    assert_eq!(last.status.code(), Some(0));
    let said = String::from_utf8(last.stdout).unwrap();
    assert!(said.contains("You are registered."), "{said}");
    crate::common::signal(registry.0.id(), Signal::TERM);
    assert_eq!(registry.0.wait().unwrap().code(), Some(0));
}

#[test]
fn output_that_cannot_be_written_is_told_and_ends_with_5() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let others = [
        &["simulate", "--profile", "lan", "--minutes", "1"][..],
        &["--help"],
        &["simulate", "-h"],
        &["--version"],
    ]
    .map(|words| words.iter().map(|word| (*word).to_owned()).collect());
    for arguments in [world.chat("x")].into_iter().chain(others) {
        let mut child = command(&world, &arguments)
            .stdin(Stdio::null())
            .stdout(full())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = words(child.stderr.take());
        assert!(
            errors.starts_with("udpchat: standard output cannot be written: No space left"),
            "{errors}"
        );
        assert_eq!(child.wait().unwrap().code(), Some(5));
    }
}

#[test]
fn input_that_is_not_ready_is_not_its_end() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let (mut ours, theirs) = non_blocking();
    let mut x = command(&world, &world.chat("x"))
        .stdin(theirs)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    y.expect_start("[Client table updated.]");
    y.quiet();
    ours.write_all(b"send y later\n").unwrap();
    y.expect("x: later");
    ours.shutdown(Shutdown::Write).unwrap();
    let said = words(x.stdout.take());
    assert!(said.contains("[Message received by y.]"), "{said}");
    assert_eq!(x.wait().unwrap().code(), Some(0));
}

#[test]
fn output_that_is_not_ready_loses_nothing() {
    let world = World::new();
    let history = [
        "simulate",
        "--seed",
        "1",
        "--profile",
        "lan",
        "--minutes",
        "2",
        "--trace",
    ]
    .map(str::to_owned);
    let whole = command(&world, &history).output().unwrap().stdout;
    let (ours, theirs) = non_blocking();
    let mut child = command(&world, &history).stdout(theirs).spawn().unwrap();
    // The command's own copy was closed with it; what is read ends with the program.
    let slowly_read = words(Some(ours));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(slowly_read.len() > 1 << 16, "more than the stream holds");
    assert_eq!(slowly_read.into_bytes(), whole);
}

/// The end of the input, or a hang-up, comes with a signal: as when a shell ends a pipe, or a terminal is closed. Where the
/// machine takes long between the two they are two wishes, and it is tried again.
#[test]
fn an_end_that_comes_from_two_sides_is_one_end() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let on_a_terminal = || {
        let mut x = Terminal::start(&world, &world.chat("x"));
        x.wait_last(">>>");
        x.press(CTRL_C);
        x.signal(Signal::HUP);
        x.end().0 == 0
    };
    let through_a_pipe = || {
        let mut y = Program::start(&world, &world.chat("y"));
        y.expect_start("[Welcome");
        y.end_input();
        y.signal(Signal::INT);
        let (code, lines) = y.end();
        let told = lines.iter().any(|line| line.contains("You are Offline"));
        assert_eq!(code == 0, told, "{code} {lines:#?}");
        told
    };
    let mostly = |end: &dyn Fn() -> bool| (0..5).filter(|_| end()).count() >= 3;
    assert!(mostly(&on_a_terminal));
    assert!(mostly(&through_a_pipe));
}
