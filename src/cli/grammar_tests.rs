//! Tests of what helps to type: completion and hints.

use super::*;
use crate::cli::known::tests::knowing;
use proptest::prelude::*;

/// What a line becomes: as it was, but for its last word.
fn completed(grammar: &Grammar, line: &str) -> Vec<String> {
    let known = knowing(&["Bob", "bobby", "carol"], &["den", "attic"]);
    let (start, candidates) = grammar.complete(line, "alice", &known);
    let whole = |candidate: String| format!("{}{candidate}", &line[..start]);
    candidates.into_iter().map(whole).collect()
}

fn commands(line: &str) -> Vec<String> {
    completed(&WITH_REGISTRY, line)
}

#[test]
fn the_first_word_is_a_command() {
    assert_eq!(commands("se"), ["send ", "search "]);
    assert_eq!(
        commands("room"),
        ["roomlist", "roomcreate ", "roomjoin ", "roomleave "]
    );
    assert_eq!(commands("  us"), ["  userlist"]);
    assert_eq!(commands("#qu"), ["#quit"]);
    assert_eq!(commands("$kic"), ["$kick "]);
    assert_eq!(commands("").len(), TABLE.len());
    assert_eq!(commands("xyz"), [""; 0]);
}

#[test]
fn other_words_for_a_command_are_offered_where_none_of_its_own_begins_so() {
    assert_eq!(commands("create_"), ["create_group "]);
    assert_eq!(
        commands("l"),
        ["ls", "list_groups", "leave_group ", "list_members "]
    );
    assert_eq!(commands("sub"), ["subscribe"]);
    assert_eq!(commands("send_a"), ["send_all "]);
}

#[test]
fn an_argument_is_what_the_command_takes() {
    assert_eq!(commands("send b"), ["send Bob ", "send bobby "]);
    assert_eq!(commands("send BOBB"), ["send bobby "]);
    assert_eq!(commands("poke c"), ["poke carol"]);
    assert_eq!(commands(":chat c"), [":chat carol"]);
    assert_eq!(commands("@c"), ["@carol "]);
    assert_eq!(commands("roomjoin "), ["roomjoin attic", "roomjoin den"]);
    assert_eq!(commands("post d"), ["post den "]);
    assert_eq!(commands("kick den c"), ["kick den carol"]);
    assert_eq!(commands("kick den a"), ["kick den all"]);
    assert_eq!(commands("presence o"), ["presence on", "presence off"]);
    assert_eq!(commands("dereg "), ["dereg alice"]);
    assert_eq!(commands("help qu"), ["help quit"]);
    assert_eq!(commands("help al"), ["help aliases"]);
    assert_eq!(commands("trace b"), ["trace Bob", "trace bobby"]);
    assert_eq!(commands("trace #d"), ["trace #den"]);
}

#[test]
fn a_room_that_may_be_left_out_makes_way_for_what_follows_it() {
    assert_eq!(commands("kick c"), ["kick carol"]);
    assert_eq!(commands("kick a"), ["kick attic ", "kick all"]);
}

#[test]
fn nothing_is_put_into_a_text() {
    for line in [
        "send bob c",
        "send bob ",
        "@bob c",
        "@bob: c",
        "post den b",
        "hello b",
        "trust bob c",
    ] {
        assert_eq!(commands(line), [""; 0], "{line}");
    }
    for line in ["poke bob c", "roomcreate d", "userlist b", "send_all b"] {
        assert_eq!(commands(line), [""; 0], "{line}");
    }
}

#[test]
fn without_a_registry_there_are_its_words_and_texts() {
    let typed = |line: &str| completed(&WITHOUT_REGISTRY, line);
    assert_eq!(
        typed(":"),
        [
            ":q",
            ":status",
            ":trace ",
            ":net",
            ":history ",
            ":search ",
            ":forget ",
            ":fingerprint",
            ":trust ",
            ":verify ",
            ":block ",
            ":unblock ",
            ":blocked",
            ":dnd "
        ]
    );
    assert_eq!(typed(":tr"), [":trace ", ":trust "]);
    for text in ["", "send b", "@c", "q", ":trust "] {
        assert_eq!(typed(text), [""; 0], "{text}");
    }
    let hint = |line: &str| WITHOUT_REGISTRY.hint(line);
    assert_eq!(hint(":trust").as_deref(), Some(" <ip:port> <fingerprint>"));
    assert_eq!(hint(":trust [::1]:4000 ").as_deref(), Some("<fingerprint>"));
    assert_eq!(hint("send"), None);
}

#[test]
fn a_hint_says_what_is_still_to_be_typed() {
    for (line, hint) in [
        ("send", " <name> <text>"),
        ("send ", "<name> <text>"),
        ("send b", " <text>"),
        ("send  bob", " <text>"),
        ("send bob ", "<text>"),
        ("$post", " <room> <text>"),
        ("subscribe", ""),
        ("send_all", " <text>"),
        ("send_all ", "<text>"),
        ("@bob", " <text>"),
        ("@bob:", " <text>"),
        ("@bob: ", "<text>"),
        ("kick ", "[room] [name/all]"),
        ("kick den", " [name/all]"),
        ("trust bob 1", ""),
        ("send bob hi", ""),
        ("sen", ""),
        ("userlist", ""),
        ("userlist ", ""),
        ("hello", ""),
        ("", ""),
        ("@", ""),
    ] {
        let expected = Some(hint).filter(|hint| !hint.is_empty());
        assert_eq!(WITH_REGISTRY.hint(line).as_deref(), expected, "{line:?}");
    }
}

#[test]
fn a_completed_word_is_one_that_is_read() {
    let own = "alice".parse().unwrap();
    for word in commands("").into_iter().chain(commands("l")) {
        let typist = Typist {
            own: &own,
            focus: None,
        };
        let parsed = (WITH_REGISTRY.parse)(Format::Lines, &word, typist);
        let unknown = matches!(&parsed, Parsed::Wrong(why) if why.starts_with("There is no such command"));
        assert!(!unknown, "{word}");
    }
}

proptest! {
    #[test]
    fn any_line_can_be_helped_with(line in r"[@$#:]?(send|kick|:trust|subscribe|[a-zé:]{0,3})?[\s\PC]{0,12}") {
        let known = knowing(&["Bob"], &["den"]);
        for grammar in [&WITH_REGISTRY, &WITHOUT_REGISTRY] {
            let (start, candidates) = grammar.complete(&line, "alice", &known);
            prop_assert!(line.is_char_boundary(start));
            let typed = line[start..].to_lowercase();
            for candidate in candidates {
                prop_assert!(candidate.to_lowercase().starts_with(&typed), "{:?} for {:?}", candidate, typed);
            }
            prop_assert!(grammar.hint(&line).is_none_or(|hint| !hint.trim().is_empty()));
        }
    }
}
