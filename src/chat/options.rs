//! Who a client is to be, and how: what a program chooses before it connects.
//!
//! Starts nothing itself. Invariant: what is wrong with a choice is said before anything runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Chat, Error};
use crate::client::Receipts;
use crate::id::Name;
use crate::limits::{ATTEMPTS_TOTAL, LEAVE_BUDGET, TIME_TO_LIVE, TIME_TO_LIVE_MIN};
use crate::runtime::client::{Company, Setup};
use crate::runtime::start::{Keep, resolve};

/// Who a client is to be, and how.
///
/// ```no_run
/// # fn main() -> Result<(), udpchat::chat::Error> {
/// use std::time::Duration;
/// use udpchat::chat::Options;
///
/// let chat = Options::new("alice", "chat.example.org:12345")
///     .ephemeral()
///     .time_to_live(Duration::from_secs(3600))
///     .connect()?;
/// # chat.close()
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is connected before `connect`"]
pub struct Options {
    name: String,
    registry: String,
    port: u16,
    keep: Keep,
    time_to_live: Duration,
    heeds_signals: bool,
}

impl Options {
    /// A client of this name, of the registry at this `host:port`; all else as `udpchat -c` has it.
    pub fn new(name: impl Into<String>, registry: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            registry: registry.into(),
            port: 0,
            keep: Keep::Under(None),
            time_to_live: TIME_TO_LIVE,
            heeds_signals: false,
        }
    }

    /// Binds this port. Otherwise any free one.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Keeps identity and messages under this folder. Otherwise under `$XDG_DATA_HOME/udpchat`.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.keep = Keep::Under(Some(folder.into()));
        self
    }

    /// Keeps nothing: identity and messages end with the [`Chat`], and the name belongs to an identity that is gone.
    pub fn ephemeral(mut self) -> Self {
        self.keep = Keep::Nothing;
        self
    }

    /// How long a message may take before it expires, from 10 s to 30 days. Otherwise 30 days.
    pub const fn time_to_live(mut self, span: Duration) -> Self {
        self.time_to_live = span;
        self
    }

    /// Has Ctrl+C (SIGINT, SIGTERM, SIGHUP) end the client as [`Chat::close`] does: the registry is told, and
    /// [`Chat::events`] ends. A second one ends the process. For one `Chat` in the whole life of a process, which has no
    /// signal handlers of its own; otherwise signals are left alone.
    pub const fn until_interrupted(mut self) -> Self {
        self.heeds_signals = true;
        self
    }

    /// Starts the client. Waits until the registry has it; where a registry that it knows does not answer, until that is
    /// certain (some seconds): then it goes on without ([`Offline`](super::Event::Offline)).
    ///
    /// # Errors
    /// What was given is wrong; data or port cannot be used ([`Error::Failed`]); a registry that never had us does not answer
    /// ([`Error::NoRegistry`]) or one will not have us ([`Error::Refused`]). Nothing runs then.
    pub fn connect(self) -> Result<Chat, Error> {
        if !(TIME_TO_LIVE_MIN..=TIME_TO_LIVE).contains(&self.time_to_live) {
            return Err(Error::TimeToLive(self.time_to_live));
        }
        let setup = Setup {
            name: name_of(&self.name)?,
            company: Company::Registry(registry_at(&self.registry)?),
            bind: None,
            port: self.port,
            keep: self.keep,
            remember: None,
            time_to_live: self.time_to_live,
            keep_history: None,
            join: None,
            receipts: Receipts::Committed,
            heeds_signals: self.heeds_signals,
        };
        // Where the registry is silent or says no, the end follows as soon as the disk has what was begun.
        Chat::start(setup)?.begun(ATTEMPTS_TOTAL, LEAVE_BUDGET * 2)
    }
}

pub(super) fn name_of(text: &str) -> Result<Name, Error> {
    text.parse().map_err(|reason| Error::Name {
        name: text.to_owned(),
        reason,
    })
}

pub(super) fn registry_at(text: &str) -> Result<SocketAddr, Error> {
    let wrong = || Error::Registry(text.to_owned());
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(SocketAddr::new(address.ip().to_canonical(), port));
    }
    if host.is_empty() || host.contains([':', '[', ']']) {
        return Err(wrong());
    }
    resolve(host, port).map_err(|fault| Error::Failed(fault.to_string()))
}
