//! A registry, from what its operator has chosen to its end.
//!
//! Opens what the engine needs and gives it to the loop. Reads no arguments and prints nothing.
//! Invariant: nothing is bound and no thread runs before identity and database are in hand.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::clock;
use super::program::{Program, Show};
use super::socket::Place;
use super::start::{Exit, Fault, Home, Keep, random};
use crate::id::Name;
use crate::identity::{Identity, Role};
use crate::node::Node;
use crate::rate::Rate;
use crate::registry::interface::{Command, Event};
use crate::registry::{Config, Registry};
use crate::store::database::OpenError;
use crate::store::folder;
use crate::store::registry::RegistryStore;
use crate::transport::Endpoint;
use crate::wire::packet::Service;

/// What an operator has chosen.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The port.
    pub port: u16,
    /// The only address to listen on; `None`: all.
    pub bind: Option<IpAddr>,
    /// What is to be kept.
    pub keep: Keep,
    /// Whether the database was brought back from a backup.
    pub restored: bool,
    /// Envelope bytes that all mailboxes together may hold.
    pub mail_bytes_max: u64,
    /// New names that one network may register in an hour.
    pub new_names_per_hour: u32,
    /// Whether there is to be a room for everybody.
    pub lobby: bool,
}

/// Frees a name of a registry that is not running. Returns how many messages that waited for it are refused now.
///
/// # Errors
/// The database cannot be used, or nobody has the name.
pub fn release(keep: Keep, port: u16, name: &Name) -> Result<u64, Fault> {
    let nobody = || Fault {
        exit: Exit::Refused,
        sentence: format!("nobody has the name '{name}' here; nothing was changed"),
    };
    // Without a database there has been no registry here, and none is begun for this.
    let home = Home::find(keep, |root| folder::of_registry(root, port))?.ok_or_else(nobody)?;
    let path = home.database().ok_or_else(nobody)?;
    let (mut store, _) = RegistryStore::open(&path, random()?)?;
    let refused = store
        .release(name)
        .map_err(|error| OpenError::explain(&path, &error))?;
    refused.ok_or_else(nobody)
}

/// Runs a registry to its end.
///
/// # Errors
/// What kept it from starting or going on.
pub fn run(setup: Setup, show: Show<Event, Command>) -> Result<Exit, Fault> {
    let home = Home::open(setup.keep, |root| folder::of_registry(root, setup.port))?;
    let seed = home.seed()?;
    let identity = Arc::new(Identity::from_seed(&seed, Role::Registry));
    tracing::info!(
        fingerprint = identity.id().fingerprint(),
        "this registry's identity"
    );
    let database = home.database();
    let (mut store, mut image) = match &database {
        Some(path) => RegistryStore::open(path, random()?)?,
        None => RegistryStore::open_in_memory(random()?)?,
    };
    if let (true, Some(path)) = (setup.restored, &database) {
        image = store
            .renew(random()?)
            .map_err(|error| OpenError::explain(path, &error))?;
    }
    let config = Config {
        mail_bytes_max: setup.mail_bytes_max,
        new_names: Rate::new(
            setup.new_names_per_hour,
            Duration::from_secs(3600),
            setup.new_names_per_hour,
        ),
        lobby: setup.lobby,
        ..Config::default()
    };
    let role = Registry::new(config, image, clock::now(), random()?);
    let program = Program {
        node: Node::new(Endpoint::new(identity, Service::Registry, random()?), role),
        store,
        place: Place {
            address: setup.bind,
            port: setup.port,
        },
        needs_port: true,
        registry: None,
        typist: None,
        show,
        knell: None,
        heeds_signals: true,
        // It serves others, whether or not somebody watches.
        ends_when_unheard: false,
        stop: || Command::Stop,
        is_last: |event| matches!(event, Event::Ended),
    };
    program.run()?;
    // The folder's lock is held until here.
    drop(home);
    Ok(Exit::Done)
}
