//! How the program ends when its arguments are a question or make no sense: what is printed, and the exit code.
//!
//! clap finds most mistakes; here they are told in one line. Which values are right is `args_values`' to say.
//! Invariant: what is wrong is one line, and says what would be right.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::args_values::shown;
use crate::cli::manual;

/// A wish for a text (help, the version, a manual page), or arguments that make no sense: what to print and how to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageExit {
    text: String,
    asked_for: bool,
}

impl UsageExit {
    /// Exit code after what was asked for.
    pub const DONE: u8 = 0;
    /// Exit code after bad arguments.
    pub const USAGE: u8 = 2;

    pub(super) fn wrong(sentence: impl Into<String>) -> Self {
        Self {
            text: format!("udpchat: {}\n", sentence.into()),
            asked_for: false,
        }
    }

    pub(super) const fn asked(text: String) -> Self {
        Self {
            text,
            asked_for: true,
        }
    }

    /// What is printed; ends in a newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The exit code: 0 if this was asked for, otherwise 2.
    pub const fn code(&self) -> u8 {
        if self.asked_for { Self::DONE } else { Self::USAGE }
    }
}

/// clap's error as ours: help and version as they are, everything else in one line.
pub(super) fn reshape(error: &clap::Error) -> UsageExit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return UsageExit::asked(error.render().to_string());
    }
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => shown(text),
        Some(ContextValue::Strings(texts)) => shown(&texts.join(", ")),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let word = context(ContextKind::InvalidSubcommand);
    let choice = context(ContextKind::ValidValue);
    UsageExit::wrong(match error.kind() {
        ErrorKind::ArgumentConflict if ["simulate", "completions", "man"].contains(&&*word) => {
            format!("{word} takes no option before it; try 'udpchat {word} --help'")
        }
        // Beside options clap takes a word too many for a subcommand.
        ErrorKind::InvalidSubcommand | ErrorKind::ArgumentConflict if !word.is_empty() => {
            format!("unknown argument '{word}'; try 'udpchat --help'")
        }
        ErrorKind::UnknownArgument => format!("unknown argument '{argument}'; try 'udpchat --help'"),
        ErrorKind::InvalidValue if !choice.is_empty() => format!("{argument} is one of: {choice}"),
        ErrorKind::MissingRequiredArgument => format!("{argument} is missing; try 'udpchat --help'"),
        ErrorKind::InvalidValue => format!("{argument} needs a value; try 'udpchat --help'"),
        ErrorKind::ArgumentConflict => {
            let other = context(ContextKind::PriorArg);
            if argument == other {
                format!("{argument} is given more than once")
            } else {
                format!("{argument} does not go with {other}; try 'udpchat --help'")
            }
        }
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => format!("the arguments make no sense; give {}", manual::EITHER),
    })
}
