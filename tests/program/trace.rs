//! Where a message is and how it came there, as the built program tells it: at the prompt and to programs.

use serde_json::Value;

use crate::common::pipes::Program;
use crate::common::schema::fault;
use crate::common::{World, free_ports};
use crate::history::talked;

/// What the next line says, without the times before it.
fn step(program: &mut Program) -> String {
    let line = program.expect_start("  ");
    let (_time, words) = line.trim_start().split_once("  ").unwrap_or_default();
    let words = words.trim_start();
    // How long after the first it was, if it was not that.
    let after = words.strip_prefix('+').and_then(|span| span.split_once("  "));
    after.map_or(words, |(_span, words)| words).to_owned()
}

/// So many of them.
fn steps(program: &mut Program, steps: usize) -> Vec<String> {
    (0..steps).map(|_| step(program)).collect()
}

#[test]
fn a_message_is_followed_directly_and_by_way_of_the_server() {
    let (_world, _registry, mut x) = talked();
    x.type_line("status");
    x.expect("[Unfinished messages: 1]");
    x.expect_start("number  to");
    assert!(
        x.expect_start(">2      y")
            .ends_with("at the server, until y comes")
    );
    x.type_line("trace");
    x.expect("[Message >2 to y: at the server, until y comes]");
    assert!(x.expect_start("  written 20").ends_with(": for later"));
    assert_eq!(step(&mut x), "on your disk");
    // Whether y was known to be away by then depends on when that was told.
    while !step(&mut x).starts_with("given to the server, attempt 1 (round trip ") {}
    assert!(step(&mut x).starts_with("the server keeps it, "));
    x.expect("  Not known: when the server forwarded it, and how often.");
    x.type_line("trace 1");
    x.expect("[Message >1 to y: received]");
    assert!(x.expect_start("  written 20").ends_with(": The quick brown fox"));
    let direct = steps(&mut x, 4);
    assert_eq!(direct[..2], ["on your disk", "y is called"]);
    assert!(direct[2].starts_with("sent to y, attempt 1 (round trip "));
    assert!(direct[3].starts_with("receipt directly, after "), "{direct:?}");
    x.type_line("trace <1");
    assert!(
        x.expect_start("[Message <1 from y: here since 20")
            .ends_with(", directly]")
    );
    assert!(
        x.expect_start("  written 20")
            .ends_with(" by the clock of y: two\\u{7}words")
    );
    assert_eq!(
        steps(&mut x, 4),
        [
            "it came directly",
            "on your disk",
            "receipt sent directly",
            "shown"
        ]
    );
    x.expect("  Not known: what was tried before it came.");
    x.type_line("trace <2");
    x.expect("[No message <2 is kept.]");
    x.type_line("trace #y");
    x.expect("[You have written nothing to #y that is kept.]");
}

#[test]
fn of_what_an_earlier_run_did_the_states_are_told() {
    let (world, _registry, x) = talked();
    x.interrupt();
    assert_eq!(x.end().0, 0);
    let mut x = Program::returning_client(&world, "x");
    x.type_line("trace y");
    x.expect("[Message >2 to y: at the server, until y comes]");
    x.expect_start("  written 20");
    assert_eq!(
        steps(&mut x, 2),
        [
            "the server keeps it",
            "an earlier run had it on your disk; what that run did is not noted"
        ]
    );
    x.type_line("trace >1");
    x.expect("[Message >1 to y: received]");
    x.expect_start("  written 20");
    assert_eq!(steps(&mut x, 1), ["received"]);
    x.expect("  Not noted: how it went. That was in an earlier run, or many have ended since.");
}

#[test]
fn programs_are_told_of_a_message_by_its_id() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let schema: Value = serde_json::from_str(include_str!("../../docs/json.schema.json")).unwrap();
    let mut x = Program::start(&world, &[world.chat("x"), vec!["--json".to_owned()]].concat());
    let mut ask = |object: &str, start: &str| -> Value {
        x.type_line(object);
        let line = x.expect_start(start);
        let object = serde_json::from_str(&line).unwrap();
        assert_eq!(fault(&schema, &schema, &object), None, "{line}");
        object
    };
    let nothing = ask(r#"{"operation":"trace"}"#, r#"{"event":"trace""#);
    assert_eq!(
        (&nothing["message"], &nothing["whole"]),
        (&Value::Null, &false.into())
    );
    let refused = ask(
        r#"{"message":"hi","to":"nobody"}"#,
        r#"{"event":"state","state":"refused""#,
    );
    let trace = ask(
        &format!(r#"{{"operation":"trace","id":{}}}"#, refused["id"]),
        r#"{"event":"trace""#,
    );
    assert_eq!(trace["message"]["id"], refused["id"]);
    let steps: Vec<&str> = trace["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["step"].as_str())
        .collect();
    assert_eq!(steps, ["accepted", "refused"]);
    assert_eq!(trace["steps"][1]["reason"], "no-such-name");
    assert_eq!((&trace["whole"], &trace["sent"]), (&true.into(), &0.into()));
    let wrong = ask(
        r#"{"operation":"status","id":"x"}"#,
        r#"{"event":"error","reason":"wrong-input""#,
    );
    assert!(wrong["text"].as_str().unwrap().contains("has no 'id'"));
}

#[test]
fn without_a_registry_the_last_to_an_address_is_found() {
    let world = World::new();
    let [a, b] = free_ports();
    let arguments = ["-p", "alice", &a.to_string(), &format!("127.0.0.1:{b}")].map(str::to_owned);
    let mut alice = Program::start(&world, &arguments);
    alice.expect_start("[Listening");
    alice.type_line("hello?");
    alice.expect_start("[Message to 127.0.0.1:");
    alice.type_line(&format!(":trace 127.0.0.1:{b}"));
    alice.expect(&format!("[Message >1 to 127.0.0.1:{b}: waits for 127.0.0.1:{b}]"));
    alice.expect_start("  written 20");
    assert_eq!(
        steps(&mut alice, 3),
        [
            "on your disk".to_owned(),
            format!("127.0.0.1:{b} is called"),
            "waits: nobody can take it".to_owned()
        ]
    );
}
