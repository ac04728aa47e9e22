//! The command line, checked: what to run and with which settings.
//!
//! The grammar is clap's; the checks and their sentences are ours, because a person who mistyped wants one
//! line that says what is wrong and what would be right. What is not typed is in the surroundings, or the default
//! (`settings`). Nothing is opened, bound or looked up here.
//! Invariant: an [`Invocation`] needs no further check of its form; whatever fails later is the world's doing.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use crate::cli::args_once::{Addressee, Paper, ReceiveOptions, SendOptions, Task, Wait};
pub use crate::cli::args_screen::{Bell, Colors, ScreenOptions};

use crate::cli::args_once::OnceFlags;
use crate::cli::args_screen::ScreenFlags;
use crate::cli::args_values::{
    parse_bind, parse_kept, parse_name, parse_new_names, parse_room, parse_size, parse_span,
};
use crate::cli::args_words::{Circle, Seat, named, parse_serve};
use crate::cli::format::Format;
use crate::cli::generated::{self, Page, Shell};
use crate::cli::keys::Role;
use crate::cli::manual;
use crate::cli::said::Said;
use crate::cli::settings::Settings;
use crate::cli::simulate::{SimulateFlags, SimulateOptions};
use crate::cli::surroundings::Surroundings;
use crate::cli::usage::{UsageExit, reshape};
use crate::id::Name;
use crate::limits;

/// What the program is asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// A registry.
    Serve(ServeOptions),
    /// A client.
    Chat(ChatOptions),
    /// A client without a registry.
    Talk(TalkOptions),
    /// A client's history, written out.
    Export(ExportOptions),
    /// Simulated worlds.
    Simulate(Box<SimulateOptions>),
}

/// How a registry is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// Its port, 1 to 65535.
    pub port: u16,
    /// The only address to listen on; `None`: all, of both families.
    pub bind: Option<IpAddr>,
    /// Where its database and identity are.
    pub data: Data,
    /// The database was brought back from a backup: draw a new store id, so that clients deposit again.
    pub restored: bool,
    /// Instead of serving: free this name for whoever registers it next.
    pub release: Option<Name>,
    /// Envelope bytes that all mailboxes together may hold.
    pub mail_bytes: u64,
    /// New names that one network may register in an hour.
    pub new_names: u32,
    /// Whether there is to be a room for everybody.
    pub lobby: bool,
    /// How much is logged.
    pub verbosity: u8,
}

/// How a client is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatOptions {
    /// Its user's name.
    pub name: Name,
    /// Where the registry is.
    pub server: Host,
    /// The registry's port, 1 to 65535.
    pub server_port: u16,
    /// Our own port; 0: any free one.
    pub port: u16,
    /// Where its database and identity are.
    pub data: Data,
    /// How long a message may take before it expires.
    pub ttl: Duration,
    /// How long what was said is kept; `None`: for ever.
    pub keep_history: Option<Duration>,
    /// A room to enter when the registry has us.
    pub join: Option<Name>,
    /// How it speaks.
    pub format: Format,
    /// How it looks and sounds.
    pub screen: ScreenOptions,
    /// What it is started for.
    pub task: Task,
    /// How much is logged.
    pub verbosity: u8,
}

/// How a client without a registry is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TalkOptions {
    /// Its user's name.
    pub name: Name,
    /// Its own port; 0: any free one.
    pub port: u16,
    /// The only address to listen on; `None`: all, of both families.
    pub bind: Option<IpAddr>,
    /// Those to whom it talks, each once; one at least.
    pub contacts: Vec<SocketAddr>,
    /// Where its database and identity are.
    pub data: Data,
    /// How long a message may take before it expires.
    pub ttl: Duration,
    /// How long what was said is kept; `None`: for ever.
    pub keep_history: Option<Duration>,
    /// How it speaks.
    pub format: Format,
    /// How it looks and sounds.
    pub screen: ScreenOptions,
    /// How much is logged.
    pub verbosity: u8,
}

/// Which history is to be written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// Whose.
    pub name: Name,
    /// Whether it is that of a client without a registry.
    pub alone: bool,
    /// Where its database is.
    pub data: Data,
    /// How it is written.
    pub paper: Paper,
}

/// Where the registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// At an address.
    Address(IpAddr),
    /// At whatever address the name has.
    Name(String),
}

/// Where databases and identities are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In the user's data folder: `$XDG_DATA_HOME/udpchat`, or `~/.local/share/udpchat`.
    Default,
    /// In this folder.
    Folder(PathBuf),
    /// In memory: gone when the program ends.
    Ephemeral,
}

/// The grammar. Values are taken as texts and checked in [`Flags::check`].
#[derive(Debug, Parser)]
#[command(name = "udpchat", version, about = manual::ABOUT, override_usage = manual::USAGE)]
#[command(after_help = manual::SHORT_EPILOGUE, after_long_help = manual::epilogue())]
#[command(disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
struct Flags {
    #[command(subcommand)]
    other: Option<Other>,

    /// Run a registry on this UDP port
    ///
    /// The registry keeps the table of clients and the mail of those who are away. It listens on all
    /// addresses, IPv4 and IPv6, unless --bind names one. It runs until Ctrl+C.
    #[arg(short, long, value_name = "PORT", action = ArgAction::Set, num_args = 0..=1, conflicts_with = "chat")]
    serve: Option<Vec<String>>,

    /// Run a client: your name, the registry's address and port, and your own port
    ///
    /// SERVER is an IPv4 or IPv6 address or a host name. CLIENT-PORT 0 takes any free port. A name has 1 to 32
    /// letters, digits, '_', '-' or '.', begins with a letter or digit, and is yours from the first
    /// registration on. Once it was registered from here, the name alone is enough: the rest is what it was then.
    #[arg(short, long, action = ArgAction::Set, num_args = 0..=4, value_names = ["NAME", "SERVER", "SERVER-PORT", "CLIENT-PORT"])]
    chat: Option<Vec<String>>,

    /// Talk without a registry: your name, your own port, and those to whom you talk
    ///
    /// Each PEER is an address and a port, like 192.0.2.7:4000 or [2001:db8::7]:4000; either side may start first. What
    /// you type goes to all of them, and nobody else is heard. The first to be met at an address has to be the same
    /// afterwards.
    #[arg(short, long, action = ArgAction::Set, num_args = 0.., value_names = ["NAME", "PORT", "PEER"], conflicts_with_all = ["chat", "serve"])]
    peers: Option<Vec<String>>,

    /// Keep databases and identities in this folder
    ///
    /// Instead of $XDG_DATA_HOME/udpchat. The folder is made if it is not there.
    #[arg(long, value_name = "FOLDER", conflicts_with = "ephemeral")]
    data_dir: Option<PathBuf>,

    /// Keep everything in memory, leave nothing behind
    ///
    /// For tries: the name belongs to an identity that is gone afterwards, and so is what still waits.
    #[arg(long)]
    ephemeral: bool,

    /// How long a message may take before it expires: 10s to 30d, like 90s, 15m or 12h
    #[arg(long, value_name = "SPAN", default_value = "30d", conflicts_with = "serve")]
    ttl: Said,

    /// Keep what was said for so long, like 12h, 30d or 1y; or 'all'
    ///
    /// Older texts are removed from the database, once they have ended and were shown. From 1h.
    #[arg(long, value_name = "SPAN", default_value = "all", conflicts_with = "serve")]
    keep_history: Said,

    /// Enter this room, and talk there from the start
    ///
    /// Lines that are no command go there. The registry may offer a room for all, which is then called lobby.
    #[arg(long, value_name = "ROOM", conflicts_with_all = ["serve", "peers"])]
    join: Option<Said>,

    /// Speak in JSON Lines: an object a line, for programs
    ///
    /// Every event is an object on standard output, with the fields that docs/json.schema.json describes. Standard
    /// input takes the commands as text, or objects: {"message":"hi","to":"bob"}, {"operation":"subscribe"}. There is no
    /// prompt.
    #[arg(long, conflicts_with = "serve")]
    json: bool,

    /// Listen on this address only
    #[arg(long, value_name = "ADDRESS", conflicts_with = "chat")]
    bind: Option<Said>,

    /// All mailboxes together hold at most so much: 500M, 4G, or bytes
    #[arg(long, value_name = "SIZE", default_value = "4G", conflicts_with_all = ["chat", "peers"])]
    mail_bytes: Said,

    /// One network registers at most so many new names an hour
    ///
    /// A network is what shares the first 24 bits of an IPv4 address or 56 of an IPv6 address. A class behind one
    /// router needs more than the default.
    #[arg(long, value_name = "NUMBER", default_value = limits::NEW_NAMES_PER_HOUR.to_string(), conflicts_with_all = ["chat", "peers"])]
    new_names: Said,

    /// Offer a room for everybody, called lobby
    ///
    /// Clients enter it with --join lobby or roomjoin lobby. It is the registry's own: it lasts, and nobody is put out. Once it
    /// is there it stays, also without this option.
    #[arg(long, conflicts_with_all = ["chat", "peers"])]
    lobby: bool,

    /// The database was brought back from a backup
    ///
    /// Clients then deposit again what they know to be unfinished; what arrived is not shown twice.
    #[arg(long, conflicts_with_all = ["chat", "peers", "ephemeral"])]
    restored: bool,

    /// Free a name for whoever registers it next, and end
    ///
    /// For an owner whose key is lost, or who must go. Messages that wait for the name are refused, and their senders
    /// are told. The registry must not be running.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["chat", "peers", "ephemeral", "restored", "bind", "mail_bytes", "new_names", "lobby"])]
    release: Option<String>,

    /// Take what is not typed from this file: a path, or the word none
    ///
    /// Instead of $XDG_CONFIG_HOME/udpchat/config.toml. A file that is named has to be there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Log more on standard error; twice for every datagram that is dropped
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    // Last: their headings are for all that follows.
    #[command(flatten)]
    screen: ScreenFlags,

    #[command(flatten)]
    once: OnceFlags,
}

/// What the program does besides being a registry or a client.
#[derive(Debug, Subcommand)]
enum Other {
    /// Simulate clients and a registry on a bad network, and check the delivery contract
    ///
    /// The real engines and stores on virtual time: what the protocol does under loss, in figures. Exit code 1 if a
    /// promise was broken; the seed repeats it.
    #[command(allow_negative_numbers = true, override_usage = "udpchat simulate [OPTIONS]")]
    Simulate(Box<SimulateFlags>),

    /// Print what makes a shell complete these arguments
    ///
    /// For bash: udpchat completions bash > ~/.local/share/bash-completion/completions/udpchat
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },

    /// Print the manual page, for man
    ///
    /// To read it: udpchat man | man -l -
    Man {
        /// That of a command instead of udpchat's own
        #[arg(value_enum)]
        page: Option<Page>,
    },
}

/// Reads the command line, and what completes it; the first argument is the program's name.
///
/// # Errors
/// What was asked for, if that is a text: help, the version, a page; otherwise what is wrong, in one line.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    around: &dyn Surroundings,
) -> Result<Invocation, UsageExit> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let told = |error: clap::Error| reshape(&error);
    let read = |grammar: Command| grammar.try_get_matches_from(&arguments).map_err(told);
    let typed = read(Flags::command())?;
    let flags = Flags::from_arg_matches(&typed).map_err(told)?;
    match flags.other {
        Some(Other::Simulate(flags)) => {
            let options = flags.check().map_err(UsageExit::wrong)?;
            return Ok(Invocation::Simulate(Box::new(options)));
        }
        Some(Other::Completions { shell }) => {
            return Err(UsageExit::asked(generated::completions(shell, Flags::command())));
        }
        Some(Other::Man { page }) => return Err(UsageExit::asked(generated::man(page, Flags::command()))),
        None => {}
    }
    let Some(role) = flags.role() else {
        return Err(UsageExit::wrong(format!(
            "nothing to do: give {}",
            manual::EITHER
        )));
    };
    let settings = Settings::gather(role, &Flags::command(), &typed, flags.config.as_deref(), around)
        .map_err(UsageExit::wrong)?;
    let completed = read(settings.defaults(Flags::command()))?;
    Flags::from_arg_matches(&completed)
        .map_err(told)?
        .check(role, &settings, around)
        .map_err(UsageExit::wrong)
}

impl Flags {
    const fn role(&self) -> Option<Role> {
        match (&self.chat, &self.serve, &self.peers) {
            (Some(_), _, _) => Some(Role::Client),
            (_, Some(_), _) => Some(Role::Registry),
            (_, _, Some(_)) => Some(Role::Peer),
            (None, None, None) => None,
        }
    }

    fn check(self, role: Role, settings: &Settings, around: &dyn Surroundings) -> Result<Invocation, String> {
        let data = match (self.data_dir, self.ephemeral) {
            (Some(folder), _) if folder.as_os_str().is_empty() => {
                return Err("--data-dir needs the path of a folder".to_owned());
            }
            (Some(folder), _) => Data::Folder(folder),
            (None, true) => Data::Ephemeral,
            (None, false) => Data::Default,
        };
        if let Some(paper) = self.once.export()? {
            let (name, alone) = match role {
                Role::Peer => (named(&self.peers.unwrap_or_default(), settings)?, true),
                Role::Client | Role::Registry => (named(&self.chat.unwrap_or_default(), settings)?, false),
            };
            return Ok(Invocation::Export(ExportOptions {
                name,
                alone,
                data,
                paper,
            }));
        }
        let bind = self.bind.map(|said| said.read(parse_bind)).transpose()?;
        let format = if self.json { Format::Json } else { Format::Lines };
        Ok(match role {
            Role::Registry => Invocation::Serve(ServeOptions {
                port: parse_serve(&self.serve.unwrap_or_default(), settings)?,
                bind,
                data,
                restored: self.restored,
                release: self.release.as_deref().map(parse_name).transpose()?,
                mail_bytes: self.mail_bytes.read(parse_size)?,
                new_names: self.new_names.read(parse_new_names)?,
                lobby: self.lobby,
                verbosity: self.verbose,
            }),
            Role::Client => {
                let seat = Seat::find(&self.chat.unwrap_or_default(), settings, &data, around)?;
                Invocation::Chat(ChatOptions {
                    name: seat.name,
                    server: seat.server,
                    server_port: seat.server_port,
                    port: seat.port,
                    data,
                    ttl: self.ttl.read(parse_span)?,
                    keep_history: self.keep_history.read(parse_kept)?,
                    join: self.join.map(|said| said.read(parse_room)).transpose()?,
                    format,
                    screen: self.screen.check()?,
                    task: self.once.check()?,
                    verbosity: self.verbose,
                })
            }
            Role::Peer => {
                let circle = Circle::find(&self.peers.unwrap_or_default(), settings)?;
                Invocation::Talk(TalkOptions {
                    name: circle.name,
                    port: circle.port,
                    bind,
                    contacts: circle.contacts,
                    data,
                    ttl: self.ttl.read(parse_span)?,
                    keep_history: self.keep_history.read(parse_kept)?,
                    format,
                    screen: self.screen.check()?,
                    verbosity: self.verbose,
                })
            }
        })
    }
}

/// The arguments as clap knows them.
#[cfg(test)]
pub(super) fn grammar() -> Command {
    Flags::command()
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
