//! Commands about other people, as they are typed.
//!
//! Reads only; whether somebody is there is the engine's to know. Invariant: as `commands`'.

use std::str::FromStr;

use super::commands::{Parsed, Typist, alone, split_word, usage, usage_since, with_text};
use super::commands_history::partner;
use super::focus::Focus;
use super::talk;
use crate::client::interface::{Command, Partner, PeopleCommand};
use crate::id::Name;

pub(super) fn read_send(rest: &str, _typist: Typist<'_>) -> Parsed {
    let (word, text) = split_word(rest);
    if word.is_empty() || text.trim().is_empty() {
        return usage("send");
    }
    talk::send_at(word, text).unwrap_or_else(|| {
        with_text("send", word, text, |to, text| Command::Send {
            to,
            text: text.into(),
        })
    })
}

pub(super) fn read_poke(rest: &str, typist: Typist<'_>) -> Parsed {
    let (word, more) = split_word(rest);
    if !more.trim().is_empty() {
        return usage("poke");
    }
    match Name::from_str(word) {
        _ if word.is_empty() => Parsed::Focus(None),
        Ok(name) if name.matches(typist.own) => usage_since("poke", &"that is your own"),
        Ok(name) => Parsed::Focus(Some(Focus::Person(name))),
        Err(error) => usage_since("poke", &error),
    }
}

pub(super) fn read_users(rest: &str, _typist: Typist<'_>) -> Parsed {
    alone("userlist", rest, Command::Users)
}

pub(super) fn read_status(rest: &str, _typist: Typist<'_>) -> Parsed {
    alone("status", rest, Command::Status)
}

pub(super) fn read_net(rest: &str, _typist: Typist<'_>) -> Parsed {
    alone("net", rest, Command::Net)
}

pub(super) fn read_presence(rest: &str, _typist: Typist<'_>) -> Parsed {
    match rest.trim() {
        "on" => Parsed::Command(Command::Presence { on: true }),
        "off" => Parsed::Command(Command::Presence { on: false }),
        _ => usage("presence"),
    }
}

pub(super) fn read_fingerprint_of(rest: &str, _typist: Typist<'_>) -> Parsed {
    let (word, more) = split_word(rest);
    match Name::from_str(word) {
        _ if !more.trim().is_empty() => usage("fingerprint"),
        _ if word.is_empty() => Parsed::Command(Command::Fingerprint { of: None }),
        Ok(name) => Parsed::Command(Command::Fingerprint { of: Some(name) }),
        Err(error) => usage_since("fingerprint", &error),
    }
}

pub(super) fn read_trust(rest: &str, _typist: Typist<'_>) -> Parsed {
    let (word, fingerprint) = split_word(rest);
    if word.is_empty() || fingerprint.trim().is_empty() {
        return usage("trust");
    }
    if let Some(parsed) = talk::trust_at(word, fingerprint) {
        return parsed;
    }
    let fingerprint = match read_fingerprint(fingerprint) {
        Ok(fingerprint) => fingerprint,
        Err(wrong) => return wrong,
    };
    match Name::from_str(word) {
        Err(error) => usage_since("trust", &error),
        Ok(name) => Parsed::Command(Command::Trust { name, fingerprint }),
    }
}

pub(super) fn read_verify(rest: &str, typist: Typist<'_>) -> Parsed {
    let (word, fingerprint) = split_word(rest);
    let fingerprint = match fingerprint.trim() {
        "" => Ok(None),
        typed => read_fingerprint(typed).map(Some),
    };
    match (another("verify", word, typist), fingerprint) {
        (Ok(who), Ok(fingerprint)) => about(PeopleCommand::Verify { who, fingerprint }),
        (Err(wrong), _) | (_, Err(wrong)) => wrong,
    }
}

pub(super) fn read_block(rest: &str, typist: Typist<'_>) -> Parsed {
    match another("block", rest.trim(), typist) {
        Ok(who) => about(PeopleCommand::Block(who)),
        Err(wrong) => wrong,
    }
}

pub(super) fn read_unblock(rest: &str, typist: Typist<'_>) -> Parsed {
    match another("unblock", rest.trim(), typist) {
        Ok(who) => about(PeopleCommand::Unblock(who)),
        Err(wrong) => wrong,
    }
}

pub(super) fn read_blocked(rest: &str, _typist: Typist<'_>) -> Parsed {
    alone("blocked", rest, Command::People(PeopleCommand::Blocked))
}

pub(super) fn read_dnd(rest: &str, _typist: Typist<'_>) -> Parsed {
    match rest.trim() {
        "on" => Parsed::Quiet(true),
        "off" => Parsed::Quiet(false),
        _ => usage("dnd"),
    }
}

const fn about(command: PeopleCommand) -> Parsed {
    Parsed::Command(Command::People(command))
}

/// Somebody else, by name or address.
fn another(command: &str, word: &str, typist: Typist<'_>) -> Result<Partner, Parsed> {
    match partner(word) {
        _ if word.is_empty() => Err(usage(command)),
        Ok(Partner::Person(name)) if name.matches(typist.own) => {
            Err(usage_since(command, &"that is your own"))
        }
        Ok(Partner::Room(_)) => Err(usage_since(command, &"that is a room")),
        Ok(who) => Ok(who),
        Err(error) => Err(usage_since(command, &error)),
    }
}

/// A fingerprint however it was typed, or what is wrong with it.
pub(super) fn read_fingerprint(text: &str) -> Result<String, Parsed> {
    let digits: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    if digits.len() == FINGERPRINT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(grouped(&digits.to_ascii_lowercase()))
    } else {
        Err(Parsed::Wrong(format!(
            "A fingerprint has {FINGERPRINT_DIGITS} hexadecimal digits; give it whole, as it was shown."
        )))
    }
}

/// Digits of `IdentityId::fingerprint`, without the spaces.
const FINGERPRINT_DIGITS: usize = 64;

/// As `IdentityId::fingerprint` writes it, however it was typed.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 5 / 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
