//! Who is not heard, and what does not disturb: blocked senders, the program for each message, do-not-disturb.

use std::fs;
use std::path::Path;

use crate::common::World;
use crate::common::pipes::Program;
use crate::common::pty::{CTRL_D, ENTER, Terminal};

/// A client with more options, registered.
fn client_with(world: &World, name: &str, options: &[&str]) -> Program {
    let options: Vec<String> = options.iter().copied().map(str::to_owned).collect();
    let mut client = Program::start(world, &[world.chat(name), options].concat());
    client.expect_start("[Welcome");
    client
}

/// Waits until a file has so many lines; all of it.
fn lines_of(path: &Path, lines: usize, beside: &mut Program) -> String {
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= lines {
            return text;
        }
        // What passes the time is asked and answered.
        beside.type_line("status");
        beside.expect("[No message is unfinished.]");
    }
}

#[test]
fn what_a_blocked_sender_writes_is_nowhere_and_he_is_told_what_is_true() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    y.type_line("send x before");
    x.expect("y: before");
    x.type_line("blocked");
    x.expect("[Nobody is blocked.]");
    x.type_line("block y");
    x.expect("[y is blocked: nothing of what y writes is shown.]");
    y.expect("[Message received by x.]");
    y.type_line("send x unwanted");
    y.expect("[No ACK from x, message sent to server.]");
    y.expect("[Messages received by the server and saved]");
    x.type_line("history");
    x.expect("[No messages are kept.]");
    x.type_line("search before");
    x.expect("[No messages with 'before' are kept.]");
    y.type_line("status");
    y.expect("[Unfinished messages: 1]");
    y.expect_start("number");
    let row = y.expect_start(">2 ");
    assert!(
        row.contains(" x ") && row.ends_with("at the server, until x comes"),
        "{row}"
    );
    x.type_line("quit");
    let (code, lines) = x.end();
    assert_eq!(code, 0);
    assert!(!lines.iter().any(|line| line.contains("unwanted")), "{lines:#?}");

    let mut x = Program::returning_client(&world, "x");
    x.type_line("blocked");
    x.expect("[Blocked: 1]");
    x.expect_start("y     20");
    x.type_line("unblock y");
    x.expect("[y is not blocked any more.]");
    x.type_line("history y");
    x.expect("[Messages with y: 1]");
    // The server gives it again in the next session at the latest.
    x.type_line("dereg");
    x.expect("[You are Offline. Bye.]");
    x.type_line("reg");
    assert!(x.expect_start("y: ").ends_with(" unwanted"));
    assert!(y.expect_start("[Message of ").ends_with("received by x.]"));
}

#[test]
fn what_a_blocked_member_posts_is_not_shown_and_what_others_post_is() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    x.type_line("roomcreate den");
    x.expect_start("[You have joined den");
    let mut others = ["y", "z"].map(|name| Program::client(&world, name));
    for other in &mut others {
        other.type_line("roomjoin den");
        other.expect_start("[You have joined den");
    }
    let [mut y, mut z] = others;
    y.type_line("send x hi");
    x.expect("y: hi");
    x.type_line("block y");
    x.expect_start("[y is blocked");
    y.type_line("post den noise");
    z.expect("den: y: noise");
    z.type_line("post den hello");
    let skipped = x.expect("den: z: hello");
    assert!(!skipped.iter().any(|line| line.contains("noise")), "{skipped:#?}");
    x.type_line("unblock y");
    x.expect_start("[y is not blocked");
    x.type_line("history #den");
    x.expect("[Messages with #den: 2]");
}

#[test]
fn a_program_is_run_for_each_message_but_for_none_that_is_not_to_be_heard() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let heard = world.folder().join("heard");
    // What it prints is in nobody's way.
    let command = format!(
        r#"echo noise; echo noise >&2; echo "$UDPCHAT_FROM${{UDPCHAT_ROOM:+ in }}$UDPCHAT_ROOM: $(cat)" >> {}"#,
        heard.display()
    );
    let mut x = client_with(&world, "x", &["--on-message", &command]);
    let mut y = Program::client(&world, "y");
    let mut z = Program::client(&world, "z");
    y.type_line("send x one");
    assert_eq!(lines_of(&heard, 1, &mut x), "y: one\n");
    x.type_line("block y");
    x.expect_start("[y is blocked");
    y.type_line("send x two");
    y.expect("[Messages received by the server and saved]");
    x.type_line("dnd on");
    x.expect_start("[Do not disturb: ");
    z.type_line("send x three");
    x.expect("z: three");
    x.type_line("dnd off");
    x.expect_start("[The bell and the --on-message program are on again");
    x.type_line("roomcreate den");
    x.expect_start("[You have joined den");
    z.type_line("roomjoin den");
    z.expect_start("[You have joined den");
    z.type_line("post den four");
    assert_eq!(lines_of(&heard, 2, &mut x), "y: one\nz in den: four\n");
    x.type_line("quit");
    let (code, lines) = x.end();
    assert_eq!(code, 0);
    assert!(!lines.iter().any(|line| line.contains("noise")), "{lines:#?}");
}

#[test]
fn a_program_that_hangs_holds_nobody_up_and_one_that_fails_is_told_of_once() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let mut x = client_with(&world, "x", &["--on-message", "sleep 1000"]);
    for number in 0..80 {
        y.type_line(&format!("send x number {number}"));
    }
    x.expect("y: number 79");
    // What is said beside messages follows those that are shown with it.
    x.type_line("whoami");
    x.expect_start("[Fingerprint of yourself");
    let full = "[Messages come faster than the --on-message program can take them: for some it is not run.]";
    assert_eq!(x.talk().iter().filter(|line| *line == full).count(), 1);
    x.type_line("quit");
    assert_eq!(x.end().0, 0, "nor the end");
    let mut x = client_with(&world, "x", &["--on-message", "exit 7"]);
    let failure = "[The --on-message program ended with exit code 7; it is run for others all the same.]";
    let told = |x: &Program| x.talk().iter().filter(|line| *line == failure).count();
    // It is told with a message that comes after it.
    while told(&x) == 0 {
        y.type_line("send x again");
        x.expect_start("y: ");
    }
    for _ in 0..10 {
        y.type_line("send x again");
        x.expect_start("y: ");
    }
    assert_eq!(told(&x), 1);
}

#[test]
fn who_is_not_to_be_disturbed_sees_that_at_the_prompt_and_hears_no_bell() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut y = Program::client(&world, "y");
    let options = ["--bell", "all"].map(str::to_owned);
    let mut x = Terminal::open((24, 80), &[], &world, &[&world.chat("x")[..], &options].concat());
    x.wait("a registered client", |lines| {
        lines.iter().any(|line| line.starts_with("[Welcome"))
            && lines.last().is_some_and(|line| line == ">>>")
    });
    x.press(&format!("dnd on{ENTER}"));
    x.wait_last("(dnd) >>>");
    y.type_line("send x one");
    x.wait_line("y: one");
    assert_eq!(x.rings(), 0);
    x.press(&format!("dnd off{ENTER}"));
    x.wait_last(">>>");
    y.type_line("send x two");
    x.wait_line("y: two");
    assert_eq!(x.rings(), 1);
    x.press(CTRL_D);
    assert_eq!(x.end().0, 0);
}

#[test]
fn without_a_registry_too() {
    let world = World::new();
    let [one, other] = crate::common::free_ports();
    let peer = |name: &str, own: u16, to: u16| {
        let peer = ["-p", name, &own.to_string(), &format!("127.0.0.1:{to}")].map(str::to_owned);
        let mut peer = Program::start(&world, &peer);
        peer.expect_start("[Listening on port ");
        peer
    };
    let mut x = peer("x", one, other);
    let mut y = peer("y", other, one);
    y.type_line("hello");
    x.expect("y: hello");
    x.type_line(":verify y");
    x.expect_start("[The key of y at 127.0.0.1:");
    y.type_line("and again");
    x.expect("y (verified): and again");
    y.expect("[Message received by x.]");
    y.expect("[Message received by x.]");
    x.type_line(":block y");
    x.expect_start("[y is blocked");
    y.type_line("unwanted");
    y.expect("[Message to x is waiting; it will be sent when x can be reached.]");
    x.type_line(":unblock y");
    x.expect_start("[y is not blocked");
    x.expect_start("y (verified): ");
    x.type_line(":q");
    assert_eq!(x.end().0, 0);
}
