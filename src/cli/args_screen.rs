//! Options of how a client looks and sounds, what it runs for messages, and what it remembers of what was typed.
//!
//! Invariant: as `args`': a [`ScreenOptions`] needs no further check of its form.

use clap::Args;

use crate::cli::args_values::shown;
pub use crate::cli::bell::Bell;
pub use crate::cli::paint::Colors;
use crate::cli::said::{OneOf, Said};

/// How a client looks and sounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenOptions {
    /// When there are colours.
    pub colors: Colors,
    /// For which messages the terminal rings.
    pub bell: Bell,
    /// What is run for each message that is shown.
    pub on_message: Option<String>,
    /// Whether what is typed is there in the next run.
    pub line_history: bool,
    /// Whether it fills the screen.
    pub full: bool,
}

/// The grammar.
#[derive(Debug, Args)]
#[command(next_help_heading = "Client, on the screen")]
pub(super) struct ScreenFlags {
    /// When to use colours: auto, always or never
    ///
    /// auto: on a terminal that has some, unless the variable NO_COLOR is set. Without colours there are no hints behind
    /// what is typed either.
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = OneOf(&["auto", "always", "never"]),
        hide_possible_values = true, conflicts_with = "serve")]
    color: Said,

    /// Fill the screen: conversations with what is unread, the open one, and how the connection is
    ///
    /// F1 says there what the keys do. Where standard input or output is no terminal it is as without.
    #[arg(long, conflicts_with_all = ["serve", "peers", "json"])]
    tui: bool,

    /// Ring the terminal's bell: for no message (off), for 'all', or on 'mention'
    ///
    /// mention: a message to you, or one in a room with your name in it.
    #[arg(long, value_name = "FOR", default_value = "off", value_parser = OneOf(&["off", "mention", "all"]),
        hide_possible_values = true, conflicts_with = "serve")]
    bell: Said,

    /// Run a program for each message that is shown, with the text on its standard input
    ///
    /// COMMAND is for sh; its environment is that of --exec. The chat does not wait for it, and what it prints goes nowhere. It
    /// is not run while dnd is on, nor for those who are blocked; where messages come faster than it ends, not for all.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["serve", "send", "recv", "export"])]
    on_message: Option<Said>,

    /// Forget at the end what was typed, instead of keeping it for the arrow keys and Ctrl+R
    ///
    /// Otherwise the last lines are in the file lines of your folder, which only you may read. A line that begins with a
    /// space is never kept.
    #[arg(long, conflicts_with = "serve")]
    no_line_history: bool,
}

impl ScreenFlags {
    /// How it is to be.
    pub(super) fn check(self) -> Result<ScreenOptions, String> {
        Ok(ScreenOptions {
            colors: self.color.read(colors)?,
            bell: self.bell.read(bell)?,
            on_message: self.on_message.map(|said| said.read(command)).transpose()?,
            line_history: !self.no_line_history,
            full: self.tui,
        })
    }
}

fn colors(text: &str) -> Result<Colors, String> {
    match text {
        "auto" => Ok(Colors::Auto),
        "always" => Ok(Colors::Always),
        "never" => Ok(Colors::Never),
        _ => Err(format!("--color is auto, always or never, not '{}'", shown(text))),
    }
}

fn command(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("--on-message needs a command".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn bell(text: &str) -> Result<Bell, String> {
    match text {
        "off" => Ok(Bell::Off),
        "mention" => Ok(Bell::Mention),
        "all" => Ok(Bell::All),
        _ => Err(format!("--bell is off, mention or all, not '{}'", shown(text))),
    }
}
