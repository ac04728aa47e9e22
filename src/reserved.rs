//! Names that nobody may have: the system's own, and every word that a prompt takes for a command.
//!
//! The registry refuses them; the command table tests itself against this list, so that a new command or alias
//! cannot be forgotten here. Words of commands to come are reserved already: a name, once given, stays given.
//! Invariant: the list is sorted and lower case (PROTOCOL §8.1).

use std::net::IpAddr;

use crate::id::Name;

/// The reserved words, sorted, in lower case.
pub const WORDS: &[&str] = &[
    "all",
    "block",
    "blocked",
    "chat",
    "create_group",
    "dereg",
    "dnd",
    "everyone",
    "exit",
    "fingerprint",
    "forget",
    "help",
    "history",
    "join_group",
    "kick",
    "leave_group",
    "list_groups",
    "list_members",
    "lobby",
    "ls",
    "members",
    "net",
    "off",
    "on",
    "poke",
    "post",
    "presence",
    "q",
    "quit",
    "reg",
    "room",
    "roomcreate",
    "roomjoin",
    "roomleave",
    "roomlist",
    "rooms",
    "search",
    "send",
    "send_all",
    "send_group",
    "server",
    "status",
    "subscribe",
    "system",
    "trace",
    "trust",
    "tui",
    "unblock",
    "unsubscribe",
    "userlist",
    "verify",
    "whoami",
];

/// The room that a registry may offer to everybody.
pub const LOBBY: &str = "lobby";

/// How the names begin that owners of released names are kept under: somebody who took one could keep an operator from
/// releasing another's.
pub const RELEASED: &str = "released.";

/// Whether this is what the owner of a released name is kept under.
pub fn is_released(name: &Name) -> bool {
    name.folded().starts_with(RELEASED)
}

/// Whether nobody may have this name, whatever its case: what reads as an address is nobody's name either.
pub fn is_reserved(name: &Name) -> bool {
    let folded = name.folded();
    let is_address = folded.parse::<IpAddr>().is_ok();
    is_address || is_released(name) || WORDS.binary_search(&folded.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_lower_case_and_of_possible_names() {
        assert!(WORDS.is_sorted());
        for word in WORDS {
            assert_eq!(*word, word.to_ascii_lowercase());
            assert!(word.parse::<Name>().is_ok(), "{word} could not be a name anyway");
        }
    }

    #[test]
    fn case_does_not_free_a_word() {
        for word in [
            "server", "SerVer", "system", "System", "SYSTEM", "lobby", "Lobby", "LOBBY",
        ] {
            assert!(is_reserved(&word.parse().unwrap()), "{word}");
        }
        assert!(!is_reserved(&"servers".parse().unwrap()));
        assert!(is_reserved(&"Released.0123".parse().unwrap()));
        assert!(!is_reserved(&"released".parse().unwrap()));
    }
}
