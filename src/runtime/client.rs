//! A client, from what its user has chosen to the way it ended.
//!
//! Opens what the engine needs and gives it to the loop. Reads no arguments and prints nothing.
//! Invariant: nothing is bound and no thread runs before identity and database are in hand.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clock;
use super::outlet::Knell;
use super::program::{Program, Show, Typist};
use super::socket::Place;
use super::start::{Exit, Fault, Home, Keep, random};
use crate::client::interface::{Command, Ending, Event, Notice};
use crate::client::{Client, Config, Receipts};
use crate::id::Name;
use crate::identity::{Identity, Role};
use crate::node::Node;
use crate::store::client::ClientStore;
use crate::store::folder;
use crate::store::profile::Profile;
use crate::transport::Endpoint;
use crate::wire::packet::Service;

/// What a user has chosen.
#[derive(Clone, Debug)]
pub struct Setup {
    /// His name.
    pub name: Name,
    /// With whom he talks.
    pub company: Company,
    /// The only address to bind; `None`: all.
    pub bind: Option<IpAddr>,
    /// The port to bind; 0: any free one.
    pub port: u16,
    /// What is to be kept.
    pub keep: Keep,
    /// What need not be told to the next start, once a registry has us with it.
    pub remember: Option<Profile>,
    /// How long a message may take.
    pub time_to_live: Duration,
    /// How long what was said is kept; `None`: for ever.
    pub keep_history: Option<Duration>,
    /// A room to enter when the registry has him.
    pub join: Option<Name>,
    /// When senders hear that their messages are here.
    pub receipts: Receipts,
    /// Whether Ctrl+C and its like end it (see [`Program::heeds_signals`]).
    pub heeds_signals: bool,
}

impl Setup {
    /// The file of this name in the client's folder, for what is not the engine's; `None` if nothing is to be kept, or there is
    /// no place for it. The folder is there, and this process' own, once the client runs.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let Keep::Under(chosen) = &self.keep else {
            return None;
        };
        let root = folder::data_root(chosen.clone(), |name| std::env::var_os(name)).ok()?;
        Some(self.folder(&root).join(name))
    }

    fn folder(&self, root: &Path) -> PathBuf {
        match self.company {
            Company::Registry(_) => folder::of_client(root, &self.name),
            Company::Contacts(_) => folder::of_peer(root, &self.name),
        }
    }
}

/// With whom a user talks.
#[derive(Clone, Debug)]
pub enum Company {
    /// With all who are known to the registry at this address.
    Registry(SocketAddr),
    /// With those who are at these addresses, without a registry.
    Contacts(Vec<SocketAddr>),
}

/// Runs a client to its end. `knell` is rung when that is near: `show` must not wait for the person any more.
///
/// # Errors
/// What kept it from starting or going on. How it ended otherwise was said by its last event.
pub fn run(
    setup: Setup,
    typist: Typist<Command>,
    show: Show<Notice, Command>,
    knell: Knell,
) -> Result<Exit, Fault> {
    let home = Home::open(setup.keep.clone(), |root| setup.folder(root))?;
    let seed = home.seed()?;
    let name = home.spelling(setup.name)?;
    let identity = Arc::new(Identity::from_seed(&seed, Role::Client));
    let (store, image) = match home.database() {
        Some(path) => ClientStore::open(&path)?,
        None => ClientStore::open_in_memory()?,
    };
    let show = match (setup.remember, home.folder()) {
        (Some(profile), Some(folder)) => remembering(profile, folder.to_owned(), show),
        _ => show,
    };
    let config = Config {
        time_to_live: setup.time_to_live,
        join: setup.join,
        receipts: setup.receipts,
        keep_history: setup.keep_history,
        ..match setup.company {
            Company::Registry(registry) => Config::new(name, registry),
            Company::Contacts(contacts) => Config::without_registry(name, contacts),
        }
    };
    let registry = config.registry;
    let role = Client::new(config, Arc::clone(&identity), image, clock::now(), random()?);
    let program = Program {
        node: Node::new(Endpoint::new(identity, Service::Peer, random()?), role),
        store,
        place: Place {
            address: setup.bind,
            port: setup.port,
        },
        needs_port: false,
        registry,
        typist: Some(typist),
        show,
        knell: Some(knell),
        heeds_signals: setup.heeds_signals,
        ends_when_unheard: true,
        stop: || Command::Leave,
        is_last: |notice| matches!(notice.event, Event::Ended(_)),
    };
    let last = program.run()?;
    // The folder's lock is held until here.
    drop(home);
    Ok(match last {
        Some(Notice {
            event: Event::Ended(ending),
            ..
        }) => exit(ending),
        _ => Exit::Done,
    })
}

/// Runs a client on a thread of its own. `ended` hears how that came to its end, also if it was a bug.
///
/// # Errors
/// The system gives no thread.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread for whoever must not wait for the client"
)]
pub fn start(
    setup: Setup,
    typist: Typist<Command>,
    show: Show<Notice, Command>,
    knell: Knell,
    ended: impl FnOnce(Result<Exit, Fault>) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("client".into()).spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| run(setup, typist, show, knell)));
        ended(result.unwrap_or_else(|_| Err(Fault::bug("the client"))));
    })
}

/// Before it is said that a registry has us, it is kept with what.
fn remembering(profile: Profile, folder: PathBuf, mut show: Show<Notice, Command>) -> Show<Notice, Command> {
    let mut unkept = Some(profile);
    Box::new(move |notices| {
        let has_us = |notice: &Notice| matches!(notice.event, Event::Registered { .. });
        if notices.iter().any(has_us)
            && let Some(profile) = unkept.take()
            && let Err(error) = profile.keep(&folder)
        {
            tracing::warn!(%error, "the next start will have to be told the server again");
        }
        show(notices)
    })
}

const fn exit(ending: Ending) -> Exit {
    match ending {
        Ending::Done => Exit::Done,
        Ending::ServerSilent | Ending::Unreached => Exit::ServerSilent,
        Ending::Refused => Exit::Refused,
        Ending::Port => Exit::Port,
        Ending::Storage => Exit::Storage,
    }
}
