//! The text of a setting, and who says so: whoever typed it, a variable of the environment, or a line of a file.
//!
//! Which settings there are, and who is heard first, is `settings`' to know; what texts mean, `args_values`'.
//! Invariant: what is wrong with a text that nobody typed is told with the place where it stands.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};

/// A text that is to be one of these words. Shells complete them; that it is none of them is for whoever reads it to say, who
/// knows where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct OneOf(pub(super) &'static [&'static str]);

impl TypedValueParser for OneOf {
    type Value = Said;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Said, Error> {
        StringValueParser::new()
            .parse_ref(command, arg, value)
            .map(Said::from)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

/// A text, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    text: String,
    /// `None`: on the command line, or nowhere: it is the default.
    place: Option<String>,
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { text, place: None }
    }
}

impl Said {
    /// What stands at this place.
    pub(super) fn at(place: String, text: String) -> Self {
        Self {
            text,
            place: Some(place),
        }
    }

    /// As it is written there.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is about this call alone.
    pub(super) const fn is_typed(&self) -> bool {
        self.place.is_none()
    }

    /// What it means.
    pub(super) fn read<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
        read(&self.text).map_err(|sentence| self.blame(&sentence))
    }

    /// The same with another text for it.
    pub(super) fn map(self, other: impl FnOnce(&str) -> Result<String, String>) -> Result<Self, String> {
        let text = self.read(other)?;
        Ok(Self { text, ..self })
    }

    /// What is wrong with it, and where that stands. A sentence that begins with the option is about what the place names.
    pub(super) fn blame(&self, sentence: &str) -> String {
        match (&self.place, sentence.strip_prefix("--")) {
            (None, _) => sentence.to_owned(),
            (Some(place), None) => format!("{place}: {sentence}"),
            (Some(place), Some(option)) => {
                let about = option.split_once(' ').map_or(option, |(_, about)| about);
                format!("{place}: {about}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_its_place() {
        let fault =
            |said: Said, sentence: &str| said.read(|_| Err::<(), _>(sentence.to_owned())).unwrap_err();
        let typed = || Said::from("x".to_owned());
        let kept = || Said::at("/c.toml:3: [client] ttl".to_owned(), "x".to_owned());
        assert_eq!(fault(typed(), "--ttl needs a span"), "--ttl needs a span");
        assert_eq!(
            fault(kept(), "--ttl needs a span"),
            "/c.toml:3: [client] ttl: needs a span"
        );
        assert_eq!(
            fault(kept(), "'x' is no name"),
            "/c.toml:3: [client] ttl: 'x' is no name"
        );
    }
}
