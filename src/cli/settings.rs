//! Settings: what is not typed is taken from the environment, then from the configuration file, then it is the default.
//!
//! Which there are is derived from clap's definitions: the name of an option is its key in the file and, in capitals, its
//! variable; whom it is for, and what it does not go with, is what `conflicts_with` says. What is found becomes the default of
//! the grammar, and is read like what is typed.
//! Invariant: whoever is heard first wins, and what he says rules out what does not go with it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use clap::builder::ValueHint;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Id};

use crate::cli::args_values::shown;
use crate::cli::config_file::ConfigFile;
use crate::cli::said::Said;
use crate::cli::sanitise::escape;
use crate::cli::surroundings::Surroundings;

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
    option: Option<Id>,
    /// What it may be, if clap knows that.
    choices: Vec<String>,
}

/// What was said and not typed.
#[derive(Debug, Default)]
pub(super) struct Settings {
    options: Vec<(Id, Said)>,
    words: BTreeMap<String, Said>,
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
    const fn option(self) -> &'static str {
        match self {
            Self::Client => "chat",
            Self::Registry => "serve",
            Self::Peer => "peers",
        }
    }

    /// The values of that option, in their order.
    const fn words(self) -> &'static [(&'static str, Kind)] {
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
            choices: Vec::new(),
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
                choices: arg
                    .get_possible_values()
                    .iter()
                    .map(|choice| choice.get_name().to_owned())
                    .collect(),
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
    fn says(self, text: &str) -> bool {
        match self {
            Self::Switch => text == "true",
            Self::Count => text != "0" && !text.is_empty(),
            Self::Text | Self::Path | Self::List => !text.is_empty(),
        }
    }
}

impl Key {
    /// A text as clap reads it.
    fn spelled(&self, text: &str) -> Result<String, String> {
        let rule = match (self.kind, text) {
            (_, "") => return Ok(String::new()),
            (Kind::Switch, "true" | "1") => return Ok("true".to_owned()),
            (Kind::Switch, "false" | "0") => return Ok("false".to_owned()),
            (Kind::Count, _) if text.parse::<u8>().is_ok() => return Ok(text.to_owned()),
            (Kind::Switch | Kind::Count, _) => self.kind.rule().to_owned(),
            _ if self.choices.is_empty() || self.choices.iter().any(|choice| choice == text) => {
                return Ok(text.to_owned());
            }
            _ => format!("is one of: {}", self.choices.join(", ")),
        };
        Err(format!("{rule}, not '{}'", shown(text)))
    }
}

impl Settings {
    /// Looks for what this call has not typed. `file` is what `--config` names.
    ///
    /// # Errors
    /// What is found makes no sense, or the file cannot be read.
    pub(super) fn gather(
        role: Role,
        grammar: &Command,
        typed: &ArgMatches,
        file: Option<&Path>,
        around: &dyn Surroundings,
    ) -> Result<Self, String> {
        let is_typed = |id: &&Id| typed.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        let keys = role.keys(grammar);
        let options = grammar.get_arguments().map(Arg::get_id);
        let mut choice = Choice {
            grammar,
            ruling: options.filter(is_typed).cloned().collect(),
            decided: BTreeMap::new(),
        };
        choice.hear(&keys, variables(&keys, around)?)?;
        choice.hear(&keys, written(role, grammar, file, around)?)?;
        let mut settings = Self::default();
        for key in &keys {
            match (choice.decided.remove(&key.name), &key.option) {
                (None, _) => {}
                (Some(said), _) if said.text().is_empty() => {}
                (Some(said), Some(id)) => settings.options.push((id.clone(), said)),
                (Some(said), None) => {
                    settings.words.insert(key.name.clone(), said);
                }
            }
        }
        Ok(settings)
    }

    /// The grammar with what was found as its defaults, which go with everything.
    pub(super) fn defaults(&self, grammar: Command) -> Command {
        self.options.iter().fold(grammar, |grammar, (id, said)| {
            grammar.mut_arg(id, |arg| {
                let knows_its_place = arg.get_value_parser().type_id() == std::any::TypeId::of::<Said>();
                let arg = arg.default_value(said.text().to_owned());
                if !knows_its_place {
                    return arg;
                }
                let said = said.clone();
                arg.value_parser(move |_: &str| Ok::<_, Infallible>(said.clone()))
            })
        })
    }

    /// A value of `-c`, `-s` or `-p`: the one that was typed at this place, or what else is known.
    pub(super) fn word(&self, typed: &[String], at: usize, key: &str) -> Option<Said> {
        typed
            .get(at)
            .cloned()
            .map(Said::from)
            .or_else(|| self.words.get(key).cloned())
    }
}

/// Who said what, from the first to the last who is heard.
struct Choice<'a> {
    grammar: &'a Command,
    /// Options that are given, and that rule out others.
    ruling: Vec<Id>,
    decided: BTreeMap<String, Said>,
}

impl Choice<'_> {
    /// Takes of one source what nobody before it has spoken of.
    fn hear(&mut self, keys: &[Key], source: Vec<(String, Said)>) -> Result<(), String> {
        let mut ruling: Vec<Id> = Vec::new();
        for (name, said) in source {
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                continue;
            };
            let said = said.map(|text| key.spelled(text))?;
            let Some(id) = &key.option else {
                self.decided.entry(name).or_insert(said);
                continue;
            };
            let is_out = |other: &Id| other == id || rules_out(self.grammar, other, id);
            if self.decided.contains_key(&name) || self.ruling.iter().any(is_out) {
                continue;
            }
            if key.kind.says(said.text()) {
                if let Some(other) = ruling.iter().find(|other| rules_out(self.grammar, other, id)) {
                    let other = other.as_str().replace('_', "-");
                    return Err(said.blame(&format!("does not go with {other}, which is set as well")));
                }
                ruling.push(id.clone());
            }
            self.decided.insert(name, said);
        }
        self.ruling.append(&mut ruling);
        Ok(())
    }
}

/// Whether one option does not go with another: clap asks either.
fn rules_out(grammar: &Command, one: &Id, other: &Id) -> bool {
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

/// What the environment says.
fn variables(keys: &[Key], around: &dyn Surroundings) -> Result<Vec<(String, Said)>, String> {
    let mut found = Vec::new();
    for key in keys {
        let name = variable(&key.name);
        if let Some(text) = around.variable(&name) {
            let text = text
                .into_string()
                .map_err(|_| format!("{name}: is not valid UTF-8"))?;
            found.push((key.name.clone(), Said::at(name, text)));
        }
    }
    Ok(found)
}

/// What the file says to this role.
fn written(
    role: Role,
    grammar: &Command,
    named: Option<&Path>,
    around: &dyn Surroundings,
) -> Result<Vec<(String, Said)>, String> {
    let absolute = |name| {
        around
            .variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let variable = || around.variable("UDPCHAT_CONFIG").map(PathBuf::from);
    let named = named
        .map(Path::to_owned)
        .or_else(variable)
        .filter(|path| !path.as_os_str().is_empty());
    if named.as_deref() == Some(Path::new("none")) {
        return Ok(Vec::new());
    }
    let home = absolute("HOME");
    let usual = || {
        let at_home = || home.as_ref().map(|home| home.join(".config"));
        absolute("XDG_CONFIG_HOME").or_else(at_home)
    };
    let Some(path) = named
        .clone()
        .or_else(|| usual().map(|folder| folder.join("udpchat/config.toml")))
    else {
        return Ok(Vec::new());
    };
    let text = match around.read(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && is_absent(&error) => return Ok(Vec::new()),
        Err(error) => {
            let path = escape(&path.to_string_lossy()).into_owned();
            return Err(format!(
                "the configuration file {path} cannot be read ({error}); name another with --config, or none: --config none"
            ));
        }
    };
    let file = ConfigFile {
        path: &path,
        text: &text,
        home: home.as_deref(),
    };
    let entries = file.entries(grammar)?.into_iter();
    let ours = entries.filter(|entry| entry.role == role);
    Ok(ours.map(|entry| (entry.key, entry.said)).collect())
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
