//! What every program needs before its loop can begin: a home for its data, random numbers, the registry's
//! address; and how a program ends.
//!
//! Invariant: a start that fails has changed nothing but what it says.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use crate::id::Name;
use crate::store::database::OpenError;
use crate::store::folder::{self, Folder, FolderError};
use crate::store::identity_file::{self, IdentityError, Seed};
use crate::store::worker::WorkerGone;

use super::driver::DriverFault;
use super::socket::{canonical, local_towards};

/// How a program ends. The numbers are the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// As asked.
    Done = 0,
    /// The server did not answer, or could not be found.
    ServerSilent = 1,
    /// Refused: name taken, not admitted, key changed.
    Refused = 3,
    /// The port could not be opened.
    Port = 4,
    /// The data could not be used, standard output could not be written, or the system is out of threads or
    /// descriptors.
    Storage = 5,
    /// The server keeps the message that was to be sent; its recipient has not got it.
    Stored = 6,
    /// It waits: nobody could be reached in time; or it may wait, because the end came before the disk had answered.
    Waiting = 7,
    /// It was refused for good.
    MessageRefused = 8,
    /// Its lifetime has passed.
    Expired = 9,
    /// It was not accepted: nothing of it is kept.
    NotAccepted = 10,
    /// Fewer messages than wanted have come before the end.
    TooFew = 11,
}

/// Why a program could not start, or go on: an exit code, and a sentence for a person.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Fault {
    /// How to end.
    pub exit: Exit,
    /// What happened, what it means, what to do.
    pub sentence: String,
}

impl Fault {
    const fn new(exit: Exit, sentence: String) -> Self {
        Self { exit, sentence }
    }

    /// Programs cannot be run for messages, because nobody would learn how they end.
    pub fn children_ignored() -> Self {
        let sentence = "whoever has started udpchat ignores the end of programs (SIGCHLD), so that it cannot be known whether \
                        one has handled a message. No message was touched. Start it so: env --default-signal=CHLD udpchat …";
        Self::new(Exit::Storage, sentence.to_owned())
    }
}

impl From<FolderError> for Fault {
    fn from(error: FolderError) -> Self {
        Self::new(Exit::Storage, error.to_string())
    }
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        Self::new(Exit::Storage, error.to_string())
    }
}

impl From<IdentityError> for Fault {
    fn from(error: IdentityError) -> Self {
        Self::new(Exit::Storage, error.to_string())
    }
}

impl From<WorkerGone> for Fault {
    fn from(error: WorkerGone) -> Self {
        Self::new(Exit::Storage, error.to_string())
    }
}

impl From<DriverFault> for Fault {
    fn from(fault: DriverFault) -> Self {
        match fault {
            DriverFault::Port(sentence) => Self::new(Exit::Port, sentence),
            other => Self::new(Exit::Storage, other.to_string()),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::new(
            Exit::Storage,
            format!("the system gives no thread or descriptor: {error}"),
        )
    }
}

/// What a person wants to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Everything, under this folder; `None`: under the usual one.
    Under(Option<PathBuf>),
    /// Nothing: identity and messages end with the program.
    Nothing,
}

/// Where a running program keeps its things.
#[derive(Debug)]
pub enum Home {
    /// In a folder, locked.
    Folder(Folder),
    /// In memory.
    Memory,
}

impl Home {
    /// Opens the folder that `place` names under the root.
    pub fn open(keep: Keep, place: impl FnOnce(&Path) -> PathBuf) -> Result<Self, FolderError> {
        match keep {
            Keep::Under(chosen) => {
                let root = folder::data_root(chosen, |name| std::env::var_os(name))?;
                Folder::open(place(&root)).map(Self::Folder)
            }
            Keep::Nothing => Ok(Self::Memory),
        }
    }

    /// As [`Self::open`], but only where a database is: `None`, and nothing made, if there is none.
    pub fn find(keep: Keep, place: impl FnOnce(&Path) -> PathBuf) -> Result<Option<Self>, FolderError> {
        let Keep::Under(chosen) = keep else {
            return Ok(None);
        };
        let path = place(&folder::data_root(chosen, |name| std::env::var_os(name))?);
        if !folder::has_database(&path)? {
            return Ok(None);
        }
        Folder::open(path).map(|folder| Some(Self::Folder(folder)))
    }

    /// The identity that lives here.
    pub fn seed(&self) -> Result<Seed, FolderError> {
        match self {
            Self::Folder(folder) => folder.seed(),
            Self::Memory => Ok(identity_file::draw()?),
        }
    }

    /// How a client's name is spelled here.
    pub fn spelling(&self, name: Name) -> Result<Name, FolderError> {
        match self {
            Self::Folder(folder) => folder.spelling(&name),
            Self::Memory => Ok(name),
        }
    }

    /// The folder; `None` in memory.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder.path()),
            Self::Memory => None,
        }
    }

    /// The database's file; `None` in memory.
    pub fn database(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.database()),
            Self::Memory => None,
        }
    }
}

/// Random bytes, for a generator or an id.
pub fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(IdentityError::Random)?;
    Ok(bytes)
}

/// The address of a host, looked up once, at the start: a registry that moves needs a restart of its clients. Of several,
/// the first to which this machine has a route.
pub fn resolve(host: &str, port: u16) -> Result<SocketAddr, Fault> {
    let unknown = |why: String| {
        Fault::new(
            Exit::ServerSilent,
            format!("the server '{host}' cannot be found ({why}); check its name, or give its address"),
        )
    };
    let found = (host, port)
        .to_socket_addrs()
        .map_err(|error| unknown(error.to_string()))?;
    let has_route = |address| local_towards(address, 0).is_some();
    choose(found.map(canonical), has_route).ok_or_else(|| unknown("it has no address".into()))
}

/// The first with a route, or simply the first: what is wrong is told when nobody answers there.
fn choose(
    mut addresses: impl Iterator<Item = SocketAddr>,
    has_route: impl Fn(SocketAddr) -> bool,
) -> Option<SocketAddr> {
    let first = addresses.next()?;
    let with_route = std::iter::once(first)
        .chain(addresses)
        .find(|address| has_route(*address));
    Some(with_route.unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_an_explanation() {
        assert_eq!(resolve("127.0.0.1", 7).unwrap(), "127.0.0.1:7".parse().unwrap());
        let fault = resolve("no.such.host.invalid", 7).unwrap_err();
        assert_eq!(fault.exit, Exit::ServerSilent);
        assert!(fault.to_string().contains("no.such.host.invalid"), "{fault}");
    }

    #[test]
    fn of_several_addresses_the_first_with_a_route_is_taken() {
        let all = ["[2001:db8::1]:7", "192.0.2.1:7", "192.0.2.2:7"].map(|address| address.parse().unwrap());
        let chosen = |has_route: fn(SocketAddr) -> bool| choose(all.into_iter(), has_route);
        assert_eq!(chosen(|_| true), Some(all[0]));
        assert_eq!(chosen(|address| address.is_ipv4()), Some(all[1]));
        assert_eq!(chosen(|_| false), Some(all[0]));
        assert_eq!(choose(std::iter::empty(), |_| true), None);
    }

    #[test]
    fn a_home_in_memory_leaves_nothing() {
        let home = Home::open(Keep::Nothing, |_| unreachable!()).unwrap();
        assert_eq!(home.database(), None);
        assert_ne!(home.seed().unwrap(), home.seed().unwrap());
    }
}
