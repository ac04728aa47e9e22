//! Tests of the command line: what is accepted, and the one line for what is not.

use super::*;
use crate::cli::args_values::{TTL_MAX, TTL_MIN};
use crate::cli::surroundings::Nowhere;

fn run(line: &str) -> Result<Invocation, UsageExit> {
    let words = std::iter::once("udpchat").chain(line.split_whitespace());
    parse(words.map(OsString::from), &Nowhere)
}

fn serve(line: &str) -> ServeOptions {
    match run(line) {
        Ok(Invocation::Serve(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

fn chat(line: &str) -> ChatOptions {
    match run(line) {
        Ok(Invocation::Chat(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

/// The line that is printed for bad arguments.
fn wrong(line: &str) -> String {
    let exit = run(line).expect_err(line);
    assert_eq!(exit.code(), 2, "{line}");
    assert!(exit.text().starts_with("udpchat: "), "{:?}", exit.text());
    assert_eq!(
        exit.text().matches('\n').count(),
        1,
        "one line: {:?}",
        exit.text()
    );
    assert!(exit.text().ends_with('\n'));
    exit.text().trim_end().to_owned()
}

fn talk(line: &str) -> TalkOptions {
    match run(line) {
        Ok(Invocation::Talk(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

#[path = "args_once_tests.rs"]
mod once;

#[test]
fn peers_are_listed_by_address_each_once() {
    let options =
        talk("-p alice 4000 192.0.2.7:4000 [2001:db8::7]:5 [::ffff:192.0.2.7]:4000 --ttl 1h --bind ::1");
    assert_eq!((options.name.as_str(), options.port), ("alice", 4000));
    let listed = ["192.0.2.7:4000", "[2001:db8::7]:5"].map(|address| address.parse().unwrap());
    assert_eq!(options.contacts, listed);
    assert_eq!(options.ttl, Duration::from_secs(3_600));
    assert_eq!(options.bind, Some("::1".parse().unwrap()));
    assert_eq!(
        talk("--ephemeral --peers alice 0 10.0.0.1:1").data,
        Data::Ephemeral
    );
}

#[test]
fn a_peer_is_an_address_of_somebody_with_a_port() {
    for peer in [
        "bob",
        "10.0.0.1",
        "10.0.0.1:0",
        "0.0.0.0:1",
        "224.0.0.1:1",
        "255.255.255.255:1",
        "::1:5",
        "[fe80::1%1]:5",
    ] {
        let line = wrong(&format!("-p alice 4000 {peer}"));
        assert!(line.contains("a peer is somebody's address and port"), "{line}");
    }
    let many: Vec<String> = (1..=101).map(|port| format!("10.0.0.1:{port}")).collect();
    assert!(wrong(&format!("-p alice 4000 {}", many.join(" "))).contains("101 peers are too many"));
    assert_eq!(
        talk(&format!("-p alice 4000 {}", many[1..].join(" ")))
            .contacts
            .len(),
        100
    );
    assert!(wrong("-p alice 4000").contains("nobody is listed"));
    for line in ["-p", "-p alice"] {
        assert!(
            wrong(line).contains("-p needs <name> <port> <ip:port>..."),
            "{line}"
        );
    }
    for line in [
        "-p a 1 10.0.0.1:1 -s 2",
        "-p a 1 10.0.0.1:1 --restored",
        "-p a 1 10.0.0.1:1 --mail-bytes 1G",
    ] {
        assert!(
            wrong(line).contains("does not go with"),
            "{line}: {}",
            wrong(line)
        );
    }
}

#[test]
fn the_classic_two_calls() {
    let options = serve("-s 12345");
    assert_eq!(
        (options.port, options.bind, options.data),
        (12345, None, Data::Default)
    );
    assert!(!options.restored);
    assert_eq!(options.release, None);
    let options = chat("-c alice 127.0.0.1 12345 1232");
    assert_eq!(options.name.as_str(), "alice");
    assert_eq!(options.server, Host::Address("127.0.0.1".parse().unwrap()));
    assert_eq!((options.server_port, options.port), (12345, 1232));
    assert_eq!(
        options.ttl,
        limits::TIME_TO_LIVE,
        "the default in the help is the limit's"
    );
}

#[test]
fn the_defaults_in_the_help_are_the_limits() {
    assert_eq!(serve("-s 1").mail_bytes, limits::MAIL_BYTES_MAX);
    assert_eq!(serve("-s 1").new_names, limits::NEW_NAMES_PER_HOUR);
    assert_eq!(serve("-s 1 --new-names 500").new_names, 500);
    assert_eq!(chat("-c a ::1 1 0").ttl, limits::TIME_TO_LIVE);
}

#[test]
fn options_may_stand_before_and_after() {
    let options = serve("--data-dir /tmp/x -v -s 1 --bind ::1 --mail-bytes 2G --restored -v");
    assert_eq!(options.data, Data::Folder("/tmp/x".into()));
    assert_eq!(options.bind, Some("::1".parse().unwrap()));
    assert_eq!(
        (options.mail_bytes, options.restored, options.verbosity),
        (2 << 30, true, 2)
    );
    let options = chat("--ephemeral -c a h 1 0 --ttl 12h");
    assert_eq!(
        (options.data, options.ttl),
        (Data::Ephemeral, Duration::from_secs(43_200))
    );
}

#[test]
fn a_server_is_an_address_of_either_family_or_a_name() {
    let address = |text: &str| Host::Address(text.parse().unwrap());
    let named = |text: &str| Host::Name(text.to_owned());
    for (text, host) in [
        ("10.0.0.1", address("10.0.0.1")),
        ("::1", address("::1")),
        ("[2001:db8::1]", address("2001:db8::1")),
        ("localhost", named("localhost")),
        ("chat.example.org", named("chat.example.org")),
        ("fe80::1%eth0", named("fe80::1%eth0")),
    ] {
        assert_eq!(chat(&format!("-c a {text} 1 0")).server, host);
    }
    for text in ["1.2.3", "999.1.1.1", "a/b", "1.2.3.4:80", ":::", "host:80"] {
        assert_eq!(
            wrong(&format!("-c a {text} 1 0")),
            format!("udpchat: the server is an IPv4 or IPv6 address or a host name, not '{text}'")
        );
    }
}

#[test]
fn ports_are_checked_on_both_sides_of_their_bounds() {
    assert_eq!(serve("-s 65535").port, 65535);
    assert_eq!(chat("-c a ::1 1 0").port, 0);
    for port in ["0", "65536", "-1", "+1", "x", "1.5", "99999999999999999999"] {
        let line = wrong(&format!("-s={port}"));
        assert_eq!(
            line,
            format!("udpchat: the registry's port is a number from 1 to 65535, not '{port}'")
        );
    }
    assert_eq!(
        wrong("-c a ::1 0 1"),
        "udpchat: the server port is a number from 1 to 65535, not '0'"
    );
    assert_eq!(
        wrong("-c a ::1 1 70000"),
        "udpchat: the client port is a number from 0 to 65535 (0: any free port), not '70000'"
    );
}

#[test]
fn names_follow_their_rules() {
    assert_eq!(
        wrong("-c al/ice ::1 1 1"),
        "udpchat: 'al/ice' is no name: a name has only letters, digits, '_', '-' and '.'"
    );
    assert!(wrong(&format!("-c {} ::1 1 1", "a".repeat(33))).contains("at most 32 characters"));
    assert!(wrong("-c .x ::1 1 1").contains("begins with a letter or a digit"));
    assert!(wrong("-c Server ::1 1 1").contains("'Server' is reserved"));
}

#[test]
fn a_room_to_enter_may_be_the_lobby() {
    assert_eq!(chat("-c a ::1 1 0").join, None);
    let lobby = chat("-c a ::1 1 0 --join lobby").join.unwrap();
    assert_eq!(lobby.as_str(), "lobby");
    assert_eq!(
        wrong("-c a ::1 1 0 --join a/b"),
        "udpchat: 'a/b' is no name of a room: a name has only letters, digits, '_', '-' and '.'"
    );
    assert!(wrong("-s 1 --join lobby").contains("does not go with"));
}

#[test]
fn what_is_missing_or_too_much_is_said() {
    assert!(wrong("").contains("-s <port> for a registry, or -c <name>"));
    for line in [
        "-c",
        "-c alice",
        "-c alice ::1",
        "-c alice ::1 1",
        "-c a ::1 1 --ephemeral",
    ] {
        assert!(
            wrong(line).contains("-c needs four values: <name> <server>"),
            "{line}: {}",
            wrong(line)
        );
    }
    assert_eq!(
        wrong("-c a ::1 1 2 3"),
        "udpchat: unknown argument '3'; try 'udpchat --help'"
    );
    assert_eq!(
        wrong("-s 1 --nothing"),
        "udpchat: unknown argument '--nothing'; try 'udpchat --help'"
    );
    assert!(wrong("-s").contains("needs a value"));
    assert!(wrong("-s 1 --bind").contains("needs a value"));
    for twice in ["-s 1 -s 2", "-c a ::1 1 0 -c b", "-p a 1 10.0.0.1:1 -p b"] {
        assert!(wrong(twice).contains("more than once"), "{twice}");
    }
    assert!(wrong("-s 1 -c a ::1 1 2").contains("does not go with"));
    assert!(wrong("-s 1 --ttl 3d").contains("does not go with"));
    assert!(wrong("-c a ::1 1 1 --restored").contains("does not go with"));
    assert!(wrong("-c a ::1 1 1 --release bob").contains("does not go with"));
    assert!(wrong("-s 1 --release bob!").contains("is no name"));
    assert!(wrong("-s 1 --restored --ephemeral").contains("does not go with"));
    assert!(wrong("-s 1 --release bob --restored").contains("does not go with"));
    for option in ["--bind ::1", "--mail-bytes 2G", "--new-names 20"] {
        let line = wrong(&format!("-s 1 --release bob {option}"));
        assert!(line.contains("does not go with"), "{option}: {line}");
    }
    assert!(wrong("-s 1 --ephemeral --data-dir x").contains("does not go with"));
}

#[test]
fn values_of_options_are_checked() {
    for span in ["", "9s", "30", "x", "1w", "31d", "-1d", "99999999999999999999d"] {
        assert!(
            wrong(&format!("-c a ::1 1 1 --ttl={span}")).contains("--ttl needs a span"),
            "{span}"
        );
    }
    for size in ["0", "1000", "4X", "-1", "9999999999999T"] {
        assert!(
            wrong(&format!("-s 1 --mail-bytes={size}")).contains("--mail-bytes needs a size"),
            "{size}"
        );
    }
    for number in ["0", "-1", "x", "100001"] {
        assert!(
            wrong(&format!("-s 1 --new-names={number}")).contains("--new-names needs a number"),
            "{number}"
        );
    }
    assert!(wrong("-s 1 --bind nowhere").contains("--bind needs an IPv4 or IPv6 address"));
}

#[test]
fn what_was_typed_is_shown_short_and_without_controls() {
    let words = ["udpchat", "-c", "\u{1b}[2J\n", "::1", "1", "1"].map(OsString::from);
    let text = parse(words, &Nowhere).unwrap_err().text().to_owned();
    assert!(text.contains(r"'\u{1b}[2J\n' is no name"), "{text}");
    assert!(wrong(&format!("-s {}", "x".repeat(5_000))).len() < 200);
}

#[test]
fn help_and_version_are_asked_for() {
    let help = run("--help").unwrap_err();
    assert_eq!(help.code(), 0);
    for part in [
        "udpchat -s <PORT>",
        "Examples:",
        "send <name> <text>",
        "XDG_DATA_HOME",
        "Exit codes:",
        "--data-dir",
        "--restored",
        "--release",
        "Ctrl+D",
    ] {
        assert!(
            help.text().contains(part),
            "{part} is missing in\n{}",
            help.text()
        );
    }
    assert_eq!(run("-h").unwrap_err().code(), 0);
    let span = format!("{}s to {}d", TTL_MIN.as_secs(), TTL_MAX.as_secs() / 86_400);
    assert!(help.text().contains(&span), "{span}");
    let version = run("--version").unwrap_err();
    assert_eq!(version.text(), format!("udpchat {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn commands_are_asked_for_by_themselves() {
    assert!(matches!(
        run("simulate --seed 7 --seeds 3 --profile hell --loss 12.5% --rate 10k --clients 5"),
        Ok(Invocation::Simulate(_))
    ));
    for (call, line) in [
        ("completions", "<SHELL> is missing; try 'udpchat --help'"),
        ("completions tcsh", "<SHELL> is one of: bash, zsh, fish"),
        ("man nothing", "[PAGE] is one of: simulate"),
        (
            "-v man",
            "man takes no option before it; try 'udpchat man --help'",
        ),
    ] {
        assert_eq!(wrong(call), format!("udpchat: {line}"));
    }
    for options in [
        "-s 1",
        "-c a ::1 1 1",
        "--data-dir /x",
        "--ephemeral",
        "--ttl nonsense",
        "--bind foo",
        "--mail-bytes 1",
        "--new-names 3",
        "--restored",
        "--release bob",
        "-v",
        "--data-dir /x --ttl nonsense --bind foo",
    ] {
        let line = format!("{options} simulate");
        assert_eq!(
            wrong(&line),
            "udpchat: simulate takes no option before it; try 'udpchat simulate --help'",
            "{line}"
        );
    }
    for (line, expected) in [
        ("simulate --profile nowhere", "--profile is lan, wifi, mobile"),
        (
            "simulate --loss 101",
            "--loss: a share is a number of percent from 0 to 100",
        ),
        (
            "simulate --clients 1",
            "--clients is a whole number from 2 to 50, not '1'",
        ),
        (
            "simulate --minutes 0",
            "--minutes is a whole number from 1 to 1440",
        ),
        ("simulate --rate 10q", "--rate is a whole number of bits a second"),
        ("simulate --rate 1.5k", "like 10k or 2M, not '1.5k'"),
        (
            "simulate --delay -5",
            "--delay is a whole number from 0 to 60000, not '-5'",
        ),
        ("simulate --seeds 2 --trace", "--trace shows one run"),
        ("simulate --seed -1", "--seed is a whole number from 0 to"),
    ] {
        assert!(wrong(line).contains(expected), "{line}: {}", wrong(line));
    }
}

#[test]
fn a_client_may_speak_to_programs() {
    assert_eq!(chat("-c a ::1 1 0").format, Format::Lines);
    assert_eq!(chat("-c a ::1 1 0 --json").format, Format::Json);
    assert!(wrong("-s 1 --json").contains("does not go with"));
}

#[test]
fn how_it_looks_and_sounds_can_be_chosen() {
    let screen = |options: &str| chat(&format!("-c alice ::1 1 0 {options}")).screen;
    let usual = ScreenOptions {
        colors: Colors::Auto,
        bell: Bell::Off,
        on_message: None,
        line_history: true,
        full: false,
    };
    assert_eq!(screen(""), usual);
    assert_eq!(talk("-p alice 0 10.0.0.1:1").screen, usual);
    assert_eq!(
        screen("--color never --bell mention --no-line-history --tui"),
        ScreenOptions {
            colors: Colors::Never,
            bell: Bell::Mention,
            on_message: None,
            line_history: false,
            full: true,
        }
    );
    assert_eq!(screen("--color always --bell all").colors, Colors::Always);
    assert_eq!(
        wrong("-c alice ::1 1 0 --color blue"),
        "udpchat: --color is auto, always or never, not 'blue'"
    );
    assert_eq!(
        wrong("-p alice 0 10.0.0.1:1 --bell loud"),
        "udpchat: --bell is off, mention or all, not 'loud'"
    );
    assert!(wrong("-s 1 --no-line-history").contains("does not go with"));
    assert!(wrong("-p alice 0 10.0.0.1:1 --tui").contains("does not go with"));
}
