//! The command line, checked: what to run and with which settings.
//!
//! The grammar is clap's; the checks and their sentences are ours, because a person who mistyped wants one
//! line that says what is wrong and what would be right. Nothing is opened, bound or looked up here.
//! Invariant: an [`Invocation`] needs no further check of its form; whatever fails later is the world's doing.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

pub use crate::cli::args_once::{Addressee, Paper, ReceiveOptions, SendOptions, Task, Wait};

use crate::cli::args_once::OnceFlags;
use crate::cli::args_values::{
    parse_bind, parse_host, parse_kept, parse_name, parse_new_names, parse_peers, parse_port, parse_room,
    parse_size, parse_span,
};
use crate::cli::format::Format;
use crate::cli::manual;
use crate::cli::simulate::{SimulateFlags, SimulateOptions};
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
    #[arg(short, long, value_name = "PORT", conflicts_with = "chat")]
    serve: Option<String>,

    /// Run a client: your name, the registry's address and port, and your own port
    ///
    /// SERVER is an IPv4 or IPv6 address or a host name. CLIENT-PORT 0 takes any free port. A name has 1 to 32
    /// letters, digits, '_', '-' or '.', begins with a letter or digit, and is yours from the first
    /// registration on.
    #[arg(short, long, num_args = 4, value_names = ["NAME", "SERVER", "SERVER-PORT", "CLIENT-PORT"])]
    chat: Option<Vec<String>>,

    /// Talk without a registry: your name, your own port, and those to whom you talk
    ///
    /// Each PEER is an address and a port, like 192.0.2.7:4000 or [2001:db8::7]:4000; either side may start first. What
    /// you type goes to all of them, and nobody else is heard. The first to be met at an address has to be the same
    /// afterwards.
    #[arg(short, long, num_args = 2.., value_names = ["NAME", "PORT", "PEER"], conflicts_with_all = ["chat", "serve"])]
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
    ttl: String,

    /// Keep what was said for so long, like 12h, 30d or 1y; or 'all'
    ///
    /// Older texts are removed from the database, once they have ended and were shown. From 1h.
    #[arg(long, value_name = "SPAN", default_value = "all", conflicts_with = "serve")]
    keep_history: String,

    /// Enter this room, and talk there from the start
    ///
    /// Lines that are no command go there. The registry may offer a room for all, which is then called lobby.
    #[arg(long, value_name = "ROOM", conflicts_with_all = ["serve", "peers"])]
    join: Option<String>,
    /// Speak in JSON Lines: an object a line, for programs
    ///
    /// Every event is an object on standard output, with the fields that docs/json.schema.json describes. Standard
    /// input takes the commands as text, or objects: {"message":"hi","to":"bob"}, {"operation":"subscribe"}. There is no
    /// prompt.
    #[arg(long, conflicts_with = "serve")]
    json: bool,

    #[command(flatten)]
    once: OnceFlags,

    /// Listen on this address only
    #[arg(long, value_name = "ADDRESS", conflicts_with = "chat")]
    bind: Option<String>,

    /// All mailboxes together hold at most so much: 500M, 4G, or bytes
    #[arg(long, value_name = "SIZE", default_value = "4G", conflicts_with_all = ["chat", "peers"])]
    mail_bytes: String,

    /// One network registers at most so many new names an hour
    ///
    /// A network is what shares the first 24 bits of an IPv4 address or 56 of an IPv6 address. A class behind one
    /// router needs more than the default.
    #[arg(long, value_name = "NUMBER", default_value_t = limits::NEW_NAMES_PER_HOUR.to_string(), conflicts_with_all = ["chat", "peers"])]
    new_names: String,

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

    /// Log more on standard error; twice for every datagram that is dropped
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// What the program does besides being a registry or a client.
#[derive(Debug, Subcommand)]
enum Other {
    /// Simulate clients and a registry on a bad network, and check the delivery contract
    ///
    /// The real engines and stores on virtual time: what the protocol does under loss, in figures. Exit code 1 if a
    /// promise was broken; the seed repeats it.
    #[command(allow_negative_numbers = true)]
    Simulate(Box<SimulateFlags>),
}

/// Reads the command line; the first argument is the program's name.
///
/// # Errors
/// Help or version if asked for; otherwise what is wrong, in one line.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, UsageExit> {
    Flags::try_parse_from(arguments)
        .map_err(|error| reshape(&error))?
        .check()
        .map_err(UsageExit::wrong)
}

impl Flags {
    fn check(self) -> Result<Invocation, String> {
        if let Some(Other::Simulate(flags)) = self.other {
            return flags
                .check()
                .map(|options| Invocation::Simulate(Box::new(options)));
        }
        let data = match (self.data_dir, self.ephemeral) {
            (Some(folder), _) if folder.as_os_str().is_empty() => {
                return Err("--data-dir needs the path of a folder".to_owned());
            }
            (Some(folder), _) => Data::Folder(folder),
            (None, true) => Data::Ephemeral,
            (None, false) => Data::Default,
        };
        let whose = self.chat.as_deref().or(self.peers.as_deref());
        if let (Some(paper), Some([name, ..])) = (self.once.export()?, whose) {
            return Ok(Invocation::Export(ExportOptions {
                name: parse_name(name)?,
                alone: self.peers.is_some(),
                data,
                paper,
            }));
        }
        if let Some([name, port, peers @ ..]) = self.peers.as_deref() {
            return Ok(Invocation::Talk(TalkOptions {
                name: parse_name(name)?,
                port: parse_port(port, "your port", 0)?,
                bind: self.bind.as_deref().map(parse_bind).transpose()?,
                contacts: parse_peers(peers)?,
                data,
                ttl: parse_span(&self.ttl)?,
                keep_history: parse_kept(&self.keep_history)?,
                format: if self.json { Format::Json } else { Format::Lines },
                verbosity: self.verbose,
            }));
        }
        match (self.serve, self.chat.as_deref()) {
            (Some(port), _) => Ok(Invocation::Serve(ServeOptions {
                port: parse_port(&port, "the registry's port", 1)?,
                bind: self.bind.as_deref().map(parse_bind).transpose()?,
                data,
                restored: self.restored,
                release: self.release.as_deref().map(parse_name).transpose()?,
                mail_bytes: parse_size(&self.mail_bytes)?,
                new_names: parse_new_names(&self.new_names)?,
                lobby: self.lobby,
                verbosity: self.verbose,
            })),
            (None, Some([name, server, server_port, port])) => Ok(Invocation::Chat(ChatOptions {
                name: parse_name(name)?,
                server: parse_host(server)?,
                server_port: parse_port(server_port, "the server port", 1)?,
                port: parse_port(port, "the client port", 0)?,
                data,
                ttl: parse_span(&self.ttl)?,
                keep_history: parse_kept(&self.keep_history)?,
                join: self.join.as_deref().map(parse_room).transpose()?,
                format: if self.json { Format::Json } else { Format::Lines },
                task: self.once.check()?,
                verbosity: self.verbose,
            })),
            (None, _) => Err(format!("nothing to do: give {}", manual::EITHER)),
        }
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
