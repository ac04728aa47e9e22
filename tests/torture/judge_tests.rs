//! The judge sees what it is there to see: a fault made on purpose is told, by its name.

use super::*;

const TIME: &str = "2026-01-02 03:04:05";

fn line(at: u64, text: &str) -> Line {
    let text = text.to_owned();
    Line { run: 1, at, text }
}

/// What is left of three messages from x to y: one went directly, one through the registry, one was refused.
struct Left {
    sent: Vec<Sent>,
    got: Vec<Got>,
    sender: Vec<Line>,
    reader: Vec<Line>,
    killed: Vec<Killed>,
}

impl Left {
    fn new() -> Self {
        let sent = |number: u8, state, reason: Option<&[u8]>| Sent {
            text: format!("000000{number}"),
            state,
            told: state,
            reason: reason.map(<[u8]>::to_vec),
            time: TIME.to_owned(),
        };
        let got = |number: u8, received_ms| Got {
            text: format!("000000{number}"),
            shown: true,
            received_ms,
        };
        // It was long, so that so much may have waited.
        let mut refused = sent(3, 3, Some(&[1, 3]));
        refused.text.push_str(&"x".repeat(2 << 20));
        Self {
            sent: vec![sent(1, 2, None), sent(2, 2, None), refused],
            got: vec![got(1, 10), got(2, 20)],
            sender: vec![
                line(30, "[Message received by y.]"),
                line(40, &format!("[Message of {TIME} received by y.]")),
                line(
                    50,
                    &format!("[Message of {TIME} to y was refused: too much waits]"),
                ),
            ],
            reader: vec![line(10, "x: 0000001"), line(20, &format!("x: {TIME} 0000002"))],
            killed: Vec::new(),
        }
    }

    fn faults(self) -> String {
        let person = |name, screen, killed| Person {
            name,
            folder: PathBuf::new(),
            screen,
            typed: &[],
            runs: 0,
            killed,
        };
        let (sender, reader) = (
            person("x", self.sender, &[]),
            person("y", self.reader, &self.killed),
        );
        let mut verdict = Verdict::default();
        let pair = Pair::new(&sender, &reader, self.sent, self.got);
        pair.judge(Written::of(&pair.sent), &mut verdict);
        verdict.faults.join("\n")
    }

    /// A line comes again in the next run; the first was killed at that time, with this unmarked.
    fn again(&mut self, text: &str, killed_at: u64, unmarked: &[&str]) {
        let again = line(killed_at + 10, text);
        self.reader.push(Line { run: 2, ..again });
        self.killed.push(Killed {
            run: 1,
            at: killed_at,
            unmarked: unmarked.iter().map(|text| (*text).to_owned()).collect(),
        });
    }
}

#[test]
fn what_is_as_promised_is_no_fault() {
    assert_eq!(Left::new().faults(), "");
    let mut left = Left::new();
    left.again("x: 0000001", 100, &["0000001"]);
    assert_eq!(left.faults(), "", "a kill was quicker than the mark");
    let mut left = Left::new();
    left.got[1].received_ms = 15;
    left.got[0].received_ms = 2_100;
    left.reader = vec![line(2_020, "x: 0000002"), line(2_100, "x: 0000001")];
    assert_eq!(left.faults(), "", "its successor was held back for it");
}

#[test]
fn whatever_breaks_a_promise_is_told() {
    type Break = fn(&mut Left);
    let breaks: [(&str, Break); 17] = [
        ("1 missing in the inbox from x to y: 0000002", |left| {
            drop(left.got.pop())
        }),
        ("1 too much in the inbox from x to y: 0000001", |left| {
            drop(left.sent.remove(0))
        }),
        ("1 twice in the inbox", |left| {
            let text = left.got[0].text.clone();
            left.got.push(Got {
                text,
                shown: true,
                received_ms: 90,
            });
        }),
        ("without a good end from x to y: 0000001 in state 1", |left| {
            left.sent[0].state = 1
        }),
        ("0000001 in state 4", |left| left.sent[0].state = 4),
        (
            "without a good end from x to y: 0000003 in state 3 [1, 3]",
            |left| left.sent[2].text.truncate(7),
        ),
        ("0000003 in state 3 [1, 0]", |left| {
            left.sent[2].reason = Some(vec![1, 0])
        }),
        ("0000001 in state 2 [1, 3]", |left| {
            left.sent[0].reason = Some(vec![1, 3])
        }),
        ("end is not marked as told from x to y: 0000002", |left| {
            left.sent[1].told = 1
        }),
        ("1 times of refusals not told", |left| drop(left.sender.pop())),
        ("refusals told that are none", |left| drop(left.sent.pop())),
        ("1 receipts not told", |left| drop(left.sender.remove(0))),
        ("receipts told that are none", |left| {
            left.sender
                .push(line(60, "[Message of 2026-01-02 03:04:06 received by y.]"));
        }),
        ("1 missing on the screen from x to y: 0000001", |left| {
            drop(left.reader.remove(0))
        }),
        ("1 not marked as shown", |left| left.got[0].shown = false),
        ("shown again and no kill was between", |left| {
            left.reader.push(line(30, "x: 0000001"))
        }),
        ("1 overtaken too early from x to y: 0000001 by 0000002", |left| {
            left.reader.reverse()
        }),
    ];
    for (fault, breaks) in breaks {
        let mut left = Left::new();
        breaks(&mut left);
        let faults = left.faults();
        assert!(faults.contains(fault), "{fault:?} in:\n{faults}");
    }
}

#[test]
fn what_is_shown_again_was_neither_marked_nor_long_on_the_screen() {
    let mut left = Left::new();
    left.again("x: 0000001", 100, &["0000002"]);
    assert!(
        left.faults()
            .contains("1 shown again though marked from x to y: 0000001")
    );
    let mut left = Left::new();
    left.again("x: 0000001", 9_000, &["0000001"]);
    assert!(
        left.faults()
            .contains("without a mark from x to y: 0000001 for 8990 ms")
    );
}

#[test]
fn of_many_faults_a_few_are_told() {
    let mut verdict = Verdict::default();
    verdict.none("there", 0..1_000);
    assert!(verdict.faults[0].starts_with("1000 there: 0, 1, ") && verdict.faults[0].ends_with(" 19"));
}

/// What is told of two runs, in which these were typed, if these were accepted and one more was told not to be.
fn swallowed(typed: [&[&str]; 2], accepted: &[&str], not_sent: bool) -> String {
    let typed = [1, 2].into_iter().zip(typed);
    let typed = typed.flat_map(|(run, lines)| lines.iter().map(move |text| (run, format!("send y {text}"))));
    let not_sent = not_sent.then(|| line(10, "[Message not sent: the disk is full]"));
    let person = Person {
        name: "x",
        folder: PathBuf::new(),
        screen: not_sent.into_iter().collect(),
        typed: &typed.collect::<Vec<_>>(),
        runs: 2,
        killed: &[],
    };
    let mut verdict = Verdict::default();
    let accepted = accepted.iter().map(|text| (*text).to_owned()).collect();
    screen::swallowed(&mut verdict, &person, &accepted);
    verdict.faults.join("\n")
}

#[test]
fn a_typed_line_is_lost_only_at_the_end_of_a_run_that_was_cut_off() {
    assert_eq!(swallowed([&["1", "2", "3"], &["4"]], &["1", "4"], false), "");
    assert_eq!(swallowed([&["1", "2", "3"], &["4"]], &["1", "3", "4"], true), "");
    let faults = swallowed([&["1", "2", "3"], &["4"]], &["1", "3", "4"], false);
    assert_eq!(faults, "1 typed by x in run 1 and swallowed: 2");
    let faults = swallowed([&["1"], &["4", "5"]], &["4"], false);
    assert_eq!(faults, "1 typed by x in run 2 and swallowed: 5");
}
