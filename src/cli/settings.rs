//! Settings: what is not typed is taken from the environment, then from the configuration file, then it is the default.
//!
//! Which there are is `keys`'. What is found becomes the default of the grammar, and is read like what is typed.
//! Invariant: whoever is heard first wins, and what he says rules out what does not go with it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Id};

use crate::cli::config_file::ConfigFile;
use crate::cli::keys::{Key, Role, rules_out, variable};
use crate::cli::said::Said;
use crate::cli::sanitise::escape;
use crate::cli::surroundings::Surroundings;

/// What was said and not typed.
#[derive(Debug, Default)]
pub(super) struct Settings {
    options: Vec<(Id, Said)>,
    words: BTreeMap<String, Said>,
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
