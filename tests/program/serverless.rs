//! Without a registry: peers who list each other, in any order, killed, replaced, and those whom nobody lists.

#![expect(clippy::disallowed_methods, reason = "somebody else's ports")]

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;

use crate::common::pipes::Program;
use crate::common::pty::{ENTER, Terminal};
use crate::common::{World, free_ports};

const BYE: &str = "[You are Offline. Bye.]";

fn arguments(name: &str, port: u16, peers: &[u16]) -> Vec<String> {
    let mut arguments = vec!["-p".to_owned(), name.to_owned(), port.to_string()];
    arguments.extend(peers.iter().map(|peer| format!("127.0.0.1:{peer}")));
    arguments
}

/// One who is listening.
fn peer(world: &World, name: &str, port: u16, peers: &[u16]) -> Program {
    let mut program = Program::start(world, &arguments(name, port, peers));
    program.expect_start(&format!("[Listening on port {port}. What you type goes to "));
    program
}

fn waiting(to: &str) -> String {
    format!("[Message to {to} is waiting; it will be sent when {to} can be reached.]")
}

/// It is told that somebody has a message, at once or, on a busy machine, later.
fn received(program: &mut Program, by: &str) {
    let end = format!(" received by {by}.]");
    while !program.expect_start("[Message ").ends_with(&end) {}
}

fn ends(mut program: Program, word: &str) -> Vec<String> {
    program.type_line(word);
    let (code, lines) = program.end();
    assert_eq!(code, 0, "{lines:#?}");
    assert_eq!(lines.last().map(String::as_str), Some(BYE));
    lines
}

#[test]
fn two_talk_whichever_writes_first_and_each_word_ends_it() {
    let world = World::new();
    let [a, b] = free_ports();
    let mut alice = peer(&world, "alice", a, &[b]);
    let mut bob = peer(&world, "bob", b, &[a]);
    bob.type_line("Hello alice, ünder no server");
    alice.expect("bob: Hello alice, ünder no server");
    received(&mut bob, "alice");
    alice.type_line("  send bob hi");
    bob.expect("alice:   send bob hi");
    received(&mut alice, "bob");
    alice.type_line("help");
    alice.expect_start("<text> ");
    let lines = ends(alice, ":q");
    assert!(
        lines.contains(&format!("[First met: bob at 127.0.0.1:{b}.]")),
        "{lines:#?}"
    );
    ends(bob, "exit");
    let identity = world.folder().join("udpchat/peers/alice/identity");
    let mode = fs::metadata(identity).expect("an identity").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_written_first_waits_until_the_other_starts() {
    let world = World::new();
    let [a, b] = free_ports();
    let mut alice = peer(&world, "alice", a, &[b]);
    alice.type_line("are you there?");
    alice.expect(&waiting(&format!("127.0.0.1:{b}")));
    let mut bob = peer(&world, "bob", b, &[a]);
    bob.expect("alice: are you there?");
    received(&mut alice, "bob");
    bob.type_line("yes");
    alice.expect("bob: yes");
    ends(bob, "q");
    ends(alice, "quit");
}

#[test]
fn in_a_mesh_each_line_goes_to_all_and_has_a_state_for_each() {
    let world = World::new();
    let [a, b, c] = free_ports();
    let mut alice = peer(&world, "alice", a, &[b, c]);
    let mut bob = peer(&world, "bob", b, &[a, c]);
    let mut carol = peer(&world, "carol", c, &[a, b]);
    for (who, line) in [(0, "one"), (1, "two"), (2, "three")] {
        let mut all = [("alice", &mut alice), ("bob", &mut bob), ("carol", &mut carol)];
        all[who].1.type_line(line);
        let from = all[who].0;
        for (_, other) in all.iter_mut().filter(|(name, _)| *name != from) {
            other.expect(&format!("{from}: {line}"));
        }
    }
    ends(carol, "exit");
    alice.type_line("and without carol");
    bob.expect("alice: and without carol");
    alice.expect(&waiting("carol"));
    let mut carol = peer(&world, "carol", c, &[a, b]);
    carol.expect("alice: and without carol");
    received(&mut alice, "carol");
    let lines = ends(alice, "exit");
    for name in ["bob", "carol"] {
        let end = format!(" received by {name}.]");
        let told = lines.iter().filter(|line| line.ends_with(&end));
        assert_eq!(told.count(), 2, "{name}: {lines:#?}");
    }
}

#[test]
fn who_is_not_listed_gets_nothing_and_is_heard_by_nobody() {
    let world = World::new();
    let [a, b, e] = free_ports();
    let mut alice = peer(&world, "alice", a, &[b]);
    let mut bob = peer(&world, "bob", b, &[a]);
    let mut eve = peer(&world, "eve", e, &[a, b]);
    eve.type_line("let me in");
    let not_listed = format!("[127.0.0.1:{a} does not let you in: what is for 127.0.0.1:{a} waits. ");
    eve.expect_start(&not_listed);
    alice.type_line("between us");
    bob.expect("alice: between us");
    received(&mut alice, "bob");
    eve.quiet();
    for program in [alice, bob] {
        let lines = ends(program, "quit");
        assert!(
            !lines
                .iter()
                .any(|line| line.contains("eve") || line.contains("let me in")),
            "{lines:#?}"
        );
    }
    let lines = ends(eve, "quit");
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("alice") || line.starts_with("bob")),
        "{lines:#?}"
    );
}

#[test]
fn a_killed_sender_sends_what_waited_when_it_runs_again() {
    let world = World::new();
    let [a, b] = free_ports();
    let mut alice = peer(&world, "alice", a, &[b]);
    for number in 0..5 {
        alice.type_line(&format!("number {number}"));
    }
    alice.expect(&waiting(&format!("127.0.0.1:{b}")));
    alice.quiet();
    alice.kill();
    let mut bob = peer(&world, "bob", b, &[a]);
    let mut alice = peer(&world, "alice", a, &[b]);
    for number in 0..5 {
        bob.expect(&format!("alice: number {number}"));
        received(&mut alice, "bob");
    }
    let lines = ends(bob, "quit");
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("alice: ")).count(),
        5,
        "{lines:#?}"
    );
    ends(alice, "quit");
}

#[test]
fn another_identity_is_refused_until_it_is_trusted() {
    let world = World::new();
    let [a, b] = free_ports();
    let mut alice = peer(&world, "alice", a, &[b]);
    let mut bob = peer(&world, "bob", b, &[a]);
    alice.type_line("first");
    bob.expect("alice: first");
    received(&mut alice, "bob");
    ends(bob, "quit");
    let folder = world.folder().join("udpchat/peers/bob");
    fs::rename(&folder, folder.with_extension("lost")).expect("a folder");

    let mut bob = peer(&world, "bob", b, &[a]);
    bob.type_line("it is me");
    bob.expect_start(&format!("[127.0.0.1:{a} does not let you in"));
    alice.expect_start(&format!(
        "[The identity of bob at 127.0.0.1:{b} is not the one you know"
    ));
    let trust = alice.expect_start("  If bob confirms the one found by another way: ");
    let trust = trust.split_once(": ").expect("what to type").1.to_owned();
    alice.type_line("to whom?");
    alice.expect(&waiting("bob"));
    alice.type_line(&trust);
    alice.expect("[The new identity of bob is trusted; what waits for bob is sent.]");
    bob.expect("alice: to whom?");
    alice.expect("bob: it is me");
    ends(alice, "quit");
    ends(bob, "quit");
}

#[test]
fn what_is_piped_is_sent_or_said_to_wait_and_kept() {
    let world = World::new();
    let [a, b, c] = free_ports();
    let piped = |peers: &[u16], text: &str| {
        let mut alice = Program::start(&world, &arguments("alice", a, peers));
        alice.feed(text.as_bytes());
        alice.end_input();
        let (code, lines) = alice.end();
        assert_eq!(code, 0, "{lines:#?}");
        lines
    };
    let lines = piped(&[b, c], "one\n");
    for port in [b, c] {
        assert!(
            lines.contains(&waiting(&format!("127.0.0.1:{port}"))),
            "{lines:#?}"
        );
    }
    let mut bob = peer(&world, "bob", b, &[a]);
    let lines = piped(&[b, c], "two\n");
    assert!(lines.contains(&waiting(&format!("127.0.0.1:{c}"))), "{lines:#?}");
    let received = lines.iter().filter(|line| line.ends_with(" received by bob.]"));
    assert_eq!(received.count(), 2, "{lines:#?}");
    bob.expect("alice: one");
    bob.expect("alice: two");
}

#[test]
fn ipv6_will_do() {
    if UdpSocket::bind(("::1", 0)).is_err() {
        return;
    }
    let world = World::new();
    let [a, b] = free_ports();
    let six = |name: &str, port: u16, other: u16| {
        let words = ["-p", name, &port.to_string(), &format!("[::1]:{other}")].map(str::to_owned);
        let mut program = Program::start(&world, &words);
        program.expect_start("[Listening on port ");
        program
    };
    let mut alice = six("alice", a, b);
    let mut bob = six("bob", b, a);
    alice.type_line("hi");
    bob.expect("alice: hi");
    received(&mut alice, "bob");
}

#[test]
fn what_cannot_work_is_said_in_a_line() {
    let world = World::new();
    let [a] = free_ports();
    let port = a.to_string();
    for (arguments, start) in [
        (vec!["-p", "alice", &port], "udpchat: nobody is listed"),
        (
            vec!["-p", "alice"],
            "udpchat: -p needs <name> <port> <ip:port>...",
        ),
        (
            vec!["-p", "alice", &port, "127.0.0.1"],
            "udpchat: a peer is somebody's address and port",
        ),
        (
            vec!["-p", "alice", &port, "224.0.0.1:5"],
            "udpchat: a peer is somebody's address and port",
        ),
        (
            vec!["-p", "help", &port, "127.0.0.1:5"],
            "udpchat: the name 'help' is reserved",
        ),
    ] {
        let (code, lines, errors) = Program::run(&world, &arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(
            lines.is_empty() && errors.len() == 1 && errors[0].starts_with(start),
            "{errors:#?}"
        );
    }
    let _taken = UdpSocket::bind(("0.0.0.0", a)).expect("a free port");
    let (code, lines, _) = Program::run(&world, &["-p", "alice", &port, "127.0.0.1:5"]);
    assert_eq!(
        (code, lines.last().map(String::as_str)),
        (4, Some("[Exiting]")),
        "{lines:#?}"
    );
}

#[test]
fn on_a_terminal_lines_arrive_above_the_prompt_and_a_paste_is_one_message() {
    let world = World::new();
    let [a, b] = free_ports();
    let mut bob = peer(&world, "bob", b, &[a]);
    let mut alice = Terminal::start(&world, &arguments("alice", a, &[b]));
    alice.wait_typed(">>>");
    alice.press("half a li");
    alice.wait_typed(">>> half a li");
    bob.type_line("hello");
    alice.wait("bob's line above the prompt", |lines| {
        let at = lines.iter().position(|line| line == "bob: hello");
        at.is_some_and(|at| at + 1 < lines.len()) && lines.last().is_some_and(|last| last == ">>> half a li")
    });
    alice.press(&format!("ne{ENTER}"));
    bob.expect("alice: half a line");
    alice.press(&format!("\u{1b}[200~one\rtwo\u{1b}[201~{ENTER}"));
    bob.expect(r"alice: one\ntwo");
    alice.press(&format!(":q{ENTER}"));
    alice.wait("the end", |lines| lines.iter().any(|line| line == BYE));
}

#[test]
fn a_client_of_a_registry_writes_to_an_address_and_is_answered() {
    let world = World::new();
    let [a, b] = free_ports();
    let _registry = Program::registry(&world);
    let words = [
        "-c",
        "alice",
        "127.0.0.1",
        &world.port.to_string(),
        &a.to_string(),
    ]
    .map(str::to_owned);
    let mut alice = Program::start(&world, &words);
    alice.expect("[Welcome, You are registered.]");
    let mut bob = peer(&world, "bob", b, &[a]);
    alice.type_line(&format!("send 127.0.0.1:{b} past the server"));
    bob.expect("alice: past the server");
    received(&mut alice, "bob");
    bob.type_line("I see");
    alice.expect("bob: I see");
    received(&mut bob, "alice");
    let lines = ends(alice, "quit");
    assert!(!lines.iter().any(|line| line.contains("server")), "{lines:#?}");
}
