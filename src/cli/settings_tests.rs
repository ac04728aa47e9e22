//! Tests of settings: who is heard first, what that rules out, and the documented default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use super::*;
use crate::cli::args::{Data, Invocation, grammar, parse};
use crate::cli::config_file::Entry;
use crate::cli::keys::{Kind, OF_ONE_CALL};
use crate::cli::surroundings::Nowhere;

/// An environment, and files.
#[derive(Default)]
struct Around {
    variables: BTreeMap<String, String>,
    files: BTreeMap<&'static str, String>,
}

impl Around {
    fn with(variables: &[(&str, &str)], config: &str) -> Self {
        let mut around = Self::default();
        around
            .variables
            .insert("HOME".to_owned(), "/home/alice".to_owned());
        for (name, text) in variables {
            around.variables.insert((*name).to_owned(), (*text).to_owned());
        }
        around
            .files
            .insert("/home/alice/.config/udpchat/config.toml", config.to_owned());
        around
    }
}

impl Surroundings for Around {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).map(OsString::from)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let text = path.to_str().and_then(|path| self.files.get(path));
        text.cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn run(line: &str, around: &dyn Surroundings) -> Result<Invocation, String> {
    let words = std::iter::once("udpchat").chain(line.split_whitespace());
    parse(words.map(OsString::from), around).map_err(|exit| exit.text().trim_end().to_owned())
}

const CALLS: [&str; 6] = [
    "-c a ::1 1 0",
    "-c a ::1 1 0 --send bob hi",
    "-c a ::1 1 0 --recv",
    "-s 1",
    "-p a 0 10.0.0.1:1",
    "-s 1 --release bob",
];

/// The documented configuration, with every key in force.
fn documented() -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.toml")).unwrap();
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest.to_owned(),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(uncommented).collect();
    lines.join("\n")
}

#[test]
fn the_documented_configuration_is_the_default_and_has_every_option() {
    let text = documented();
    let around = Around::with(&[], &text);
    for call in CALLS {
        assert_eq!(run(call, &around), run(call, &Nowhere), "{call}");
        assert!(run(call, &Nowhere).is_ok(), "{call}");
    }
    let file = ConfigFile {
        path: Path::new("docs/config.toml"),
        text: &text,
        home: None,
    };
    let entries = file.entries(&grammar()).unwrap();
    for role in Role::ALL {
        for key in role.keys(&grammar()) {
            let is_it = |entry: &&Entry| entry.role == role && entry.key == key.name;
            assert_eq!(
                entries.iter().filter(is_it).count(),
                1,
                "docs/config.toml has no [{}] {}; what belongs to one call is listed in keys.rs",
                role.table(),
                key.name
            );
        }
    }
}

#[test]
fn every_option_is_a_key_of_some_table_or_belongs_to_a_call() {
    let keys: Vec<String> = Role::ALL
        .iter()
        .flat_map(|role| role.keys(&grammar()))
        .map(|key| key.name)
        .collect();
    let mut grammar = grammar();
    grammar.build();
    for arg in grammar.get_arguments() {
        let (id, long) = (arg.get_id().as_str(), arg.get_long().unwrap());
        let is_role = Role::ALL.iter().any(|role| role.option() == id);
        let of_call = OF_ONE_CALL.contains(&id) || id == "config" || is_role;
        assert_ne!(keys.iter().any(|key| key == long), of_call, "--{long}");
    }
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.toml")).unwrap();
    for id in OF_ONE_CALL
        .into_iter()
        .filter(|id| !["help", "version"].contains(id))
    {
        assert!(
            text.contains(&format!("--{id}")),
            "docs/config.toml does not say that --{id} is not there"
        );
    }
}

/// A line for each value that a role needs beside its option, but for this one.
fn words(role: Role, but: &str) -> String {
    let all = [
        ("name", "alice"),
        ("server", "h"),
        ("server-port", "1"),
        ("port", "1"),
        ("contacts", "10.0.0.1:1"),
    ];
    let needed = all
        .iter()
        .filter(|(word, _)| *word != but && role.words().iter().any(|(name, _)| name == word));
    needed
        .map(|(word, text)| format!("{word} = '{text}'\n"))
        .collect()
}

#[test]
fn nonsense_is_told_with_its_place_wherever_it_stands() {
    // Any text is a command.
    const NEVER_NONSENSE: [&str; 2] = ["exec", "on-message"];
    let keys = |role: Role| role.keys(&grammar()).into_iter().map(move |key| (role, key));
    for (role, key) in Role::ALL.into_iter().flat_map(keys) {
        if key.kind == Kind::Path || NEVER_NONSENSE.contains(&&*key.name) {
            continue;
        }
        let (table, name) = (role.table(), &key.name);
        let calls = match role {
            Role::Client => &["-c --send bob hi", "-c --recv"][..],
            Role::Registry => &["-s"],
            Role::Peer => &["-p"],
        };
        let told = |around: &Around, place: &str| {
            let place = format!("udpchat: {place}: ");
            let tells = |call: &&str| run(call, around).is_err_and(|line| line.starts_with(&place));
            assert!(calls.iter().any(tells), "{place}");
        };
        let rest = words(role, name);
        let config = format!("[{table}]\n{name} = '!'\n{rest}");
        told(
            &Around::with(&[], &config),
            &format!("/home/alice/.config/udpchat/config.toml:2: [{table}] {name}"),
        );
        let around = Around::with(&[(&variable(name), "!")], &format!("[{table}]\n{rest}"));
        told(&around, &variable(name));
    }
}

#[test]
fn options_win_over_the_environment_and_that_over_the_file() {
    let ttl = |line: &str, around: &Around| match run(line, around) {
        Ok(Invocation::Chat(options)) => options.ttl.as_secs(),
        other => panic!("{line}: {other:?}"),
    };
    let file = Around::with(&[], "[client]\nttl = '1m'");
    let both = Around::with(&[("UDPCHAT_TTL", "2m")], "[client]\nttl = '1m'");
    assert_eq!(ttl("-c a ::1 1 0", &file), 60);
    assert_eq!(ttl("-c a ::1 1 0", &both), 120);
    assert_eq!(ttl("-c a ::1 1 0 --ttl 3m", &both), 180);
    let empty = Around::with(&[("UDPCHAT_TTL", "")], "[client]\nttl = '1m'");
    assert_eq!(
        ttl("-c a ::1 1 0", &empty),
        30 * 86_400,
        "nothing said is the default"
    );
}

#[test]
fn what_wins_rules_out_what_does_not_go_with_it() {
    let data = |line: &str, variables: &[(&str, &str)], config: &str| match run(
        line,
        &Around::with(variables, config),
    ) {
        Ok(Invocation::Chat(options)) => options.data,
        other => panic!("{line}: {other:?}"),
    };
    let folder = |path: &str| Data::Folder(path.into());
    let call = "-c a ::1 1 0";
    assert_eq!(data(call, &[], "[client]\ndata-dir = '/f'"), folder("/f"));
    assert_eq!(
        data("-c a ::1 1 0 --ephemeral", &[], "[client]\ndata-dir = '/f'"),
        Data::Ephemeral
    );
    assert_eq!(
        data(
            "-c a ::1 1 0 --data-dir /t",
            &[("UDPCHAT_EPHEMERAL", "1")],
            "[client]\nephemeral = true"
        ),
        folder("/t")
    );
    assert_eq!(
        data(
            call,
            &[("UDPCHAT_EPHEMERAL", "true")],
            "[client]\ndata-dir = '/f'"
        ),
        Data::Ephemeral
    );
    assert_eq!(
        data(
            call,
            &[("UDPCHAT_EPHEMERAL", "false")],
            "[client]\nephemeral = true"
        ),
        Data::Default,
        "so a switch is undone"
    );
    assert_eq!(
        data(
            call,
            &[("UDPCHAT_EPHEMERAL", "false")],
            "[client]\ndata-dir = '/f'"
        ),
        folder("/f"),
        "what is not so rules nothing out"
    );
    assert_eq!(
        run(call, &Around::with(&[], "[client]\nephemeral = true\ndata-dir = '/f'")),
        Err("udpchat: /home/alice/.config/udpchat/config.toml:3: [client] data-dir: does not go with ephemeral, which is set as well".to_owned())
    );
}

#[test]
fn a_table_is_for_one_way_to_run() {
    let config = "[client]\nttl = 'nonsense'\njoin = 'den'\n[registry]\nlobby = true\nport = 7\nbind = '::1'";
    let around = Around::with(&[], config);
    match run("-s", &around) {
        Ok(Invocation::Serve(options)) => {
            assert_eq!(
                (options.port, options.lobby, options.bind),
                (7, true, Some("::1".parse().unwrap()))
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(run("-s 8 --release bob", &around), Ok(Invocation::Serve(options)) if options.bind.is_none())
    );
    assert_eq!(
        run("-p a 0 10.0.0.1:1", &around),
        run("-p a 0 10.0.0.1:1", &Nowhere)
    );
    let variables = [
        ("UDPCHAT_TTL", "1m"),
        ("UDPCHAT_LOBBY", "true"),
        ("UDPCHAT_WAIT", "delivered"),
    ];
    assert_eq!(
        run("-s 1", &Around::with(&[("UDPCHAT_TTL", "nonsense")], "")),
        run("-s 1", &Nowhere)
    );
    assert!(
        run("-c a ::1 1 0", &Around::with(&variables, "")).is_ok(),
        "--wait alone would be refused"
    );
}

#[test]
fn what_c_and_p_are_not_told_may_be_set() {
    let config = "[client]\nname = 'alice'\nserver = 'chat.example.org'\nserver-port = 12345\nport = 0\n\
                  [peers]\nname = 'bob'\nport = 4000\ncontacts = ['192.0.2.7:4000', '192.0.2.8:1']";
    let around = Around::with(&[], config);
    let full = |line: &str| run(line, &Nowhere);
    assert_eq!(run("-c", &around), full("-c alice chat.example.org 12345 0"));
    assert_eq!(
        run("-c carol", &around),
        full("-c carol chat.example.org 12345 0")
    );
    assert_eq!(run("-c carol ::1 7", &around), full("-c carol ::1 7 0"));
    assert_eq!(run("-p", &around), full("-p bob 4000 192.0.2.7:4000 192.0.2.8:1"));
    assert_eq!(
        run("-p carol 1 10.0.0.1:1", &around),
        full("-p carol 1 10.0.0.1:1")
    );
    let around = Around::with(
        &[("UDPCHAT_SERVER", "::1"), ("UDPCHAT_CONTACTS", "10.0.0.1:1")],
        config,
    );
    assert_eq!(run("-c", &around), full("-c alice ::1 12345 0"));
    assert_eq!(run("-p", &around), full("-p bob 4000 10.0.0.1:1"));
    assert!(run("", &around).is_err_and(|line| line.contains("nothing to do")));
}

#[test]
fn a_name_alone_takes_what_it_was_registered_with() {
    let mut around = Around::with(&[], "");
    let kept = "server = 'chat.example.org'\nserver-port = 12345\nport = 1232\n";
    let file = "/home/alice/.local/share/udpchat/clients/alice/profile";
    around.files.insert(file, kept.to_owned());
    around
        .files
        .insert("/d/clients/alice/profile", kept.replace("1232", "9"));
    let full = |line: &str| run(line, &Nowhere);
    assert_eq!(
        run("-c Alice --json", &around),
        full("-c Alice chat.example.org 12345 1232 --json")
    );
    assert_eq!(
        run("-c alice chat.example.org", &around),
        full("-c alice chat.example.org 12345 1232")
    );
    assert_eq!(run("-c alice ::1 7", &around), full("-c alice ::1 7 1232"));
    assert!(run("-c alice ::1", &around).is_err_and(|line| line.contains("no port of that server is known")));
    let elsewhere = run("-c alice --data-dir /d", &around);
    assert_eq!(elsewhere, full("-c alice chat.example.org 12345 9 --data-dir /d"));
    for nothing in ["-c bob", "-c alice --ephemeral", "-c alice --data-dir /e"] {
        let line = run(nothing, &around).unwrap_err();
        assert!(
            line.contains("yet, so -c needs four values: <name> <server>"),
            "{line}"
        );
    }
    let configured = "[client]\nserver = '::1'\nserver-port = 7";
    around
        .files
        .insert("/home/alice/.config/udpchat/config.toml", configured.to_owned());
    assert_eq!(
        run("-c alice", &around),
        full("-c alice ::1 7 1232"),
        "the file is heard first"
    );
    around.files.insert(file, "server = 1".to_owned());
    assert!(
        run("-c alice", &around)
            .is_err_and(|line| line.contains("profile") && line.contains("give all four"))
    );
    assert!(
        run("-c alice ::1 7 0", &around).is_ok(),
        "who is told all needs no memory"
    );
}

#[test]
fn another_file_or_none_can_be_named() {
    let json = |line: &str, around: &Around| match run(line, around) {
        Ok(Invocation::Chat(options)) => options.format == crate::cli::format::Format::Json,
        other => panic!("{line}: {other:?}"),
    };
    let call = "-c a ::1 1 0";
    let mut around = Around::with(&[], "[client]\njson = true");
    around
        .files
        .insert("/other.toml", "[client]\njson = false".to_owned());
    assert!(json(call, &around));
    assert!(!json("-c a ::1 1 0 --config none", &around));
    assert!(!json("-c a ::1 1 0 --config /other.toml", &around));
    around
        .variables
        .insert("UDPCHAT_CONFIG".to_owned(), "none".to_owned());
    assert!(!json(call, &around));
    around
        .variables
        .insert("UDPCHAT_CONFIG".to_owned(), "/missing.toml".to_owned());
    assert!(run(call, &around).is_err_and(|line| line.contains("/missing.toml cannot be read")));
    assert!(
        !json("-c a ::1 1 0 --config /other.toml", &around),
        "the option is heard first"
    );
    around
        .variables
        .insert("UDPCHAT_CONFIG".to_owned(), String::new());
    around
        .variables
        .insert("XDG_CONFIG_HOME".to_owned(), "/elsewhere".to_owned());
    assert!(!json(call, &around), "a file that is not there says nothing");
}
