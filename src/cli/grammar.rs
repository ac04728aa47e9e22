//! What can be typed at a prompt, there being a registry or not: what a line means, and what helps to type it.
//!
//! Pure. What completion and hints know of commands is the table's (`commands::TABLE`), and their spellings'.
//! Invariant: a completed line is one that was typed to its end; a hint is never part of the line.

use crate::cli::arguments::{Argument, What, shown};
use crate::cli::commands::{Parsed, TABLE, Typist};
use crate::cli::format::Format;
use crate::cli::known::Known;
use crate::cli::{spellings, talk};

/// How lines are read.
pub(super) struct Grammar {
    /// Makes something of a line.
    pub(super) parse: fn(Format, &str, Typist<'_>) -> Parsed,
    /// The words for commands that begin so.
    words: fn(&str) -> Vec<String>,
    /// What a line begins with, if it is the word of a command.
    begins: fn(&str) -> Option<Begun<'_>>,
    /// Whether `@name` may begin a line.
    addresses: bool,
}

/// The line of a command: what follows its word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begun<'a> {
    /// What it takes …
    pub(super) arguments: &'static [Argument],
    /// … and what stands there; `None`: the line ends with the word.
    pub(super) rest: Option<&'a str>,
}

/// Where there is a registry.
pub(super) static WITH_REGISTRY: Grammar = Grammar {
    parse: Format::parse,
    words: spellings::words,
    begins: spellings::begins,
    addresses: true,
};

/// Where there is none.
pub(super) static WITHOUT_REGISTRY: Grammar = Grammar {
    parse: talk::read,
    words: talk::words,
    begins: talk::begins,
    addresses: false,
};

/// Everybody else, where a name is taken; nobody may be called so.
pub(super) const ALL: &str = "all";

impl Grammar {
    /// What may be meant by the word that a line ends in: where the word begins, and what may stand there, with a space
    /// after it if more can follow.
    pub(super) fn complete(&self, line: &str, own: &str, known: &Known) -> (usize, Vec<String>) {
        let begun = (self.begins)(line).and_then(|begun| Some((begun.arguments, begun.rest?)));
        let Some((arguments, rest)) = begun else {
            return self.complete_first(line, known);
        };
        let (arguments, word) = place(arguments, rest);
        let start = line.len() - word.len();
        let Some((argument, following)) = arguments.split_first() else {
            return (start, Vec::new());
        };
        let space = if following.is_empty() { "" } else { " " };
        let mut candidates = suggestions(*argument, word, own, known);
        candidates
            .iter_mut()
            .for_each(|candidate| candidate.push_str(space));
        // What may be left out may have been.
        if let (true, Some(next)) = (argument.is_optional(), following.first()) {
            candidates.extend(suggestions(*next, word, own, known));
        }
        (start, candidates)
    }

    /// As [`Self::complete`], of the first word.
    fn complete_first(&self, line: &str, known: &Known) -> (usize, Vec<String>) {
        let word = line.trim_start();
        let start = line.len() - word.len();
        if word.contains(char::is_whitespace) {
            return (line.len(), Vec::new());
        }
        if let (true, Some(name)) = (self.addresses, word.strip_prefix('@')) {
            let people = known.people(name).into_iter();
            return (start, people.map(|name| format!("@{name} ")).collect());
        }
        let with_space = |word: String| match (self.begins)(&word) {
            Some(begun) if !begun.arguments.is_empty() => word + " ",
            _ => word,
        };
        (start, (self.words)(word).into_iter().map(with_space).collect())
    }

    /// What is still to be typed, as it is shown after a line.
    pub(super) fn hint(&self, line: &str) -> Option<String> {
        let begun = (self.begins)(line)?;
        let (arguments, space) = match begun.rest {
            None => (begun.arguments, " "),
            Some(rest) => match place(begun.arguments, rest) {
                (arguments, "") => (arguments, ""),
                (arguments, _) => (arguments.get(1..).unwrap_or_default(), " "),
            },
        };
        (!arguments.is_empty()).then(|| format!("{space}{}", shown(arguments)))
    }
}

/// The arguments from the one on that a text ends in, and so much of that as stands there.
fn place<'a>(mut arguments: &'static [Argument], rest: &'a str) -> (&'static [Argument], &'a str) {
    let mut rest = rest.trim_start();
    while let Some((argument, following)) = arguments.split_first()
        && argument.what != What::Rest
        && let Some((_, after)) = rest.split_once(char::is_whitespace)
    {
        arguments = following;
        rest = after.trim_start();
    }
    (arguments, rest)
}

/// What may stand there that begins so.
fn suggestions(argument: Argument, word: &str, own: &str, known: &Known) -> Vec<String> {
    let of = |words: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        let fits = |candidate: &&str| candidate.starts_with(&word.to_ascii_lowercase());
        words.filter(fits).map(str::to_owned).collect()
    };
    match argument.what {
        What::Person => known.people(word),
        What::Member => [known.people(word), of(&mut [ALL].into_iter())].concat(),
        What::Conversation => match word.strip_prefix('#') {
            Some(room) => known.rooms(room).iter().map(|room| format!("#{room}")).collect(),
            None => known.people(word),
        },
        What::Own if own.to_ascii_lowercase().starts_with(&word.to_ascii_lowercase()) => vec![own.to_owned()],
        What::Room => known.rooms(word),
        What::Command => of(&mut TABLE.iter().map(|entry| entry.name).chain([spellings::TOPIC])),
        What::Switch => of(&mut ["on", "off"].into_iter()),
        What::Own | What::Word | What::Rest => Vec::new(),
    }
}

#[cfg(test)]
#[path = "grammar_tests.rs"]
mod tests;
