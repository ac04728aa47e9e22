//! Tests of the configuration file: what it says, and the one line for what it cannot.

use super::*;
use crate::cli::args::grammar;

fn read(text: &str) -> Result<Vec<Entry>, String> {
    let file = ConfigFile {
        path: Path::new("/c.toml"),
        text,
        home: Some(Path::new("/home/alice")),
    };
    file.entries(&grammar())
}

/// Key, text and place of all that is said.
fn entries(text: &str) -> Vec<(String, String, String)> {
    let entries = read(text).unwrap().into_iter();
    let place = |said: &Said| said.blame("!");
    entries
        .map(|entry| {
            let text = entry.said.text().to_owned();
            (entry.key, text, place(&entry.said))
        })
        .collect()
}

fn wrong(text: &str) -> String {
    let line = read(text).expect_err(text);
    assert!(!line.contains('\n'), "{line:?}");
    line
}

#[test]
fn each_key_is_known_by_its_line() {
    let said = |key: &str, text: &str, place: &str| (key.to_owned(), text.to_owned(), place.to_owned());
    assert_eq!(
        entries(
            "# mine\n[client]\nttl = '90s'\njson = true\n\n[registry]\nnew-names = 50\nverbose=2\n[peers]\n\
             contacts = ['192.0.2.7:4000',\n '192.0.2.8:4000']\n"
        ),
        [
            said("ttl", "90s", "/c.toml:3: [client] ttl: !"),
            said("json", "true", "/c.toml:4: [client] json: !"),
            said("new-names", "50", "/c.toml:7: [registry] new-names: !"),
            said("verbose", "2", "/c.toml:8: [registry] verbose: !"),
            said(
                "contacts",
                "192.0.2.7:4000 192.0.2.8:4000",
                "/c.toml:10: [peers] contacts: !"
            ),
        ]
    );
    assert_eq!(entries(""), []);
    assert_eq!(
        entries("client.ttl = '1h'\n").len(),
        1,
        "TOML has other ways to write it"
    );
}

#[test]
fn what_it_cannot_mean_is_told_with_file_line_and_key() {
    for (text, expected) in [
        (
            "[client]\ntll = '1h'",
            "/c.toml:2: [client] tll: no such key; did you mean ttl?",
        ),
        (
            "[client]\nnonsense = 1",
            "/c.toml:2: [client] nonsense: no such key",
        ),
        (
            "[client]\nmail-bytes = '1G'",
            "/c.toml:2: [client] mail-bytes: is not a setting of this table, but of [registry]",
        ),
        (
            "[client]\nrestored = true",
            "/c.toml:2: [client] restored: no such key",
        ),
        (
            "\n\n[clients]\n",
            "/c.toml:3: [clients]: no such table; there are [client], [registry] and [peers]; did you mean client?",
        ),
        (
            "ttl = '1h'",
            "/c.toml:1: ttl: a key stands below [client], [registry] or [peers]",
        ),
        (
            "[client]\njson = 1.5",
            "/c.toml:2: [client] json: is true or false",
        ),
        (
            "[client]\nttl = ['1h']",
            "/c.toml:2: [client] ttl: needs a text or a number",
        ),
        (
            "[peers]\ncontacts = [1]",
            "/c.toml:2: [peers] contacts: needs a list of texts, like [\"192.0.2.7:4000\"]",
        ),
        (
            "[client]\ndata-dir = 'chat'",
            "/c.toml:2: [client] data-dir: needs a path that begins with / or ~/, not 'chat'",
        ),
    ] {
        assert_eq!(wrong(text), expected, "{text}");
    }
    for text in [
        "[client]\nttl = ",
        "[client]\nttl = '1h'\nttl = '2h'",
        "[client\n",
    ] {
        assert!(wrong(text).starts_with("/c.toml:"), "{}", wrong(text));
    }
    assert!(wrong("[client]\nttl = '1h'\nttl = '2h'").starts_with("/c.toml:3: "));
    assert!(
        wrong("[client]\n\"\\u001b[2J\" = 1").contains(r"\u{1b}[2J"),
        "no terminal obeys it"
    );
}

#[test]
fn of_several_faults_the_first_is_told() {
    assert!(wrong("[registry]\nzz = 1\naa = 2\n[client]\nbb = 3\n").starts_with("/c.toml:2: "));
}

#[test]
fn a_path_is_the_same_wherever_the_program_is_started() {
    let path = |text: &str| entries(&format!("[client]\ndata-dir = '{text}'")).remove(0).1;
    assert_eq!(path("~/chat"), "/home/alice/chat");
    assert_eq!(path("/srv/chat"), "/srv/chat");
    assert_eq!(path(""), "");
}

#[test]
fn words_are_as_far_apart_as_letters_change() {
    for (one, other, apart) in [
        ("ttl", "ttl", 0),
        ("tll", "ttl", 1),
        ("", "ttl", 3),
        ("ttl", "", 3),
        ("sever-prot", "server-port", 3),
        ("data_dir", "data-dir", 1),
    ] {
        assert_eq!(distance(one, other), apart, "{one} {other}");
    }
    assert_eq!(distance(&"x".repeat(10_000), "ttl"), 10_000);
}
