//! The machines of a world and the programs on them: started, killed, put to sleep, moved; typed at and read.
//!
//! What a program commits goes to the ledger, what it sends to the network, what it tells to its reader.
//! Invariant: commits are in the ledger before anything that they have led to is seen.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::dice::Dice;
use super::disasters::FolderCopy;
use super::disk::{Disk, Mood};
use super::ledger::Unheard;
use super::machine::{Came, Computer, Fuse, Load, Machine};
use super::trace::{brief, committed};
use super::world::{Chore, REGISTRY, Site, World, WorldFault, broken};
use crate::client::interface::{Command, ContactEvent, Event, NotAccepted, Notice};
use crate::client::{self, Client, Receipts};
use crate::clock::Instant;
use crate::engine::Ticket;
use crate::id::{MessageId, Name};
use crate::identity::{Identity, Role};
use crate::limits;
use crate::node::Node;
use crate::registry::{self, Registry};
use crate::store::client::ClientStore;
use crate::store::registry::RegistryStore;
use crate::transport::{Counts, Endpoint};
use crate::wire::packet::Service;

/// The most that writing a line and marking it may lie apart.
pub(super) const WRITING: Duration = Duration::from_millis(5);

/// Somebody with a client.
pub(super) struct Person {
    pub(super) name: Name,
    pub(super) identity: Arc<Identity>,
    pub(super) machine: Machine<Client, ClientStore>,
    /// What he has kept of his folder.
    pub(super) copy: Option<FolderCopy>,
    pub(super) run: u32,
    /// Events of this run that he has read.
    pub(super) read: u64,
    /// Messages among them that he is to handle, if he handles messages, by the numbers of their events.
    pub(super) to_handle: VecDeque<(u64, MessageId)>,
    /// Whether nothing more is typed in this run.
    pub(super) typed_all: bool,
    /// Whether all that is typed in the next run is there when it begins.
    pub(super) has_script: bool,
    /// Whether his program has said that it ends.
    pub(super) ended: bool,
    /// Whether he stays away until he asks to be registered: he has left, or his program was told to.
    pub(super) away: bool,
    /// Whether that was the last thing he asked.
    asked_back: bool,
    /// Whether his program has said that it can be called, where there is no registry.
    listening: bool,
}

impl World {
    /// What all sessions of all programs have done.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for machine in self.sites().filter_map(|site| self.machine(site)) {
            counts.add(&machine.counts());
        }
        counts
    }

    fn machine(&self, site: Site) -> Option<&dyn Computer> {
        match site {
            Site::Registry => Some(&self.registry),
            Site::Person(number) => self
                .people
                .get(number)
                .map(|person| &person.machine as &dyn Computer),
        }
    }

    fn machine_mut(&mut self, site: Site) -> Option<&mut dyn Computer> {
        match site {
            Site::Registry => Some(&mut self.registry),
            Site::Person(number) => self
                .people
                .get_mut(number)
                .map(|person| &mut person.machine as &mut dyn Computer),
        }
    }

    /// Where a site is now.
    pub(super) fn address(&self, site: Site) -> SocketAddr {
        self.machine(site)
            .map_or_else(|| REGISTRY.into(), Computer::address)
    }

    /// What a site is called.
    pub(super) fn name(&self, site: Site) -> &str {
        match site {
            Site::Registry => "registry",
            Site::Person(person) => self.people.get(person).map_or("?", |person| person.name.as_str()),
        }
    }

    /// Whether a site's program runs.
    pub(super) fn runs(&self, site: Site) -> bool {
        self.machine(site).is_some_and(Computer::runs)
    }

    /// Whether a site's program takes a datagram that comes now.
    pub(super) fn hears(&self, site: Site) -> bool {
        self.machine(site)
            .is_some_and(|machine| machine.hears(self.now.at))
    }

    /// When a site has something to do.
    pub(super) fn due_at(&self, site: Site) -> Option<Instant> {
        self.machine(site)?.due()
    }

    /// What a site holds.
    pub(super) fn load(&self, site: Site) -> Load {
        self.machine(site).map(Computer::load).unwrap_or_default()
    }

    /// Starts a site's program on what it has committed, unless it runs.
    pub(super) fn start(&mut self, site: Site) -> Result<(), WorldFault> {
        if self.runs(site) {
            return Ok(());
        }
        self.note(site, || "starts".into());
        self.accounts.begins(site);
        let (role_seed, endpoint_seed) = (self.seeds.seed(), self.seeds.seed());
        match site {
            Site::Registry => {
                let image = self.registry.disk.restart().map_err(broken)?;
                let pushed = self.plan.trouble.pushed;
                let room = self.plan.trouble.room;
                let config = registry::Config {
                    sender_messages_max: room.one,
                    mailbox_messages_max: room.all,
                    push_max: pushed,
                    push_resume: pushed.min(limits::DIRECTORY_PUSH_RESUME),
                    ..self.plan.trouble.quarters.config()
                };
                let now = self.registry.clock(self.now);
                let role = Registry::new(config, image, now, role_seed);
                let endpoint = Endpoint::new(
                    Arc::clone(&self.registry_identity),
                    Service::Registry,
                    endpoint_seed,
                );
                let came = self.registry.start(self.now, Node::new(endpoint, role), true);
                self.asked = Ticket(0);
                self.ledger.registry_begins(self.now.at);
                self.took_registry(came);
                self.compare_mailboxes();
            }
            Site::Person(number) => {
                let config = self.config(number);
                let (Some(config), Some(person)) = (config, self.people.get_mut(number)) else {
                    return Ok(());
                };
                let image = person.machine.disk.restart().map_err(broken)?;
                person.run += 1;
                person.read = 0;
                person.to_handle.clear();
                person.typed_all = false;
                person.ended = false;
                person.away = false;
                person.listening = false;
                self.ledger.begins(self.now.at, number);
                let identity = Arc::clone(&person.identity);
                let now = person.machine.clock(self.now);
                let role = Client::new(config, Arc::clone(&identity), image, now, role_seed);
                let endpoint = Endpoint::new(identity, Service::Peer, endpoint_seed);
                let came = person.machine.start(self.now, Node::new(endpoint, role), false);
                self.took_person(number, came);
                self.read_script(number);
            }
        }
        Ok(())
    }

    /// A site's program is killed at once.
    pub(super) fn kill(&mut self, site: Site) {
        self.note(site, || "is killed".into());
        if let Some(machine) = self.machine_mut(site) {
            machine.kill();
        }
        self.reschedule(site);
    }

    /// Everybody goes home.
    pub(super) fn stop(&mut self) {
        for site in self.sites() {
            self.kill(site);
        }
    }

    /// A site's program is to die soon.
    pub(super) fn light(&mut self, site: Site, fuse: Fuse) {
        if let Some(machine) = self.machine_mut(site) {
            machine.light(fuse);
        }
    }

    /// A site's machine sleeps.
    pub(super) fn sleep(&mut self, site: Site, span: Duration) {
        let until = self.now.at + span;
        self.note(site, || format!("sleeps for {span:?}"));
        if let Some(machine) = self.machine_mut(site) {
            machine.sleep(until);
        }
        if let Site::Person(number) = site {
            self.ledger.stirs(number, until);
        }
        self.reschedule(site);
    }

    /// A site's wall clock is set.
    pub(super) fn set_clock(&mut self, site: Site, skew_ms: i64) {
        self.note(site, || format!("has its clock {skew_ms} ms off"));
        if let Some(machine) = self.machine_mut(site) {
            machine.set_clock(skew_ms);
        }
    }

    /// A client is seen at another address from now on; what is under way to the old one is lost.
    pub(super) fn move_to(&mut self, number: usize, address: SocketAddr) {
        if let Some(person) = self.people.get_mut(number) {
            // Somebody may be there already who has come home.
            if self.addresses.get(&person.machine.address) == Some(&number) {
                self.addresses.remove(&person.machine.address);
            }
            self.addresses.insert(address, number);
            person.machine.address = address;
        }
        if let Some(circle) = &mut self.ledger.circle {
            circle.moves(number, address);
        }
        self.note(Site::Person(number), || format!("moves to {address}"));
    }

    /// All disks are like this from now on.
    pub(super) fn set_disks(&mut self, mood: Mood) {
        for site in self.sites() {
            if let Some(machine) = self.machine_mut(site) {
                machine.set_disk(mood);
            }
        }
    }

    /// Somebody types; false if his program does not listen now.
    pub(super) fn command(&mut self, number: usize, command: Command) -> bool {
        let at = self.now.at;
        let Some(person) = self.people.get_mut(number) else {
            return false;
        };
        let machine = &person.machine;
        let may_come = match command {
            Command::Seen { .. } | Command::Handled { .. } => machine.takes_answers(at),
            Command::Leave => machine.listens(at),
            _ => machine.takes_commands(at),
        };
        let is_typed = !matches!(
            command,
            Command::Seen { .. } | Command::Handled { .. } | Command::Leave | Command::LeaveSettled
        );
        if person.ended || (person.typed_all && is_typed) || !may_come {
            return false;
        }
        match command {
            Command::Deregister => person.away = true,
            Command::Register => person.away = false,
            _ => {}
        }
        if !matches!(command, Command::Seen { .. }) {
            person.asked_back = command == Command::Register;
        }
        let came = person.machine.command(self.now, command);
        self.took_person(number, came);
        true
    }

    /// Whether somebody's program takes what he types.
    pub(super) fn may_type(&self, number: usize) -> bool {
        let person = self.people.get(number);
        person.is_some_and(|person| {
            !person.ended && !person.typed_all && person.machine.takes_commands(self.now.at)
        })
    }

    /// Somebody writes to somebody.
    pub(super) fn write(&mut self, from: usize, to: usize, length: usize) {
        let Some(name) = self.people.get(to).map(|person| person.name.clone()) else {
            return;
        };
        if !self.may_type(from) || !self.writes_to(from, to) {
            return;
        }
        let at = self.now.at;
        let text = self.ledger.typed(at, (from, to), length, self.plan.trouble.lives);
        self.note(Site::Person(from), || format!("writes {text:.7} to {name}"));
        let text = self.ledger.tagged(from, text);
        if let Some(command) = self.addressed(to, text) {
            self.command(from, command);
        }
    }

    /// Messages that somebody's program has not brought to an end; none while it does not run.
    pub(super) fn unfinished(&self, number: usize) -> Option<usize> {
        Some(self.people.get(number)?.machine.node()?.role().unfinished())
    }

    /// Whether somebody's program runs and is registered; without a registry, whether it can be called.
    pub(super) fn is_there(&self, number: usize) -> bool {
        let person = self.people.get(number);
        person.is_some_and(|person| {
            let role = person.machine.node().map(Node::role);
            role.is_some_and(|role| role.registered() || (person.listening && !role.is_leaving()))
        })
    }

    /// Who is not there.
    pub(super) fn away(&self) -> impl Iterator<Item = &Name> {
        let numbered = (0..).zip(&self.people);
        numbered.filter_map(|(number, person)| (!self.is_there(number)).then_some(&person.name))
    }

    /// What the registry's turn has led to.
    pub(super) fn took_registry(&mut self, came: Came<Registry, RegistryStore>) {
        let unheard = Unheard::of(came.done.iter().map(|done| &done.request));
        for done in came.done {
            self.note(Site::Registry, || committed(&done.request, &done.reply));
            if let Ok(reply) = &done.reply {
                self.ledger.registry_committed(self.now.at, &done.request, reply);
            }
        }
        self.judge_requests(unheard);
        self.transmit(Site::Registry, came.sent);
        self.settle(Site::Registry);
    }

    /// Holds what the registry has just asked its database for against what that has.
    fn judge_requests(&mut self, unheard: Unheard) {
        let requests: Vec<_> = self.registry.disk.asked().collect();
        for (place, (ticket, request)) in requests.iter().enumerate() {
            if *ticket > self.asked {
                self.asked = *ticket;
                let earlier = requests.iter().take(place).map(|(_, request)| request);
                self.ledger.registry_asks(self.now.at, request, earlier, unheard);
            }
        }
    }

    /// What somebody's turn has led to.
    pub(super) fn took_person(&mut self, number: usize, came: Came<Client, ClientStore>) {
        let site = Site::Person(number);
        for done in came.done {
            self.note(site, || committed(&done.request, &done.reply));
            if let client::storage::Request::Told(seen) = &done.request {
                let marked = done.reply.is_ok();
                self.ledger.marks(self.now.at, number, seen, marked);
            }
            if let Ok(reply) = &done.reply {
                self.ledger
                    .client_committed(self.now.at, number, &done.request, reply);
                if let client::storage::Request::Stored { key, .. } = done.request
                    && let Some(row) = self.ledger.row_of(number, key)
                {
                    self.compare_row(row);
                }
            }
        }
        self.transmit(site, came.sent);
        for notice in came.told {
            self.heard(number, &notice);
        }
        if let Some(role) = self.people.get(number).and_then(|person| person.machine.node()) {
            let stand = (role.role().is_leaving(), self.is_there(number));
            self.ledger.turned(self.now.at, number, stand);
        }
        self.settle(site);
    }

    /// Somebody reads what his program tells him.
    fn heard(&mut self, number: usize, notice: &Notice) {
        let (site, event) = (Site::Person(number), &notice.event);
        self.note(site, || format!("reads {}", brief(event)));
        if matches!(event, Event::NotAccepted(NotAccepted::OutboxFull)) {
            self.ledger
                .is_turned_away(self.now.at, number, &self.plan.trouble.limits);
        }
        if let (Event::NotAccepted(why), Some(tag)) = (event, notice.tag) {
            // What a disk has not taken is told of each message, all else of the whole text.
            if !matches!(why, NotAccepted::Storage(_)) {
                self.ledger.is_for_one(number, tag);
            }
            self.ledger.not_accepted(self.now.at, number, tag);
        }
        self.ledger.told(self.now.at, number, event);
        let at = self.now.at + self.seeds.span(self.plan.marked_within());
        let Some(person) = self.people.get_mut(number) else {
            return;
        };
        person.ended |= matches!(event, Event::Ended(_));
        match event {
            Event::Contact(ContactEvent::Listening { .. }) => person.listening = true,
            Event::Deregistered => person.listening = false,
            _ => {}
        }
        person.away |= match event {
            Event::Superseded | Event::RegistrationRefused { .. } => true,
            Event::NotAccepted(NotAccepted::Leaving) => person.asked_back,
            _ => false,
        };
        person.read += 1;
        if let (Event::Incoming(message), Receipts::Handled) = (event, self.plan.trouble.receipts) {
            person.to_handle.push_back((person.read, message.id));
        }
        let (run, events) = (person.run, person.read);
        self.plan(
            at,
            Chore::Mark {
                person: number,
                run,
                events,
            },
        );
    }
}

impl World {
    /// Somebody has seen the first so many events, and handled the messages among them: told in their order. False if that
    /// has to wait.
    pub(super) fn mark(&mut self, number: usize, events: u64) -> bool {
        while let Some((event, id)) = self.next_to_handle(number, events) {
            if !self.command(number, Command::Seen { events: event }) {
                return false;
            }
            if !self.command(number, Command::Handled { id }) {
                return false;
            }
            if let Some(person) = self.people.get_mut(number) {
                person.to_handle.pop_front();
            }
        }
        self.command(number, Command::Seen { events })
    }

    fn next_to_handle(&self, number: usize, events: u64) -> Option<(u64, MessageId)> {
        let first = self.people.get(number)?.to_handle.front().copied();
        first.filter(|(event, _)| *event <= events)
    }
}

impl Person {
    pub(super) fn new(number: usize, seed: u64, seeds: &mut Dice) -> Result<Self, WorldFault> {
        let last = u8::try_from(number + 1).map_err(broken)?;
        let (store, _) = ClientStore::open_in_memory().map_err(broken)?;
        let purpose = 100 + u64::from(last);
        Ok(Self {
            name: format!("c{last}").parse().map_err(broken)?,
            identity: Arc::new(Identity::from_seed(&seeds.seed(), Role::Client)),
            machine: Machine::new(
                Disk::new(store, Dice::new(seed, purpose)),
                // A network of his own: a registry takes few new names from one.
                ([10, 0, last, 1], 1232).into(),
            ),
            copy: None,
            run: 0,
            read: 0,
            to_handle: VecDeque::new(),
            typed_all: false,
            has_script: false,
            ended: false,
            away: false,
            listening: false,
            asked_back: false,
        })
    }
}
