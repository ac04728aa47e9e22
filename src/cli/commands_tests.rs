//! Tests of the command table: what each line turns into.

use super::*;
use crate::client::interface::{Partner, PeopleCommand, RoomCommand};
use proptest::prelude::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn read(line: &str) -> Parsed {
    let own = name("alice");
    let focus = None;
    parse(line, Typist { own: &own, focus })
}

fn read_with(focus: &Focus, line: &str) -> Parsed {
    let own = name("alice");
    let focus = Some(focus);
    parse(line, Typist { own: &own, focus })
}

fn sent(to: &str, text: &str) -> Parsed {
    Parsed::Command(Command::Send {
        to: name(to),
        text: text.into(),
    })
}

#[test]
fn the_text_of_send_is_the_rest_of_the_line_as_typed() {
    assert_eq!(read("send bob hi"), sent("bob", "hi"));
    assert_eq!(read("  send   bob  two  spaces "), sent("bob", " two  spaces "));
    assert_eq!(read("send bob send bob x"), sent("bob", "send bob x"));
    assert_eq!(read("send bob grüße 👋"), sent("bob", "grüße 👋"));
}

#[test]
fn a_paste_of_several_lines_is_one_message() {
    assert_eq!(
        read("send bob one\ntwo\n\nthree"),
        sent("bob", "one\ntwo\n\nthree")
    );
    assert_eq!(read("send bob\none\ntwo"), sent("bob", "one\ntwo"));
}

#[test]
fn send_without_name_or_text_is_wrong_and_says_how() {
    for line in ["send", "send ", "send bob", "send bob ", "send bob    "] {
        assert_eq!(
            read(line),
            Parsed::Wrong("Usage: send <name> <text>".to_owned()),
            "{line:?}"
        );
    }
    let Parsed::Wrong(hint) = read("send b/b hi") else {
        panic!("a name with a slash was taken");
    };
    assert!(hint.contains("only letters, digits"), "{hint}");
}

#[test]
fn a_text_at_the_limit_is_taken_and_one_byte_more_is_not() {
    let most = "x".repeat(BODY_BYTES_MAX);
    assert_eq!(read(&format!("send bob {most}")), sent("bob", &most));
    assert_eq!(
        read(&format!("send bob {most}y")),
        Parsed::TooLarge(BODY_BYTES_MAX + 1)
    );
    let wide = "ü".repeat(BODY_BYTES_MAX / 2 + 1);
    assert_eq!(
        read(&format!("send bob {wide}")),
        Parsed::TooLarge(BODY_BYTES_MAX + 2),
        "bytes, not characters"
    );
}

#[test]
fn dereg_and_reg_take_the_own_name_or_none() {
    for line in ["dereg", " dereg ", "dereg alice", "dereg Alice "] {
        assert_eq!(read(line), Parsed::Command(Command::Deregister), "{line:?}");
    }
    assert_eq!(read("reg"), Parsed::Command(Command::Register));
    assert_eq!(read("reg alice"), Parsed::Command(Command::Register));
    assert_eq!(read("dereg bob"), Parsed::NotSelf("deregister"));
    assert_eq!(read("reg bob"), Parsed::NotSelf("register"));
    assert_eq!(
        read("dereg alice now"),
        Parsed::Wrong("Usage: dereg [own name]".to_owned())
    );
}

#[test]
fn a_fingerprint_may_be_typed_with_or_without_its_spaces() {
    let shown = crate::id::IdentityId([0xa7; 32]).fingerprint();
    let trusted = Parsed::Command(Command::Trust {
        name: name("bob"),
        fingerprint: shown.clone(),
    });
    assert_eq!(read(&format!("trust bob {shown}")), trusted);
    assert_eq!(
        read(&format!("trust bob {}", shown.replace(' ', "").to_uppercase())),
        trusted
    );
    assert!(
        matches!(read("trust bob a7a7"), Parsed::Wrong(_)),
        "a part is not enough"
    );
    assert!(matches!(read("trust bob"), Parsed::Wrong(_)));
    assert!(matches!(
        read(&format!("trust bob {}", "é".repeat(32))),
        Parsed::Wrong(_)
    ));
}

#[test]
fn ending_has_several_words() {
    for line in ["quit", "exit", "q", ":q"] {
        assert_eq!(read(line), Parsed::Command(Command::Leave), "{line}");
    }
    assert!(matches!(read("quit now"), Parsed::Wrong(_)));
}

#[test]
fn commands_are_case_sensitive_and_anything_else_is_wrong() {
    for line in [
        "Send bob hi",
        "SEND bob hi",
        "DEREG",
        "hello",
        "\u{1b}[A",
        "%help",
    ] {
        assert!(matches!(read(line), Parsed::Wrong(_)), "{line:?}");
    }
    for line in ["", " ", "\t \n"] {
        assert_eq!(read(line), Parsed::Nothing, "{line:?}");
    }
}

#[test]
fn help_tells_of_every_command() {
    assert_eq!(read("help"), Parsed::Help(None));
    assert_eq!(read("help exit"), Parsed::Help(Some("quit")));
    assert!(matches!(read("help nothing"), Parsed::Wrong(_)));
    let all = help(None).join("\n");
    for entry in TABLE {
        assert!(all.contains(&entry.usage()));
        assert!(
            help(Some(entry.name))
                .iter()
                .any(|line| line.contains(entry.summary))
        );
    }
}

/// Every word that is taken for a command.
fn all_words() -> Vec<&'static str> {
    let aliases = spellings::aliases();
    words()
        .into_iter()
        .chain(aliases.iter().map(|(alias, _)| *alias))
        .collect()
}

#[test]
fn nobody_can_be_called_like_a_command() {
    for word in all_words().into_iter().chain(["all"]) {
        assert!(
            crate::reserved::is_reserved(&name(word)),
            "{word} is not reserved"
        );
    }
}

#[test]
fn no_word_is_in_the_table_twice() {
    let mut words = all_words();
    let count = words.len();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), count);
}

fn room(command: RoomCommand) -> Parsed {
    Parsed::Command(Command::Room(command))
}

#[test]
fn a_focus_is_set_and_ended_by_poke() {
    let bob = || Parsed::Focus(Some(Focus::Person(name("bob"))));
    for line in ["poke bob", "chat bob", "$poke bob "] {
        assert_eq!(read(line), bob(), "{line}");
    }
    assert_eq!(read("poke"), Parsed::Focus(None));
    assert_eq!(read_with(&Focus::Room(name("den")), "chat"), Parsed::Focus(None));
    for line in ["poke Alice", "poke bob hi", "poke b/b"] {
        assert!(matches!(read(line), Parsed::Wrong(_)), "{line}");
    }
}

#[test]
fn a_line_that_is_no_command_goes_whole_to_the_focus() {
    let bob = Focus::Person(name("bob"));
    for line in [
        "hello",
        "  two  spaces ",
        "Send it",
        "one\ntwo",
        "$5",
        "# members",
        ":)",
        "@",
        "@bob's",
    ] {
        assert_eq!(read_with(&bob, line), sent("bob", line), "{line:?}");
        assert!(matches!(read(line), Parsed::Wrong(_)), "{line:?}");
    }
    let posted = Parsed::Command(Command::Post {
        room: name("den"),
        text: "hi all".into(),
    });
    let den = Focus::Room(name("den"));
    assert_eq!(read_with(&den, "hi all"), posted);
    assert_eq!(read_with(&den, "post den hi all"), posted);
    assert_eq!(read_with(&den, "send bob hi"), sent("bob", "hi"));
    assert_eq!(read_with(&den, "quit"), Parsed::Command(Command::Leave));
    assert_eq!(read_with(&den, " "), Parsed::Nothing);
    let most = "x".repeat(BODY_BYTES_MAX);
    assert_eq!(read_with(&bob, &most), sent("bob", &most));
    assert_eq!(
        read_with(&bob, &format!("{most}y")),
        Parsed::TooLarge(BODY_BYTES_MAX + 1)
    );
}

#[test]
fn a_room_may_be_left_out_where_lines_go_to_one() {
    let den = Focus::Room(name("den"));
    let bob = Focus::Person(name("bob"));
    let kick = |room: &str, who: Option<&str>| RoomCommand::Kick {
        room: name(room),
        name: who.map(name),
    };
    for (line, command) in [
        ("roomleave", RoomCommand::Leave(name("den"))),
        ("members", RoomCommand::Members(name("den"))),
        ("kick", kick("den", None)),
        ("kick all", kick("den", None)),
        ("kick bob", kick("den", Some("bob"))),
    ] {
        assert_eq!(read_with(&den, line), room(command), "{line}");
        assert!(matches!(read(line), Parsed::Wrong(_)), "{line}");
        assert!(matches!(read_with(&bob, line), Parsed::Wrong(_)), "{line}");
    }
    for (line, command) in [
        ("roomleave attic", RoomCommand::Leave(name("attic"))),
        ("members attic", RoomCommand::Members(name("attic"))),
        ("kick attic All", kick("attic", None)),
        ("kick attic bob", kick("attic", Some("bob"))),
    ] {
        assert_eq!(read_with(&den, line), room(command.clone()), "{line}");
        assert_eq!(read(line), room(command), "{line}");
    }
    for line in ["kick attic bob now", "kick a/b bob", "roomleave a b", "roomjoin"] {
        assert!(matches!(read_with(&den, line), Parsed::Wrong(_)), "{line}");
    }
}

#[test]
fn who_comes_and_goes_is_asked_for_with_on_and_off() {
    for (line, on) in [("presence on", true), ("presence  off ", false)] {
        assert_eq!(read(line), Parsed::Command(Command::Presence { on }));
    }
    for line in ["presence", "presence On", "presence on off"] {
        assert_eq!(read(line), Parsed::Wrong("Usage: presence on/off".to_owned()));
    }
}

proptest! {
    #[test]
    fn any_line_is_read_without_harm(line in any::<String>()) {
        let _ = read(&line);
        let _ = read_with(&Focus::Person(name("bob")), &line);
    }

    #[test]
    fn any_text_that_is_not_blank_is_sent_unchanged(text in any::<String>()) {
        prop_assume!(!text.trim().is_empty());
        prop_assert_eq!(read(&format!("send bob {text}")), sent("bob", &text));
    }
}

#[test]
fn whose_key_was_compared_and_who_is_not_heard_is_said_by_name_or_address() {
    let about = |command| Parsed::Command(Command::People(command));
    let bob = || Partner::Person(name("bob"));
    let fingerprint = ["abab"; 16].join(" ");
    let verify = |fingerprint| PeopleCommand::Verify {
        who: bob(),
        fingerprint,
    };
    assert_eq!(read("verify bob"), about(verify(None)));
    for typed in [fingerprint.clone(), "AB".repeat(32)] {
        let line = format!("verify bob  {typed} ");
        assert_eq!(read(&line), about(verify(Some(fingerprint.clone()))));
    }
    let address = Partner::At("192.0.2.7:4000".parse().unwrap());
    assert_eq!(read("block 192.0.2.7:4000"), about(PeopleCommand::Block(address)));
    assert_eq!(read("$unblock bob "), about(PeopleCommand::Unblock(bob())));
    assert_eq!(read("blocked"), about(PeopleCommand::Blocked));
    assert_eq!(read("dnd on"), Parsed::Quiet(true));
    assert_eq!(read("dnd off"), Parsed::Quiet(false));
    for wrong in [
        "verify",
        "verify Alice",
        "verify #den",
        "verify bob 12",
        "block",
        "block alice",
        "block bob eve",
        "unblock",
        "blocked bob",
        "dnd",
        "dnd later",
    ] {
        assert!(matches!(read(wrong), Parsed::Wrong(_)), "{wrong}");
    }
}
