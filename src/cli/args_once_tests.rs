//! Tests of options for a client that does one thing and ends, and of what is kept of what was said.

use super::*;

#[test]
fn a_history_is_written_out_or_kept_for_so_long() {
    let export = |line: &str| match run(line) {
        Ok(Invocation::Export(options)) => (options.name.to_string(), options.alone, options.paper),
        other => panic!("{line}: {other:?}"),
    };
    let alice = |alone, paper| ("alice".to_owned(), alone, paper);
    assert_eq!(
        export("-c alice ::1 1 0 --export markdown"),
        alice(false, Paper::Markdown)
    );
    assert_eq!(
        export("--export jsonl -p alice 4000 10.0.0.1:1 --data-dir x"),
        alice(true, Paper::JsonLines)
    );
    assert!(wrong("-c alice ::1 1 0 --export xml").contains("jsonl or markdown, not 'xml'"));
    assert!(wrong("-c server ::1 1 0 --export jsonl").contains("is reserved"));
    for beside in [
        "--recv",
        "--send bob hi",
        "--count 3",
        "--json",
        "--ephemeral",
        "--ttl 1h",
    ] {
        let line = format!("-c alice ::1 1 0 --export jsonl {beside}");
        assert!(wrong(&line).contains("does not go with"), "{line}");
    }
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3_600));
    for (span, kept) in [
        ("all", None),
        ("1h", hours(1)),
        ("2w", hours(14 * 24)),
        ("1y", hours(365 * 24)),
    ] {
        let line = format!("-c alice ::1 1 0 --keep-history {span}");
        assert_eq!(chat(&line).keep_history, kept, "{span}");
    }
    assert_eq!(
        talk("-p alice 0 10.0.0.1:1 --keep-history 30d").keep_history,
        hours(720)
    );
    assert_eq!(chat("-c alice ::1 1 0").keep_history, None);
    for span in ["0h", "59m", "101y", "7", "ever"] {
        let line = format!("-c alice ::1 1 0 --keep-history {span}");
        assert!(wrong(&line).contains("--keep-history needs 'all'"), "{span}");
    }
}

#[test]
fn a_client_may_do_one_thing() {
    let client = |options: &str| chat(&format!("-c a ::1 1 0 {options}")).task;
    let name = |name: &str| name.parse().unwrap();
    assert_eq!(client(""), Task::Talk);
    let sent = SendOptions {
        to: Addressee::Person(name("bob")),
        text: Some("hi".to_owned()),
        wait: Wait::Stored,
        timeout: Duration::from_secs(15),
    };
    assert_eq!(client("--send bob hi"), Task::Send(sent.clone()));
    let posted = SendOptions {
        to: Addressee::Room(name("lobby")),
        text: None,
        wait: Wait::Delivered,
        timeout: Duration::from_millis(500),
    };
    assert_eq!(
        client("--wait delivered --send #lobby --timeout 500ms"),
        Task::Send(posted)
    );
    let received = ReceiveOptions {
        count: Some(3),
        exec: Some("cat".to_owned()),
        timeout: None,
    };
    assert_eq!(client("--recv --exec cat --count 3"), Task::Receive(received));
}

#[test]
fn what_is_wrong_with_one_thing_is_said() {
    for (options, part) in [
        ("--wait stored", "--wait goes with --send"),
        ("--recv --wait stored", "--wait goes with --send"),
        ("--timeout 1s", "--timeout goes with --send or --recv"),
        ("--count 1", "--count goes with --recv"),
        ("--send bob hi --exec cat", "--exec goes with --recv"),
        ("--send bob hi --recv", "does not go with"),
        ("--send", "needs a value"),
        ("--send b/b hi", "is no name"),
        ("--send # hi", "is no name"),
        (
            "--send bob hi --wait long",
            "--wait is stored or delivered, not 'long'",
        ),
        ("--send bob hi --timeout 5", "--timeout needs a span"),
        ("--send bob hi --timeout 31d", "--timeout needs a span"),
        ("--recv --count 0", "--count needs a number"),
    ] {
        let line = wrong(&format!("-c a ::1 1 0 {options}"));
        assert!(line.contains(part), "{options}: {line}");
    }
    for options in ["--recv", "--send bob hi"] {
        assert!(wrong(&format!("-s 1 {options}")).contains("does not go with"));
    }
    let long = format!(
        "-c a ::1 1 0 --send bob {}",
        "x".repeat(limits::BODY_BYTES_MAX + 1)
    );
    assert!(wrong(&long).contains("the text has 65537 bytes"));
}
