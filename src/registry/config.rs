//! What an operator may set, with the defaults of [`crate::limits`].
//!
//! Invariant: the engine reads these values and never the constants behind them.

use std::time::Duration;

use crate::limits;
use crate::rate::Rate;

/// The registry's limits.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names that are kept at all.
    pub names_max: usize,
    /// New names from one network.
    pub new_names: Rate,
    /// Registrations of one client.
    pub registrations: Rate,
    /// Deposits of one client.
    pub deposits: Rate,
    /// Messages that wait for one recipient …
    pub mailbox_messages_max: u64,
    /// … and their envelope bytes.
    pub mailbox_bytes_max: u64,
    /// Messages from one sender that wait for one recipient …
    pub sender_messages_max: u64,
    /// … and their envelope bytes.
    pub sender_bytes_max: u64,
    /// Outcomes that one sender has not acknowledged; beyond it his deposits wait.
    pub outcomes_max: u64,
    /// Look-ups and withdrawals of one client.
    pub requests: Rate,
    /// Messages in all mailboxes, and outcomes …
    pub mail_messages_max: u64,
    /// … and their envelope bytes.
    pub mail_bytes_max: u64,
    /// What one client does to rooms: makes, enters, leaves, puts somebody out.
    pub deeds: Rate,
    /// Posts of one author in all rooms that have not ended …
    pub open_posts_max: u64,
    /// … and their envelope bytes.
    pub open_bytes_max: u64,
    /// Rooms in all …
    pub rooms_max: usize,
    /// … and of one owner.
    pub owner_rooms_max: usize,
    /// Members of a room …
    pub room_members_max: usize,
    /// … and rooms of a member …
    pub member_rooms_max: usize,
    /// … and all of those together.
    pub memberships_max: usize,
    /// Members of a room in which it is told who comes and goes.
    pub announced_members_max: usize,
    /// Posts that stand in one room's log: beyond it the oldest end …
    pub room_posts_max: u64,
    /// … and their envelope bytes.
    pub room_bytes_max: u64,
    /// Posts of one author in one room: beyond it his oldest end …
    pub author_posts_max: u64,
    /// … and their envelope bytes.
    pub author_bytes_max: u64,
    /// Whether there is to be a room for everybody. One that is there stays.
    pub lobby: bool,
    /// The longest lifetime that a sender may ask for; a longer one is cut.
    pub time_to_live_max: Duration,
    /// How long a client is online after its last packet.
    pub lease: Duration,
    /// Names that are pushed to everybody …
    pub push_max: usize,
    /// … and the number below which that begins again.
    pub push_resume: usize,
}

impl Default for Config {
    fn default() -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        Self {
            names_max: limits::NAMES_MAX,
            new_names: Rate::new(
                limits::NEW_NAMES_PER_HOUR,
                Duration::from_secs(3600),
                limits::NEW_NAMES_PER_HOUR,
            ),
            registrations: Rate::new(
                limits::REGISTRATIONS_PER_SECOND,
                SECOND,
                limits::REGISTRATIONS_BURST,
            ),
            deposits: Rate::new(limits::DEPOSITS_PER_SECOND, SECOND, limits::DEPOSITS_BURST),
            mailbox_messages_max: limits::MAILBOX_MESSAGES_MAX,
            mailbox_bytes_max: limits::MAILBOX_BYTES_MAX,
            sender_messages_max: limits::MAILBOX_SENDER_MESSAGES_MAX,
            sender_bytes_max: limits::MAILBOX_SENDER_BYTES_MAX,
            outcomes_max: limits::OUTCOMES_MAX,
            requests: Rate::new(limits::REQUESTS_PER_SECOND, SECOND, limits::REQUESTS_BURST),
            mail_messages_max: limits::MAIL_MESSAGES_MAX,
            mail_bytes_max: limits::MAIL_BYTES_MAX,
            deeds: Rate::new(limits::DEEDS_PER_SECOND, SECOND, limits::DEEDS_BURST),
            open_posts_max: limits::OPEN_POSTS_MAX,
            open_bytes_max: limits::OPEN_BYTES_MAX,
            rooms_max: limits::ROOMS_MAX,
            owner_rooms_max: limits::OWNER_ROOMS_MAX,
            room_members_max: limits::ROOM_MEMBERS_MAX,
            member_rooms_max: limits::MEMBER_ROOMS_MAX,
            memberships_max: limits::MEMBERSHIPS_MAX,
            announced_members_max: limits::ANNOUNCED_MEMBERS_MAX,
            room_posts_max: limits::ROOM_POSTS_MAX,
            room_bytes_max: limits::ROOM_BYTES_MAX,
            author_posts_max: limits::AUTHOR_POSTS_MAX,
            author_bytes_max: limits::AUTHOR_BYTES_MAX,
            lobby: false,
            time_to_live_max: limits::TIME_TO_LIVE,
            lease: limits::LEASE,
            push_max: limits::DIRECTORY_PUSH_MAX,
            push_resume: limits::DIRECTORY_PUSH_RESUME,
        }
    }
}

impl Config {
    /// No quota and no rate: for benchmarks, which say so, and tests. Lease and directory stay as they are.
    pub fn unlimited() -> Self {
        Self {
            names_max: usize::MAX,
            new_names: Rate::UNLIMITED,
            registrations: Rate::UNLIMITED,
            deposits: Rate::UNLIMITED,
            mailbox_messages_max: u64::MAX,
            mailbox_bytes_max: u64::MAX,
            sender_messages_max: u64::MAX,
            sender_bytes_max: u64::MAX,
            outcomes_max: u64::MAX,
            requests: Rate::UNLIMITED,
            deeds: Rate::UNLIMITED,
            open_posts_max: u64::MAX,
            open_bytes_max: u64::MAX,
            mail_messages_max: u64::MAX,
            mail_bytes_max: u64::MAX,
            ..Self::default()
        }
    }
}
