//! In which of its two tongues a client speaks: lines for people, or JSON Lines for programs.
//!
//! Says which text it is; `render` and `json` write it, and somebody else prints it.
//! Invariant: a text is one or several whole lines, and holds no other line end.

use crate::cli::commands::{self, Parsed, Typist};
use crate::cli::render::{self, OffsetAt};
use crate::cli::{json, json_input, plain};
use crate::client::interface::Notice;

/// A tongue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Lines for people.
    #[default]
    Lines,
    /// JSON Lines for programs.
    Json,
}

impl Format {
    /// The lines of what is told; none for what needs no words.
    pub fn notice(self, notice: &Notice, offset_at: OffsetAt) -> Vec<String> {
        match self {
            Self::Lines => render::event(&notice.event, offset_at),
            Self::Json => json::notice(notice).into_iter().collect(),
        }
    }

    /// The answer to a line that was no command for the client; none if there is nothing to say.
    pub fn answer(self, parsed: &Parsed) -> Vec<String> {
        match self {
            Self::Lines => render::answer(parsed),
            Self::Json => json::answer(parsed).into_iter().collect(),
        }
    }

    /// Reads a line.
    pub fn parse(self, line: &str, typist: Typist<'_>) -> Parsed {
        match self {
            Self::Json if json_input::is_object(line) => json_input::parse(line, typist),
            Self::Lines | Self::Json => commands::parse(line, typist),
        }
    }

    /// How long a line may be.
    pub const fn line_bytes_max(self) -> usize {
        match self {
            Self::Lines => plain::LINE_BYTES_MAX,
            Self::Json => plain::OBJECT_BYTES_MAX,
        }
    }
}
