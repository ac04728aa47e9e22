//! Makes anybody's text safe to show: what a terminal would obey becomes what a person can read.
//!
//! Escaped are the C0 and C1 controls with newline and tab, DEL, the line and paragraph separators, what changes the
//! direction of text, and what cannot be seen at all and could make one text pass for another or hide a second one (Unicode
//! UAX 9 §2, UTR 36 §2.10, `Default_Ignorable_Code_Point`). Everything else is left as it is: any language, combining
//! marks, and the unseen ones that shape what is beside them: joiners, variation selectors, U+034F, fillers between
//! Hangul jamo. The flags of England, Scotland and Wales are the price: they are spelled with unseen letters.
//! The text itself, in the database, is never changed.
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

/// The same of JSON that a serialiser has written: with the escapes of JSON, so that it means what it meant.
pub(super) fn escape_json(json: String) -> String {
    if !json.contains(is_unsafe) {
        return json;
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a terminal might obey it, or a reader be deceived by it.
const fn is_unsafe(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}'
            | '\u{e01f0}'..='\u{e0fff}'
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
            (
                "bob\u{200b}\u{2060}\u{2063}\u{ad}",
                r"bob\u{200b}\u{2060}\u{2063}\u{ad}",
            ),
            ("\u{3164}\u{ffa0}\u{fffa}", r"\u{3164}\u{ffa0}\u{fffa}"),
            ("\u{e0001}\u{e0068}\u{e0069}", r"\u{e0001}\u{e0068}\u{e0069}"),
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
            "❤\u{fe0f} \u{845b}\u{e0100} क्\u{200d}ष می\u{200c}خواهم \u{182d}\u{180b}\u{180e}\u{1820}",
        ] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn json_means_the_same_when_it_is_safe_to_show() {
        for text in ["hi", "\u{9b}2J\u{7f}\u{202e}evil", "a\u{e0041}b", "\0\n\""] {
            let json = escape_json(serde_json::to_string(text).unwrap());
            assert!(!json.contains(is_unsafe), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    /// Any characters, the unsafe ones often.
    fn texts() -> impl Strategy<Value = String> {
        let often = prop_oneof![
            any::<char>(),
            (0_u32..0x2100).prop_filter_map("a character", char::from_u32),
            Just('\u{feff}'),
            (0xe_0000_u32..0xe_0200).prop_filter_map("a character", char::from_u32),
        ];
        prop::collection::vec(often, 0..40).prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn no_raw_control_passes(text in texts()) {
            let shown = escape(&text);
            let listed = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
                          \u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{ad}\u{200b}\u{2060}\u{2064}\u{3164}\u{e0041}";
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
