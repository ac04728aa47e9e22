//! What can be set, as clap's definitions say: the name of an option is its key in the configuration file and, in capitals, its
//! variable; whom it is for, and what it does not go with, is what `conflicts_with` says.
//!
//! Who says what is `settings`'. Invariant: an option is a key for all to whom it is one on the command line, unless it is listed
//! here as a deed of one call.

use clap::builder::ValueHint;
use clap::{Arg, ArgAction, Command, Id};

use crate::cli::args_values::shown;

/// Options that are about one call, and in no file: a registry that begins each time as if it were restored, or frees a name,
/// would be a trap.
pub(super) const OF_ONE_CALL: [&str; 7] =
    ["send", "recv", "export", "restored", "release", "help", "version"];

/// What the program is: a table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Registry,
    Peer,
}

/// What a key's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Path,
    Switch,
    Count,
    List,
}

/// A setting.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Its option; otherwise it is a value of `-c`, `-s` or `-p`.
    pub(super) option: Option<Id>,
}

impl Role {
    pub(super) const ALL: [Self; 3] = [Self::Client, Self::Registry, Self::Peer];

    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Registry => "registry",
            Self::Peer => "peers",
        }
    }

    /// The option that asks for it.
    pub(super) const fn option(self) -> &'static str {
        match self {
            Self::Client => "chat",
            Self::Registry => "serve",
            Self::Peer => "peers",
        }
    }

    /// The values of that option, in their order.
    pub(super) const fn words(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Client => &[
                ("name", Kind::Text),
                ("server", Kind::Text),
                ("server-port", Kind::Text),
                ("port", Kind::Text),
            ],
            Self::Registry => &[("port", Kind::Text)],
            Self::Peer => &[
                ("name", Kind::Text),
                ("port", Kind::Text),
                ("contacts", Kind::List),
            ],
        }
    }

    /// All that can be set for it.
    pub(super) fn keys(self, grammar: &Command) -> Vec<Key> {
        let words = self.words().iter().map(|(name, kind)| Key {
            name: (*name).to_owned(),
            kind: *kind,
            option: None,
        });
        let own = Id::from(self.option());
        let options = grammar.get_arguments().filter_map(|arg| {
            let is_role = Self::ALL.iter().any(|role| arg.get_id() == role.option());
            let is_set =
                !is_role && arg.get_id() != "config" && !OF_ONE_CALL.contains(&arg.get_id().as_str());
            (is_set && !rules_out(grammar, arg.get_id(), &own)).then(|| Key {
                name: arg.get_long().unwrap_or_default().to_owned(),
                kind: Kind::of(arg),
                option: Some(arg.get_id().clone()),
            })
        });
        words.chain(options).collect()
    }
}

impl Kind {
    fn of(arg: &Arg) -> Self {
        match (arg.get_action(), arg.get_value_hint()) {
            (ArgAction::SetTrue, _) => Self::Switch,
            (ArgAction::Count, _) => Self::Count,
            (_, ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath) => Self::Path,
            _ => Self::Text,
        }
    }

    /// What it has to be.
    pub(super) const fn rule(self) -> &'static str {
        match self {
            Self::Text => "needs a text or a number",
            Self::Path => "needs the path of a file or folder",
            Self::Switch => "is true or false",
            Self::Count => "is a number from 0 to 255",
            Self::List => "needs a list of texts, like [\"192.0.2.7:4000\"]",
        }
    }

    /// Whether a text, as clap reads it, is more than the default.
    pub(super) fn says(self, text: &str) -> bool {
        match self {
            Self::Switch => text == "true",
            Self::Count => text != "0" && !text.is_empty(),
            Self::Text | Self::Path | Self::List => !text.is_empty(),
        }
    }
}

impl Key {
    /// A text as clap reads it.
    pub(super) fn spelled(&self, text: &str) -> Result<String, String> {
        match (self.kind, text) {
            (_, "") => Ok(String::new()),
            (Kind::Switch, "true" | "1") => Ok("true".to_owned()),
            (Kind::Switch, "false" | "0") => Ok("false".to_owned()),
            (Kind::Count, _) if text.parse::<u8>().is_ok() => Ok(text.to_owned()),
            (Kind::Switch | Kind::Count, _) => Err(format!("{}, not '{}'", self.kind.rule(), shown(text))),
            (Kind::Text | Kind::Path | Kind::List, _) => Ok(text.to_owned()),
        }
    }
}

/// Whether one option does not go with another, whichever of them says so.
pub(super) fn rules_out(grammar: &Command, one: &Id, other: &Id) -> bool {
    let names = |one: &Id, other: &Id| {
        grammar
            .get_arguments()
            .find(|arg| arg.get_id() == one)
            .is_some_and(|arg| {
                let conflicts = grammar.get_arg_conflicts_with(arg);
                conflicts.iter().any(|arg| arg.get_id() == other)
            })
    };
    names(one, other) || names(other, one)
}

/// The variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("UDPCHAT_{}", key.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::grammar;

    #[test]
    fn an_option_is_a_key_for_those_whom_it_is_for() {
        let tables = |name: &str| {
            let has = |role: &Role| role.keys(&grammar()).iter().any(|key| key.name == name);
            let roles = Role::ALL.into_iter().filter(has);
            roles.map(Role::table).collect::<Vec<_>>().join(" ")
        };
        for (name, expected) in [
            ("ttl", "client peers"),
            ("data-dir", "client registry peers"),
            ("bind", "registry peers"),
            ("lobby", "registry"),
            ("exec", "client"),
            ("server", "client"),
            ("contacts", "peers"),
            ("restored", ""),
            ("config", ""),
            ("chat", ""),
        ] {
            assert_eq!(tables(name), expected, "{name}");
        }
    }

    /// A program that `--exec` runs may start udpchat, and has its message in its environment.
    #[test]
    fn no_variable_of_a_setting_means_something_else() {
        let others = ["from", "id", "sent-at", "seq", "room", "log", "config"];
        for key in Role::ALL.iter().flat_map(|role| role.keys(&grammar())) {
            assert!(!others.contains(&&*key.name), "{}", variable(&key.name));
        }
    }
}
