//! Makes anybody's text safe to show: what a terminal would obey becomes what a person can read.
//!
//! Escaped are the C0 and C1 controls with newline and tab, DEL, the line and paragraph separators, and what
//! changes the direction of text or cannot be seen at all and could make one text pass for another (Unicode
//! UAX 9 §2, UTR 36 §2.10). Everything else is left as it is: any language, combining marks, emoji with their
//! joiners. The text itself, in the database, is never changed.
//! Invariant: the result holds none of those characters, and a text without them is returned unchanged.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every unsafe character written as an escape: `\n`, `\t`, `\r`, or `\u{1b}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if is_unsafe(character) => {
                // Writing to a string cannot fail.
                if write!(shown, "\\u{{{:x}}}", u32::from(character)).is_err() {
                    shown.push(char::REPLACEMENT_CHARACTER);
                }
            }
            _ => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal might obey it, or a reader be deceived by it.
const fn is_unsafe(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_becomes_visible() {
        for (raw, shown) in [
            ("a\nb\tc\r", r"a\nb\tc\r"),
            ("\u{1b}[2J", r"\u{1b}[2J"),
            ("\u{9b}2J\u{7f}\0", r"\u{9b}2J\u{7f}\u{0}"),
            ("\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            (
                "\u{202e}evil\u{202c}\u{2066}\u{2069}",
                r"\u{202e}evil\u{202c}\u{2066}\u{2069}",
            ),
            (
                "\u{feff}\u{200e}\u{200f}\u{61c}",
                r"\u{feff}\u{200e}\u{200f}\u{61c}",
            ),
        ] {
            assert_eq!(escape(raw), shown);
        }
    }

    #[test]
    fn what_people_write_is_left_alone() {
        for text in [
            "",
            "hi",
            r"C:\n",
            "Grüße, 你好, שלום, مرحبا",
            "👩‍👩‍👧 e\u{301} \u{a0}.",
        ] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
    }

    /// Any characters, the unsafe ones often.
    fn texts() -> impl Strategy<Value = String> {
        let often = prop_oneof![
            any::<char>(),
            (0_u32..0x2100).prop_filter_map("a character", char::from_u32),
            Just('\u{feff}'),
        ];
        prop::collection::vec(often, 0..40).prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn no_raw_control_passes(text in texts()) {
            let shown = escape(&text);
            let listed = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
                          \u{2066}\u{2067}\u{2068}\u{2069}\u{feff}";
            prop_assert!(!shown.chars().any(|c| c.is_control() || listed.contains(c)));
        }

        #[test]
        fn all_other_characters_pass_in_their_order(text in texts()) {
            let safe: String = text.chars().filter(|c| !is_unsafe(*c)).collect();
            prop_assert_eq!(escape(&safe), safe.as_str());
            let mut rest = escape(&text).into_owned();
            for character in safe.chars() {
                let at = rest.find(character);
                prop_assert!(at.is_some(), "{} is lost", character);
                rest = rest.split_off(at.unwrap_or(0) + character.len_utf8());
            }
        }
    }
}
