//! Both ways to write a history out, to the letter.

use time::UtcOffset;

use super::*;
use crate::cli::render_history::tests::{came, of_every_kind};
use crate::client::to::To;

fn written(paper: Paper, messages: &[Recorded]) -> String {
    let mut writer = Writer::new("alice_1".parse().unwrap(), paper, |_| UtcOffset::UTC);
    for message in messages {
        writer.add(message);
    }
    writer.text
}

fn bob(text: &str) -> Recorded {
    came(To::Peer("bob".parse().unwrap()), "bob", 0, 0, text)
}

#[test]
fn markdown_has_days_and_items() {
    let day = 24 * 60 * 60_000;
    let next = came(To::Peer("bob".parse().unwrap()), "bob", day, day, "again");
    let [.., expired] = of_every_kind()
        .try_into()
        .unwrap_or_else(|_| -> [Recorded; 9] { panic!() });
    assert_eq!(
        written(Paper::Markdown, &[bob("hi"), expired, next]),
        "# Messages of alice\\_1\n\
         \n## 2026-01-02\n\n\
         - 03:04:05 bob: hi\n\
         - 03:04:05 alice\\_1 to bob (expired 2026\\-01\\-03 03:04:05): hello\n\
         \n## 2026-01-03\n\n\
         - 03:04:05 bob: again\n"
    );
}

#[test]
fn a_text_is_no_markup_and_commands_no_terminal() {
    for (text, shown) in [
        ("plain, isn't it? (yes.)", "plain, isn't it? (yes.)"),
        (
            "*a* _b_ `c` <d> & [e](f) #g",
            r"\*a\* \_b\_ \`c\` \<d\> \& \[e\](f) \#g",
        ),
        ("one\n2. two\n\n- three", "one\\\n  2\\. two\\\n  \\\n  \\- three"),
        ("a\\\u{1b}[2J", r"a\\\\u\{1b\}\[2J"),
        ("1) grüße 你好", "1\\) grüße 你好"),
    ] {
        let page = written(Paper::Markdown, &[bob(text)]);
        let (_, item) = page.split_once("bob: ").unwrap();
        assert_eq!(item, format!("{shown}\n"), "{text}");
    }
}

#[test]
fn each_line_of_json_is_a_message() {
    let id = format!("{}-0000000000000012-3", "ab".repeat(32));
    assert_eq!(
        written(Paper::JsonLines, &[bob("one\ntwo")]),
        format!(
            "{{\"user\":\"bob\",\"own\":false,\"message\":\"one\\ntwo\",\"id\":\"{id}\",\"sent_at\":\"2026-01-02T03:04:05.678Z\",\
             \"received_at\":\"2026-01-02T03:04:05.678Z\"}}\n"
        )
    );
    let all = written(Paper::JsonLines, &of_every_kind());
    assert_eq!(all.lines().count(), of_every_kind().len());
}
