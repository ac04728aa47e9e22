//! The client engine: registration, delivery by both roads, outbox, inbox, directory copy.
//!
//! [`Client`] is a [`Role`]: it decides, and says what is to be done. Its parts, each with its rules: `registration`
//! and `leaving` (the session with the registry), `acceptance`, `delivery`, `retrying`, `declined` and `stalling` (which
//! road a message takes, and when), `answers`, `ends`, `inquiring` and `withdrawing` (what becomes of it), `telling` (what of
//! that the user has seen), `renewal` (new numbers), `incoming`, `showing` and `handling` (messages for us), `names`,
//! `acquaintance` and `fingerprints` (whom to believe), `blocking` (whom not to hear), `users` (who is there), `rooms`, `questions`
//! and `posts` (what many read), `status` (what is unfinished), `trace` and `journal` (what has happened to a message), `net` and
//! `trails` (how the paths are), `history` (what is kept), `meeting` (those who are named by address); `committed` goes on with each
//! of them once the store has answered.
//! `outbox`, `peers`, `contacts` and `directory` keep what they decide on; [`storage`] is the contract with the store.
//! Invariants: nothing is transmitted before it is committed, nothing acknowledged before what it acknowledges is;
//! a message leaves memory only when it is final.

mod acceptance;
mod acquaintance;
mod answers;
mod blocking;
mod calling;
mod committed;
mod config;
mod contacts;
mod declined;
mod delivery;
mod directory;
mod ends;
mod fingerprints;
mod handling;
mod history;
mod holding;
mod incoming;
mod input_ended;
mod inquiring;
pub mod interface;
mod journal;
mod leaving;
mod link;
mod meeting;
mod names;
mod net;
mod outbox;
mod outlet;
mod patience;
mod peers;
mod posts;
mod questions;
mod registration;
mod renewal;
mod retrying;
mod road;
mod rooms;
mod sessions;
mod showing;
mod stalling;
mod status;
pub mod storage;
mod telling;
mod timer;
mod timers;
pub mod to;
mod trace;
mod trails;
mod users;
mod withdrawing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

pub use crate::client::calling::is_somebodys;
pub use crate::client::config::{Config, Limits, Receipts};
pub use crate::client::holding::Holding;

use crate::client::committed::After;
use crate::client::contacts::Contacts;
use crate::client::directory::Directory;
use crate::client::interface::{Command, Notice, Text};
use crate::client::leaving::Leaving;
use crate::client::link::Link;
use crate::client::outbox::Outbox;
use crate::client::outlet::Outlet;
use crate::client::peers::Peers;
use crate::client::showing::Shelf;
use crate::client::storage::{Image, RegistryImage, Reply, Request};
use crate::client::timer::Timer;
use crate::client::timers::Timers;
use crate::client::to::To;
use crate::client::trails::Trails;
use crate::clock::{Age, AgeClock, Instant, Now};
use crate::engine::{Action, Context, Role, SocketReply, StoreFault, Ticket};
use crate::id::{Epoch, Name, Slot};
use crate::identity::{Identity, PairKey};
use crate::limits::LEASE;
use crate::transport::{Attempt, SessionEvent, SessionId};
use crate::wire::codec;
use crate::wire::message::{FromRegistry, ToPeer};

/// Pair keys kept: one costs some 50 µs to make again.
const PAIR_KEYS_MAX: usize = 1_024;
/// How often the database's age is written.
const LIFE_INTERVAL: Duration = Duration::from_secs(60);
/// Lifetimes are not ended sooner after the start: clocks may still be put right, and mail may be under way.
const SWEEP_AFTER: Duration = Duration::from_secs(600);

/// A client.
pub struct Client {
    config: Config,
    me: Arc<Identity>,
    rng: ChaCha12Rng,
    life: AgeClock,
    started: Now,
    out: Outlet<After>,
    timers: Timers<Timer>,
    link: Link,
    leaving: Option<Leaving>,
    attempts: u64,
    /// What the database holds of registries not met in this run.
    shelved: Vec<RegistryImage>,
    directory: Directory,
    peers: Peers,
    trails: Trails,
    journal: journal::Journal,
    contacts: Contacts,
    acquaintances: acquaintance::Acquaintances,
    block_list: blocking::BlockList,
    pair_keys: BTreeMap<[u8; 32], Option<PairKey>>,
    outbox: Outbox,
    renewals: renewal::Renewals,
    /// Messages written before the registry was known, and messages being accepted, with their bytes.
    early: VecDeque<(To, Text)>,
    accepting: (usize, usize),
    /// Conversations that wait for room in a window or a buffer.
    stalled: stalling::Stalled,
    /// Deposits that the registry takes at once: fewer after it was busy.
    deposit_window: usize,
    /// While its disk takes none.
    deposit_pause: declined::DepositPause,
    withdrawals: withdrawing::Withdrawals,
    inquiries: inquiring::Inquiries,
    /// Delivered, and that is being committed: until then the registry must not forget them.
    delivering: BTreeSet<Slot>,
    lookups: names::Lookups,
    inbound: incoming::Reception,
    rooms: rooms::Rooms,
    posts: posts::Posts,
    shelf: Shelf,
    marks: telling::Marks,
    /// The registry is to hear how far the directory copy is.
    ack_owed: bool,
    /// When the directory's change was last told; whether another is to be.
    table_told: Option<Instant>,
    table_changed: bool,
    questions: history::Questions,
    /// Who was there when it was last told who comes and goes, if that is wanted.
    seen_there: Option<users::Seen>,
    /// Which names are known is to be told when it changes.
    names_wanted: bool,
    /// A storage failure was told and nothing has succeeded since.
    in_trouble: bool,
    /// Messages that came out of the mailbox while it was gone through.
    drained: u64,
    /// When something was last read of what we have said, or all had been.
    read_at: Instant,
    /// The input has ended; how far all had come when something moved last.
    awaited: Option<input_ended::Awaited>,
    /// The last event was told.
    over: bool,
}

impl Client {
    /// A client as its database left it. `seed` decides all its random choices.
    pub fn new(config: Config, identity: Arc<Identity>, image: Image, now: Now, seed: [u8; 32]) -> Self {
        let (age, wall) = image.life.unwrap_or((Age::default(), now.wall));
        let known = match config.registry {
            Some(registry) => image
                .addresses
                .iter()
                .find(|(address, _)| *address == registry)
                .map(|(_, identity)| *identity),
            None => Some(identity.id()),
        };
        let contacts = Contacts::new(&config.contacts);
        let rooms = rooms::Rooms::to_enter(config.join.clone());
        let mut client = Self {
            config,
            me: identity,
            rng: ChaCha12Rng::from_seed(seed),
            life: AgeClock::resume(now, age, wall),
            started: now,
            out: Outlet::new(),
            timers: Timers::new(),
            trails: Trails::default(),
            journal: journal::Journal::default(),
            link: Link::default(),
            leaving: None,
            attempts: 0,
            shelved: image.registries,
            directory: Directory::default(),
            peers: Peers::default(),
            contacts,
            acquaintances: acquaintance::Acquaintances::default(),
            block_list: blocking::BlockList::load(image.blocked),
            pair_keys: BTreeMap::new(),
            outbox: Outbox::default(),
            renewals: renewal::Renewals::default(),
            early: VecDeque::new(),
            accepting: (0, 0),
            stalled: stalling::Stalled::default(),
            deposit_window: usize::MAX,
            deposit_pause: declined::DepositPause::default(),
            withdrawals: withdrawing::Withdrawals::default(),
            inquiries: inquiring::Inquiries::default(),
            delivering: BTreeSet::new(),
            lookups: names::Lookups::default(),
            inbound: incoming::Reception::default(),
            rooms,
            posts: posts::Posts::default(),
            shelf: Shelf::load(image.unshown),
            marks: telling::Marks::default(),
            ack_owed: false,
            table_told: None,
            table_changed: false,
            questions: history::Questions::default(),
            seen_there: None,
            names_wanted: false,
            in_trouble: false,
            drained: 0,
            read_at: now.at,
            awaited: None,
            over: false,
        };
        if let Some(registry) = known {
            client.use_registry(now, registry);
        }
        client.start();
        client.timers.set(Timer::Wake, now.at);
        client.timers.set(Timer::Life, now.at + LIFE_INTERVAL);
        client.plan_history(now.at);
        client
    }

    /// The name that this client registers.
    pub const fn name(&self) -> &Name {
        &self.config.name
    }

    /// Whether the registry has us, and we are not leaving it.
    pub const fn registered(&self) -> bool {
        self.link.registered().is_some() && self.leaving.is_none()
    }

    /// Whether the registry is being left, for now or for good: nothing new is let in.
    pub const fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Messages that are not final.
    pub fn unfinished(&self) -> usize {
        self.outbox.len() + self.accepting.0 + self.early.len() + self.rooms.early().count()
    }

    /// A name for a try to open a session.
    const fn next_attempt(&mut self) -> Attempt {
        self.attempts += 1;
        Attempt(self.attempts)
    }

    fn fresh_epoch(&mut self) -> Epoch {
        Epoch(self.rng.next_u64())
    }

    /// What we share with the owner of `key`.
    fn pair_key(&mut self, key: &[u8; 32]) -> Option<PairKey> {
        if let Some(pair) = self.pair_keys.get(key) {
            return pair.clone();
        }
        if self.pair_keys.len() >= PAIR_KEYS_MAX {
            self.pair_keys.clear();
        }
        let pair = self.me.pair_key(key);
        self.pair_keys.insert(*key, pair.clone());
        pair
    }

    fn message(&mut self, cx: &Context<'_>, session: SessionId, bytes: &[u8]) {
        if Some(session) == self.link.session() {
            match codec::decode::<FromRegistry>(bytes) {
                Ok(message) => self.hear_registry(cx, session, message),
                Err(error) => tracing::debug!(%error, "message from the registry not understood"),
            }
        } else if let Some(card) = self.peers.card(session).copied() {
            match codec::decode::<ToPeer>(bytes) {
                Ok(message) => self.hear_peer(cx, session, card, message),
                Err(error) => tracing::debug!(%error, peer = ?card.id, "message from a peer not understood"),
            }
        }
    }

    fn begin_turn(&mut self, cx: &Context<'_>) {
        self.out.turn();
        if let (_, false) = self.out.events_seen() {
            self.read_at = cx.now.at;
        }
    }

    fn fire(&mut self, cx: &Context<'_>, timer: Timer) {
        match timer {
            Timer::Wake => self.release(cx),
            Timer::Attempt => self.attempt_over(cx),
            Timer::Reconnect => self.connect(cx),
            Timer::Register => self.register(cx),
            Timer::KeepAlive => self.keep_alive(cx),
            Timer::Leave => self.leave_on(cx),
            Timer::Settled => self.settled_due(cx),
            Timer::Message(key) => self.message_due(cx, key),
            Timer::Conversation(to) => self.pump(cx, &to),
            Timer::Renewal(to) => self.renew(cx, &to),
            Timer::Peer(id) => self.pump_peer(cx, id),
            Timer::Contact(address) => self.contact_due(cx, address),
            Timer::Lookup(folded) => self.lookup_due(cx, &folded),
            Timer::Withdraw(slot) => self.withdraw(cx, slot),
            Timer::Inquiry => self.inquire(cx),
            Timer::Rooms => self.ask_about_rooms(cx),
            Timer::Hold => self.release(cx),
            Timer::Table => self.tell_table(cx),
            Timer::Room => self.make_room(cx),
            Timer::Store => self.retry_store(),
            Timer::Marks => self.write_marks(),
            Timer::Sweep => self.sweep(cx),
            Timer::Life => self.write_life(cx.now),
            Timer::History => self.thin_history(cx),
        }
    }

    fn write_life(&mut self, now: Now) {
        let request = Request::Life {
            age: self.life.age(now.at),
            wall: now.wall,
        };
        self.out.store(request, After::Nothing);
        self.timers.set(Timer::Life, now.at + LIFE_INTERVAL);
    }

    /// The machine slept: what was due meanwhile was not answered for want of a client. Says that we are here
    /// first, and gives everything its time again.
    fn woke(&mut self, cx: &Context<'_>) {
        let now = cx.now.at;
        let shifted: Vec<Timer> = self
            .timers
            .names()
            .filter(|timer| !matches!(timer, Timer::Sweep | Timer::Life | Timer::History | Timer::Wake))
            .filter(|timer| self.timers.at(timer).is_some_and(|at| at <= now))
            .cloned()
            .collect();
        tracing::debug!(timers = shifted.len(), "woke after a long sleep");
        for timer in shifted {
            let budget = match timer {
                Timer::Message(key) => self.budget_of(cx, key),
                Timer::Settled => crate::limits::ATTEMPTS_TOTAL,
                _ => crate::limits::DIRECT_BUDGET,
            };
            self.timers.set(timer, now + budget);
        }
        self.link.restart_attempts(now);
        self.leave_after_sleep(now);
        self.say_alive(cx);
    }
}

impl Role for Client {
    type Command = Command;
    type Event = Notice;
    type Request = Request;
    type Reply = Reply;

    fn handle_session(&mut self, cx: &Context<'_>, event: SessionEvent) {
        self.begin_turn(cx);
        match event {
            SessionEvent::Opened {
                session,
                attempt,
                service,
                peer,
                address,
            } => self.opened(cx, session, attempt, (service, address), peer),
            SessionEvent::Failed { attempt, fault } => self.connect_failed(cx, attempt, fault),
            SessionEvent::Message { session, bytes } => {
                if let Some(stats) = cx.sessions.session_stats(session) {
                    self.trails.note(cx.now.at, session, &stats);
                }
                self.message(cx, session, &bytes);
            }
            SessionEvent::Moved { .. } => {}
            SessionEvent::Closed { session, cause } => {
                self.trails.forget(session);
                self.closed(cx, session, cause);
            }
        }
        self.leave_if_settled(cx);
    }

    fn handle_command(&mut self, cx: &Context<'_>, command: Command) {
        self.begin_turn(cx);
        match command {
            Command::Seen { events } => self.seen(cx, events),
            Command::Handled { id } => self.was_handled(cx, id),
            // The last event was told: nobody would hear what becomes of it.
            _ if self.over => {}
            Command::Send { to, text } => self.send(cx, to, text),
            Command::SendAt { address, text } => self.send_at(cx, address, text),
            Command::Say { text } => self.say(cx, &text),
            Command::Post { room, text } => self.post(cx, &room, text),
            Command::Room(command) => self.room_command(cx, command),
            Command::People(command) => self.people_command(cx, command),
            Command::Users => self.list_users(),
            Command::Status => self.tell_status(cx),
            Command::Trace(which) => self.trace(which),
            Command::Net => self.tell_net(cx),
            Command::Fingerprint { of } => self.tell_fingerprint(of),
            Command::Presence { on } => self.want_presence(on),
            Command::Names => self.want_names(),
            Command::History {
                subject,
                most,
                before,
            } => self.recall(subject, most, before),
            Command::Forget(partner) => self.forget(partner),
            Command::Deregister => self.deregister(cx),
            Command::Register => self.reregister(cx),
            Command::Leave => self.leave(cx),
            Command::LeaveSettled => self.input_ended(cx),
            Command::Trust { name, fingerprint } => self.trust(&name, &fingerprint),
            Command::TrustAt { address, fingerprint } => self.trust_at(address, &fingerprint),
        }
        self.leave_if_settled(cx);
    }

    fn handle_store_reply(&mut self, cx: &Context<'_>, ticket: Ticket, reply: Result<Reply, StoreFault>) {
        self.begin_turn(cx);
        let after = self.out.answered(ticket, reply.is_err());
        match (reply, after) {
            (Ok(reply), Some(after)) => self.stored(cx, after, reply),
            (Ok(_), None) => tracing::error!(?ticket, "the store answered what was not asked"),
            (Err(fault), after) => self.store_failed(cx, after, &fault),
        }
        self.leave_on(cx);
        self.leave_if_settled(cx);
    }

    fn handle_socket(&mut self, cx: &Context<'_>, reply: SocketReply) {
        self.begin_turn(cx);
        self.socket(cx, reply);
        self.leave_if_settled(cx);
    }

    fn handle_timeout(&mut self, cx: &Context<'_>) {
        self.begin_turn(cx);
        let now = cx.now.at;
        if self.timers.next().is_some_and(|due| now.since(due) > LEASE) {
            self.woke(cx);
        }
        while let Some(timer) = self.timers.pop_due(now) {
            self.fire(cx, timer);
        }
        self.leave_if_settled(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn poll_action(&mut self) -> Option<Action<Request, Notice>> {
        self.out.poll()
    }

    fn ready(&self) -> bool {
        self.out.ready()
    }

    /// A script may write faster than anybody can take it: it waits while three quarters of the outbox are on
    /// their way. What merely waits for somebody to come back does not count, or it would stop all commands.
    fn takes_commands(&self) -> bool {
        let limits = &self.config.limits;
        let messages = self.outbox.moving() + self.accepting.0;
        let bytes = self.outbox.moving_bytes() + self.accepting.1;
        self.ready()
            && !self.over
            && !self.questions.enough()
            && messages < limits.outbox_messages.div_ceil(4) * 3
            && bytes < limits.outbox_bytes / 4 * 3
    }
}

#[cfg(test)]
mod tests;
