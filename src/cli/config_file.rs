//! The configuration file: its text into what it says, each with the line where it stands.
//!
//! Which keys there are is `keys`' to say, and what their values mean `args_values`'. Nothing is opened here.
//! Invariant: whatever cannot be understood is told with file, line and key; no key is skipped in silence.

use std::path::Path;

use clap::Command;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::args_values::shown;
use crate::cli::keys::{Kind, Role};
use crate::cli::said::Said;
use crate::cli::sanitise::escape;

/// What one line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) role: Role,
    pub(super) key: String,
    pub(super) said: Said,
}

/// A file as it was read.
pub(super) struct ConfigFile<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    /// What `~` stands for in its paths.
    pub(super) home: Option<&'a Path>,
}

impl ConfigFile<'_> {
    /// All that it says, in its order.
    ///
    /// # Errors
    /// It is no TOML, or has tables, keys or kinds of values that there are not.
    pub(super) fn entries(&self, grammar: &Command) -> Result<Vec<Entry>, String> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let what: Vec<&str> = error.message().lines().map(str::trim).collect();
            self.fault(at, &what.join(", "))
        })?;
        let mut entries = Vec::new();
        for (name, value) in in_order(document.get_ref()) {
            let at = name.span().start;
            let name = name.get_ref().as_ref();
            let Some(table) = value.get_ref().as_table() else {
                let rule = "a key stands below [client], [registry] or [peers]";
                return Err(self.fault(at, &format!("{}: {rule}", shown(name))));
            };
            let Some(role) = Role::ALL.into_iter().find(|role| role.table() == name) else {
                let tables = Role::ALL.map(Role::table);
                let hint = hint(name, tables.into_iter());
                let rule = "no such table; there are [client], [registry] and [peers]";
                return Err(self.fault(at, &format!("[{}]: {rule}{hint}", shown(name))));
            };
            for (key, value) in in_order(table) {
                entries.push(self.entry(role, key, value, grammar)?);
            }
        }
        Ok(entries)
    }

    fn entry(
        &self,
        role: Role,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
        grammar: &Command,
    ) -> Result<Entry, String> {
        let name = key.get_ref().as_ref();
        let place = self.fault(key.span().start, &format!("[{}] {}", role.table(), shown(name)));
        let keys = role.keys(grammar);
        let Some(known) = keys.iter().find(|known| known.name == name) else {
            let elsewhere = Role::ALL
                .into_iter()
                .find(|other| other.keys(grammar).iter().any(|known| known.name == name));
            return Err(match elsewhere {
                Some(other) => format!(
                    "{place}: is not a setting of this table, but of [{}]",
                    other.table()
                ),
                None => {
                    let hint = hint(name, keys.iter().map(|known| known.name.as_str()));
                    format!("{place}: no such key{hint}")
                }
            });
        };
        let text =
            text(value.get_ref(), known.kind).ok_or_else(|| format!("{place}: {}", known.kind.rule()))?;
        let said = Said::at(place, text);
        Ok(Entry {
            role,
            key: name.to_owned(),
            said: match known.kind {
                Kind::Path => said.map(|text| self.path_of(text))?,
                _ => said,
            },
        })
    }

    /// A path as the file means it, wherever the program is started. No shell has read it.
    fn path_of(&self, text: &str) -> Result<String, String> {
        let at_home = text.strip_prefix("~/").zip(self.home.and_then(Path::to_str));
        match at_home {
            Some((rest, home)) => Ok(format!("{home}/{rest}")),
            None if text.is_empty() || text.starts_with('/') => Ok(text.to_owned()),
            None => Err(format!(
                "needs a path that begins with / or ~/, not '{}'",
                shown(text)
            )),
        }
    }

    /// A sentence about what stands here.
    fn fault(&self, at: usize, sentence: &str) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        format!("{}:{line}: {sentence}", escape(&self.path.to_string_lossy()))
    }
}

/// The parser sorts by key; a person reads from top to bottom.
fn in_order<'a, 'b>(
    table: &'a DeTable<'b>,
) -> Vec<(&'a Spanned<std::borrow::Cow<'b, str>>, &'a Spanned<DeValue<'b>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// A value as it would be typed; `None` where nobody could type it.
fn text(value: &DeValue<'_>, kind: Kind) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(is_so) => Some(is_so.to_string()),
        DeValue::Array(values) if kind == Kind::List => {
            let words = values.iter().map(|value| value.get_ref().as_str());
            Some(words.collect::<Option<Vec<_>>>()?.join(" "))
        }
        _ => None,
    }
}

/// What may have been meant.
fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance < candidate.len().min(word.len()))
        .min()
        .map_or_else(String::new, |(_, candidate)| {
            format!("; did you mean {candidate}?")
        })
}

/// How many letters have to be changed, put in or taken out (Levenshtein). A word that is far longer is far off.
fn distance(one: &str, other: &str) -> usize {
    const WORD_BYTES_MAX: usize = 64;
    if one.len() > WORD_BYTES_MAX {
        return one.len();
    }
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (before, letter) in one.chars().enumerate() {
        let mut diagonal = before;
        let mut left = before + 1;
        for (cell, wanted) in row.iter_mut().skip(1).zip(other.chars()) {
            let changed = diagonal + usize::from(letter != wanted);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = before + 1;
        }
    }
    row.last().copied().unwrap_or(one.len())
}

#[cfg(test)]
#[path = "config_file_tests.rs"]
mod tests;
