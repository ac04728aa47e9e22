//! What was said before, as the built program tells of it: at the prompt, to programs, written out, and forgotten.

use serde_json::Value;

use crate::common::pipes::Program;
use crate::common::schema::fault;
use crate::common::{World, free_ports};

/// A world in which x and y have talked, directly and by way of the server. x is running.
pub(crate) fn talked() -> (World, Program, Program) {
    let world = World::new();
    let registry = Program::registry(&world);
    let mut x = Program::client(&world, "x");
    let mut y = Program::client(&world, "y");
    x.type_line("send y The quick brown fox");
    x.expect("[Message received by y.]");
    y.expect("x: The quick brown fox");
    y.type_line("send x two\u{7}words");
    x.expect("y: two\\u{7}words");
    y.expect("[Message received by x.]");
    y.type_line("quit");
    assert_eq!(y.end().0, 0);
    x.type_line("send y for later");
    x.expect("[Messages received by the server and saved]");
    (world, registry, x)
}

/// A line without the number and the time at its beginning.
fn said(line: &str) -> &str {
    let (number, line) = line.trim_start().split_once(' ').unwrap_or_default();
    assert!(number.starts_with(['<', '>']), "{number}");
    let (time, rest) = line.split_at_checked(9).unwrap_or_default();
    assert!(time.ends_with(' ') && time.matches(':').count() == 2, "{line}");
    rest
}

/// The lines of an answer after its heading and its day.
fn answer(program: &mut Program, heading: &str, lines: usize) -> Vec<String> {
    program.expect(heading);
    program.expect_start("--- 20");
    let lines = (0..lines).map(|_| program.expect_start(""));
    lines.map(|line| said(&line).to_owned()).collect()
}

#[test]
fn what_was_said_is_shown_found_and_forgotten() {
    let (_world, _registry, mut x) = talked();
    x.type_line("history y");
    let all = [
        "x (received): The quick brown fox",
        "y (new): two\\u{7}words",
        "x (at the server): for later",
    ];
    assert_eq!(answer(&mut x, "[Messages with y: 3]", 3), all);
    x.type_line("history 1");
    assert_eq!(
        answer(&mut x, "[Messages, the last 1 of them:]", 1),
        ["x to y (new) (at the server): for later"]
    );
    x.type_line("search FOX quick");
    assert_eq!(
        answer(&mut x, "[Messages with 'FOX quick': 1]", 1),
        ["x to y (new) (received): The quick brown fox"]
    );
    x.type_line("history #y");
    x.expect("[No messages with #y are kept.]");
    x.type_line("forget y");
    x.expect("[Messages with y that are forgotten: 2]");
    x.expect(
        "[Not forgotten, because they are under way or not shown yet: 1; forget again when they are not]",
    );
    x.type_line("search fox");
    x.expect("[No messages with 'fox' are kept.]");
    x.type_line("quit");
    assert_eq!(x.end().0, 0);
}

#[test]
fn an_answer_that_is_asked_for_through_a_pipe_comes_before_the_end() {
    let (world, _registry, x) = talked();
    x.interrupt();
    assert_eq!(x.end().0, 0);
    let mut x = Program::start(&world, &world.chat("x"));
    x.feed(b"history y 1");
    x.end_input();
    let (code, lines) = x.end();
    assert_eq!(code, 0);
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with(" x (at the server): for later")),
        "{lines:#?}"
    );
}

#[test]
fn programs_are_told_with_objects() {
    let (world, _registry, x) = talked();
    x.interrupt();
    assert_eq!(x.end().0, 0);
    let schema: Value = serde_json::from_str(include_str!("../../docs/json.schema.json")).unwrap();
    let mut x = Program::start(&world, &[world.chat("x"), vec!["--json".to_owned()]].concat());
    let mut ask = |object: &str, event: &str| -> Value {
        x.type_line(object);
        let line = x.expect_start(&format!(r#"{{"event":"{event}""#));
        let object = serde_json::from_str(&line).unwrap();
        assert_eq!(fault(&schema, &schema, &object), None, "{line}");
        object
    };
    let history = ask(r#"{"operation":"history","user":"y","count":2}"#, "history");
    let [came, went] = history["messages"].as_array().unwrap().as_slice() else {
        panic!("{history}");
    };
    assert_eq!(
        (&history["user"], &history["earlier"]),
        (&"y".into(), &true.into())
    );
    assert_eq!(
        (&came["user"], &came["message"]),
        (&"y".into(), &"two\u{7}words".into())
    );
    assert_eq!(
        (&went["to"], &went["state"], &went["own"]),
        (&"y".into(), &"stored".into(), &true.into())
    );
    assert!(went["stored_at"].is_string() && went["ended_at"].is_null());
    let found = ask(r#"{"operation":"search","words":"fox"}"#, "history");
    assert_eq!(found["messages"][0]["message"], "The quick brown fox");
    assert!(found["messages"][0]["ended_at"].is_string());
    let forgotten = ask(r#"{"operation":"forget","user":"y"}"#, "forgotten");
    assert_eq!(
        (&forgotten["removed"], &forgotten["kept"]),
        (&2.into(), &1.into())
    );
    let den = ask(r#"{"operation":"history","room":"den"}"#, "history");
    assert_eq!(
        (&den["room"], &den["messages"]),
        (&"den".into(), &Value::Array(Vec::new()))
    );
}

#[test]
fn all_of_it_is_written_out_beside_a_running_client() {
    let (world, _registry, mut x) = talked();
    let port = world.port.to_string();
    let export = |name: &str, paper: &str| {
        Program::run(&world, &["-c", name, "127.0.0.1", &port, "0", "--export", paper])
    };
    let (code, lines, errors) = export("x", "jsonl");
    assert_eq!((code, errors.as_slice()), (0, [].as_slice()));
    let schema: Value = serde_json::from_str(include_str!("../../docs/json.schema.json")).unwrap();
    let read = |line: &String| -> Value {
        let object = serde_json::from_str(line).unwrap();
        assert_eq!(fault(&schema, &schema["$defs"]["kept"], &object), None, "{line}");
        object
    };
    let messages: Vec<Value> = lines.iter().map(read).collect();
    let texts: Vec<&str> = messages
        .iter()
        .filter_map(|message| message["message"].as_str())
        .collect();
    assert_eq!(texts, ["The quick brown fox", "two\u{7}words", "for later"]);
    let (code, lines, _) = export("X", "markdown");
    assert_eq!((code, lines[0].as_str()), (0, "# Messages of x"));
    assert!(
        lines.iter().any(|line| line.ends_with("y: two\\\\u\\{7\\}words")),
        "{lines:#?}"
    );
    // It has kept nobody from anything.
    x.type_line("send y still here");
    x.expect("[Messages received by the server and saved]");
    x.interrupt();
    assert_eq!(x.end().0, 0);
    assert_eq!(export("x", "jsonl").1.len(), 4, "nor does it need one");
    let (code, lines, errors) = export("nobody", "jsonl");
    assert_eq!((code, lines.len()), (5, 0));
    assert!(
        errors[0].contains("there is no history: no client called nobody"),
        "{errors:?}"
    );
    let (code, _, errors) = export("x", "html");
    assert_eq!(code, 2);
    assert!(
        errors[0].contains("--export is jsonl or markdown, not 'html'"),
        "{errors:?}"
    );
    std::fs::write(
        world.client_folder("x").join("database.sqlite"),
        "x".repeat(5_000),
    )
    .unwrap();
    let (code, lines, errors) = export("x", "jsonl");
    assert_eq!((code, lines.len()), (5, 0));
    assert!(
        errors[0].contains("damaged or not a database") || errors[0].contains("something else"),
        "{errors:?}"
    );
}

#[test]
fn without_a_registry_the_same_is_had_by_name_and_by_address() {
    let world = World::new();
    let [a, b] = free_ports();
    let arguments = |name: &str, port: u16, other: u16| {
        ["-p", name, &port.to_string(), &format!("127.0.0.1:{other}")]
            .map(str::to_owned)
            .to_vec()
    };
    let mut alice = Program::start(&world, &arguments("alice", a, b));
    let mut bob = Program::start(&world, &arguments("bob", b, a));
    alice.expect_start("[Listening");
    bob.expect_start("[Listening");
    alice.type_line("good morning");
    bob.expect("alice: good morning");
    alice.expect("[Message received by bob.]");
    bob.type_line("good evening");
    alice.expect("bob: good evening");
    for (whom, heading) in [
        ("bob".to_owned(), "[Messages with bob: 2]".to_owned()),
        (
            format!("127.0.0.1:{b}"),
            format!("[Messages with 127.0.0.1:{b}: 2]"),
        ),
    ] {
        alice.type_line(&format!(":history {whom}"));
        let said = ["alice (received): good morning", "bob (new): good evening"];
        assert_eq!(answer(&mut alice, &heading, 2), said);
    }
    alice.type_line(":search evening");
    assert_eq!(
        answer(&mut alice, "[Messages with 'evening': 1]", 1),
        ["bob (new): good evening"]
    );
    let mut export = arguments("alice", a, b);
    export.extend(["--export", "jsonl"].map(str::to_owned));
    let export: Vec<&str> = export.iter().map(String::as_str).collect();
    assert_eq!(Program::run(&world, &export).1.len(), 2);
    alice.type_line(":forget bob");
    alice.expect("[Messages with bob that are forgotten: 2]");
    assert_eq!(Program::run(&world, &export).1.len(), 0);
}
