//! The examples, run as whoever reads them would run them: services with clients at a prompt, and with each other.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: what fails here fails the test, loudly"
)]

use rustix::process::Signal;

use crate::common::World;
use crate::common::pipes::Program;

/// A service that is ready to answer.
fn service(world: &World, example: &str, name: &str) -> Program {
    let mut service = Program::example(world, example, &[name, &world.registry_address()]);
    service.expect(&format!("{name} is ready"));
    service
}

/// What somebody is answered to a text.
fn ask(client: &mut Program, service: &str, text: &str) -> String {
    client.type_line(&format!("send {service} {text}"));
    let line = client.expect_start(&format!("{service}: "));
    line.strip_prefix(&format!("{service}: ")).unwrap().to_owned()
}

/// A text with its digits taken out.
fn shape(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "0")
}

#[test]
fn the_time_service_answers_a_person() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let service = service(&world, "time_service", "clock");
    let mut alice = Program::client(&world, "alice");
    assert_eq!(shape(&ask(&mut alice, "clock", "SEND_DATE")), "0000-00-00");
    assert_eq!(shape(&ask(&mut alice, "clock", "SEND_TIME")), "00:00:00");
    assert_eq!(
        ask(&mut alice, "clock", "hello"),
        "Ask me for SEND_DATE or SEND_TIME."
    );
    service.signal(Signal::INT);
    assert_eq!(service.end().0, 0, "Ctrl+C is an end like any other");
    // It has told the registry that it leaves.
    alice.type_line("send clock SEND_DATE");
    alice.expect("[clock is offline, message sent to server.]");
}

#[test]
fn the_time_client_asks_until_it_has_had_enough_answers() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let _service = service(&world, "time_service", "clock");
    let arguments = ["alice", &world.registry_address(), "clock", "--count", "3"];
    let (code, lines) = Program::example(&world, "time_client", &arguments).end();
    let shapes: Vec<String> = lines.iter().map(|line| shape(line)).collect();
    let is_answer = |line: &String| line == "clock: 0000-00-00" || line == "clock: 00:00:00";
    assert!(shapes.len() == 3 && shapes.iter().all(is_answer), "{lines:?}");
    assert_eq!(code, 0);
}

#[test]
fn the_time_client_ends_at_ctrl_c() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let _service = service(&world, "time_service", "clock");
    let mut client = Program::example(
        &world,
        "time_client",
        &["alice", &world.registry_address(), "clock"],
    );
    client.expect_start("clock: ");
    client.signal(Signal::INT);
    assert_eq!(client.end().0, 0);
}

#[test]
fn the_calculator_has_a_session_for_each_of_many() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut service = service(&world, "calculator", "calc");
    let (mut alice, mut bob) = (Program::client(&world, "alice"), Program::client(&world, "bob"));
    assert_eq!(ask(&mut alice, "calc", "12 + 42"), "54");
    assert_eq!(ask(&mut bob, "calc", "3.24 - 45"), "-41.76");
    assert_eq!(ask(&mut alice, "calc", "4.5 / -6"), "-0.75");
    assert_eq!(ask(&mut bob, "calc", "1 / 0"), "Warning: division by zero");
    assert!(ask(&mut bob, "calc", "twelve").starts_with("Warning: write two numbers"));
    assert_eq!(ask(&mut alice, "calc", "q"), "Session ended");
    service.expect("alice: session ended after 2 results");
    assert_eq!(ask(&mut bob, "calc", "2 * 3"), "6", "bob's goes on");
    assert_eq!(ask(&mut bob, "calc", "q"), "Session ended");
    service.expect("bob: session ended after 2 results");
}

#[test]
fn a_service_that_comes_back_answers_what_came_meanwhile() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let first = service(&world, "calculator", "calc");
    let mut alice = Program::client(&world, "alice");
    assert_eq!(ask(&mut alice, "calc", "1 + 1"), "2");
    first.signal(Signal::INT);
    assert_eq!(first.end().0, 0);
    alice.type_line("send calc 20 + 2");
    alice.expect("[Messages received by the server and saved]");
    let _second = service(&world, "calculator", "calc");
    alice.expect("calc: 22");
}

#[test]
fn what_is_wrong_is_said_with_exit_code_1() {
    let world = World::new();
    for (example, arguments) in [
        ("time_service", vec!["clock"]),
        (
            "time_client",
            vec!["alice", "127.0.0.1:7", "clock", "--count", "x"],
        ),
        ("calculator", vec!["calc", "nowhere"]),
    ] {
        let program = Program::example(&world, example, &arguments);
        let errors = program.errors();
        assert!(errors.len() == 1 && errors[0].starts_with(example), "{errors:?}");
        assert_eq!(program.end().0, 1);
    }
}
