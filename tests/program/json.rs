//! JSON Lines, through pipes: what is asked with objects, and whether every object is as the schema says.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests: what fails here fails the test, loudly"
)]

use serde_json::Value;

use crate::common::World;
use crate::common::pipes::Program;
use crate::common::schema::fault;

/// A client that speaks JSON Lines.
struct Speaker {
    program: Program,
    schema: Value,
}

impl Speaker {
    fn start(world: &World, name: &str) -> Self {
        let arguments = [world.chat(name), vec!["--json".to_owned()]].concat();
        let mut speaker = Self {
            program: Program::start(world, &arguments),
            schema: schema(),
        };
        speaker.expect("registered");
        speaker
    }

    fn ask(&mut self, object: &str) {
        self.program.type_line(object);
    }

    /// The next object of this kind; those before it are passed over.
    fn expect(&mut self, event: &str) -> Value {
        let start = format!(r#"{{"event":"{event}""#);
        let line = self.program.expect_start(&start);
        serde_json::from_str(&line).unwrap()
    }

    fn expect_state(&mut self, state: &str) -> Value {
        loop {
            let object = self.expect("state");
            if object["state"] == state {
                return object;
            }
        }
    }

    /// Ends it; all that it has said is as the schema says.
    fn end(mut self) -> Vec<Value> {
        self.program.end_input();
        let (code, lines) = self.program.end();
        assert_eq!(code, 0, "{lines:#?}");
        let read = |line: &String| {
            let object: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            assert_eq!(fault(&self.schema, &self.schema, &object), None, "{line}");
            object
        };
        lines.iter().map(read).collect()
    }
}

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.schema.json");
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn texts_go_from_program_to_program_as_they_are() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Speaker::start(&world, "x");
    let mut y = Speaker::start(&world, "y");
    x.expect("table-updated");
    x.ask(r#"{"message":"one\n\u001b[31m","to":"y"}"#);
    let accepted = x.expect_state("accepted");
    let delivered = x.expect_state("delivered");
    let one = y.expect("message");
    assert_eq!(one["message"], "one\n\u{1b}[31m");
    assert_eq!((&one["seq"], &one["user"]), (&Value::from(0), &Value::from("x")));
    for object in [&accepted, &delivered] {
        assert_eq!(object["id"], one["id"], "one name for it everywhere");
        assert_eq!(object["to"], "y");
    }
    x.ask("send y two");
    x.expect_state("delivered");
    assert_eq!(y.expect("message")["seq"], 1);
    y.end();
    x.expect("table-updated");
    x.ask(r#"{"message":"three","to":"y"}"#);
    x.expect_state("offline");
    let stored = x.expect_state("stored");
    let mut y = Speaker::start(&world, "y");
    let three = y.expect("message");
    assert_eq!(
        (&three["seq"], &three["road"]),
        (&Value::from(2), &Value::from("stored"))
    );
    assert_eq!(three["id"], stored["id"]);
    assert_eq!(x.expect_state("delivered")["id"], stored["id"]);
    y.end();
    let said = x.end();
    let last = said.last().unwrap();
    assert_eq!(
        (&last["event"], &last["ending"]),
        (&Value::from("ended"), &Value::from("done"))
    );
}

#[test]
fn each_text_is_answered_under_its_tag_and_status_and_fingerprint_are_objects() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Speaker::start(&world, "x");
    let long = "a".repeat(70_000);
    x.ask(&format!(r#"{{"message":"{long}","to":"z","tag":2}}"#));
    let error = x.expect("error");
    assert_eq!(
        (&error["reason"], &error["tag"]),
        (&"too-large".into(), &2.into())
    );
    // Kept for one who is away: it is not refused before that can be asked.
    Speaker::start(&world, "z").end();
    x.ask(r#"{"message":"for later","to":"z","tag":1}"#);
    let accepted = x.expect_state("accepted");
    assert_eq!(accepted["tag"], 1);
    x.ask(r#"{"operation":"status"}"#);
    let status = x.expect("status");
    assert_eq!(status["messages"][0]["id"], accepted["id"]);
    assert_eq!(status["messages"][0]["to"], "z");
    x.ask(r#"{"operation":"fingerprint"}"#);
    let own = x.expect("fingerprint");
    assert_eq!(own["own"], true);
    assert_eq!(own["fingerprint"].as_str().unwrap().len(), 79);
    x.end();
}

#[test]
fn rooms_are_entered_and_left_and_what_is_wrong_is_said() {
    let world = World::new();
    let _registry = Program::registry(&world);
    let mut x = Speaker::start(&world, "x");
    let mut y = Speaker::start(&world, "y");
    x.ask(r#"{"operation":"roomcreate","room":"den"}"#);
    assert_eq!(x.expect("room-entered")["owner"], "x");
    y.ask(r#"{"operation":"subscribe","room":"den"}"#);
    assert_eq!(y.expect("room-entered")["members"], 2);
    assert_eq!(x.expect("room-news")["user"], "y");
    y.ask(r#"{"message":"hello","room":"den"}"#);
    let hello = x.expect("message");
    assert_eq!(
        (&hello["room"], &hello["seq"], &hello["before"]),
        (&"den".into(), &0.into(), &false.into())
    );
    assert_eq!(y.expect_state("stored")["id"], hello["id"]);
    assert_eq!(y.expect_state("delivered")["room"], "den");
    x.ask(r#"{"operation":"roomlist"}"#);
    assert_eq!(x.expect("rooms")["rooms"][0]["room"], "den");
    x.ask(r#"{"operation":"members","room":"den"}"#);
    assert_eq!(x.expect("members")["members"][1]["user"], "y");
    y.ask(r#"{"operation":"unsubscribe","room":"den"}"#);
    y.expect("room-left");
    for (line, reason) in [
        (r#"{"message":"late","room":"den"}"#, "not-member"),
        (r#"{"operation":"roomleave","room":"den"}"#, "not-member"),
        (r#"{"operation":"fly"}"#, "wrong-input"),
        (r#"{"message":1}"#, "wrong-input"),
        ("send y to myself", "to-self"),
        ("fly", "wrong-input"),
        ("dereg x", "not-self"),
    ] {
        y.ask(line);
        assert_eq!(y.expect("error")["reason"], reason, "{line}");
    }
    y.ask("help send");
    assert!(
        y.expect("help")["text"]
            .as_str()
            .unwrap()
            .starts_with("send <name> <text>")
    );
    y.end();
    x.end();
}
