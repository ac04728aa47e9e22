//! Every bound and default, once: its unit, its value and why.
//!
//! Invariant: the relations that the layers rely on are asserted at compile time, at the end.

use std::time::Duration;

/// UDP payload that is never exceeded: the IPv6 minimum MTU 1280 less 48 bytes of headers, less headroom
/// for tunnels (RFC 8085 §3.2).
pub const DATAGRAM_BYTES_MAX: usize = 1200;

/// A name: long enough for people, short enough for a table on a terminal.
pub const NAME_BYTES_MAX: usize = 32;

/// A message's text. Larger things are files, and files are no chat.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// An encoded envelope: the body, its names and its keys (at most 300 bytes of them).
pub const ENVELOPE_BYTES_MAX: usize = BODY_BYTES_MAX + 512;

/// A transport message: an envelope and what travels beside it, or a directory page.
pub const MESSAGE_BYTES_MAX: usize = ENVELOPE_BYTES_MAX + 512;

/// How long a message may take before it expires, unless its sender says otherwise; and at most: a registry cuts what is
/// longer to this.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The shortest lifetime: less than the direct budget and the deposit's attempts makes no sense.
pub const TIME_TO_LIVE_MIN: Duration = Duration::from_secs(10);

/// Messages that wait for one recipient.
pub const MAILBOX_MESSAGES_MAX: u64 = 1_000;
/// Their envelope bytes.
pub const MAILBOX_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Messages from one sender in one mailbox: one stranger must not fill it.
pub const MAILBOX_SENDER_MESSAGES_MAX: u64 = 100;
/// Their envelope bytes.
pub const MAILBOX_SENDER_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// When to come again for a place in a mailbox whose owner is emptying it, at the soonest: a round trip or two, and
/// what a sender may deposit then at [`DEPOSITS_PER_SECOND`] is little. Longer as he answers less, up to
/// [`REQUEST_RETRY_MAX`].
pub const MAILBOX_RETRY: Duration = Duration::from_millis(200);
/// Envelope bytes in all mailboxes: a disk is finite, and its owner decides (`--mail-bytes`).
pub const MAIL_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Messages in all mailboxes, and outcomes that are not acknowledged: the rows of a database.
pub const MAIL_MESSAGES_MAX: u64 = 5_000_000;
/// Whom a client is known to have written to, so that their mail finds the half of his mailbox that is kept for
/// them: more than a person writes to.
pub const CONTACTS_MAX: usize = 256;
/// Such pairs in all: they are kept in memory. Beyond it new correspondents count as strangers.
pub const CONTACTS_TOTAL_MAX: usize = 1_000_000;
/// Outcomes that one sender has not acknowledged; beyond it his deposits wait until he has. As many as a mailbox holds:
/// whoever is there acknowledges them as they come, and whoever never does makes rows with each message that ends.
pub const OUTCOMES_MAX: u64 = MAILBOX_MESSAGES_MAX;
/// Outcomes are kept for a sender who does not come back, then dropped: twice the longest lifetime of a message. One who
/// comes later asks for those messages himself.
pub const OUTCOME_LIFETIME: Duration = Duration::from_secs(60 * 24 * 60 * 60);
/// Nothing expires sooner after a start: recipients and senders come back first.
pub const SWEEP_DELAY: Duration = Duration::from_secs(10 * 60);
/// How often a database's age is recorded: what a crash may add to the lifetime of a message.
pub const AGE_SAVE: Duration = Duration::from_secs(60);
/// Messages forwarded, or outcomes told, that one client has not answered: a round trip of 100 ms still lets 5,000
/// a second through.
pub const FORWARD_WINDOW_MESSAGES: usize = 512;
/// Their bytes, so that large messages do not fill the send buffers.
pub const FORWARD_WINDOW_BYTES: u64 = 1024 * 1024;
/// Rows in one page read from the database: its reply is held in memory …
pub const FORWARD_PAGE_MESSAGES: usize = 256;
/// … and so are their bytes.
pub const FORWARD_PAGE_BYTES: u64 = 256 * 1024;
/// How soon a full send buffer is looked at again …
pub const ROOM_RETRY: Duration = Duration::from_millis(50);
/// … doubling up to this while it stays full: what it holds takes minutes on a slow path, and whoever never
/// acknowledges anything has it full for ever.
pub const ROOM_RETRY_MAX: Duration = Duration::from_secs(1);

/// Rooms that a registry keeps: some for each of a tenth of its clients.
pub const ROOMS_MAX: usize = 10_000;
/// Rooms of one owner: what a person looks after, and a script may need.
pub const OWNER_ROOMS_MAX: usize = 100;
/// Members of one room.
pub const ROOM_MEMBERS_MAX: usize = 10_000;
/// Rooms that one client is in: each costs memory while he is online.
pub const MEMBER_ROOMS_MAX: usize = 256;
/// Memberships in all: they are kept in memory.
pub const MEMBERSHIPS_MAX: usize = 1_000_000;
/// Members of a room in which each hears who comes and goes; in a larger one nobody would read it.
pub const ANNOUNCED_MEMBERS_MAX: usize = 1_000;
/// Posts in one room's log, which those who are away have still to get: a month of a busy group. Beyond it the oldest end
/// early, so that nobody who stays away keeps the others from talking …
pub const ROOM_POSTS_MAX: u64 = 10_000;
/// … and their envelope bytes.
pub const ROOM_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Posts of one author in one room's log: beyond it his own oldest end, and nobody else's …
pub const AUTHOR_POSTS_MAX: u64 = ROOM_POSTS_MAX / 4;
/// … and their envelope bytes.
pub const AUTHOR_BYTES_MAX: u64 = ROOM_BYTES_MAX / 4;
/// Posts of one author in all rooms that have not ended: beyond it no more are taken until some have. Twice what one room
/// holds of him …
pub const OPEN_POSTS_MAX: u64 = 2 * AUTHOR_POSTS_MAX;
/// … and their envelope bytes.
pub const OPEN_BYTES_MAX: u64 = 2 * AUTHOR_BYTES_MAX;
/// What a client may do to rooms a second, for long: each is a commit, and told to all who are there …
pub const DEEDS_PER_SECOND: u32 = 2;
/// … and at once.
pub const DEEDS_BURST: u32 = 40;
/// Envelope bytes that one post takes at once to those who are online; the others read it in their turn.
pub const FEED_BURST_BYTES: usize = 4 * 1024 * 1024;
/// Posts of one room that one client was sent and has not answered …
pub const FEED_WINDOW_POSTS: usize = 128;
/// … and their bytes: with some rooms at once they must not fill the send buffers.
pub const FEED_WINDOW_BYTES: u64 = 256 * 1024;

/// Message bytes in one commit, so that large messages do not make it long: 128 of the longest, and far more of the short
/// ones than a commit takes.
pub const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Message bytes that wait for a registry's disk, and as many again in the pages that it is read for: both are held in
/// memory. Two commits, so that the next gathers meanwhile.
pub const STORE_BYTES_MAX: usize = 2 * COMMIT_BYTES_MAX;

/// Deposits a client may make a second, for long.
pub const DEPOSITS_PER_SECOND: u32 = 20;
/// Deposits a client may make at once.
pub const DEPOSITS_BURST: u32 = 200;

/// Look-ups and withdrawals of a client a second, for long: a fifth of a percent of what a registry can do …
pub const REQUESTS_PER_SECOND: u32 = 100;
/// … and at once: what a client that comes back may ask again, a thousand copies to withdraw and as many names. What
/// is beyond it is not answered, and asked again later.
pub const REQUESTS_BURST: u32 = 2_048;

/// Registrations a client may make a second, for long: each is a commit.
pub const REGISTRATIONS_PER_SECOND: u32 = 2;
/// Registrations a client may make at once.
pub const REGISTRATIONS_BURST: u32 = 20;
/// New names that one network (an IPv4 /24, an IPv6 /56) may take in an hour: a class, not a machine.
pub const NEW_NAMES_PER_HOUR: u32 = 20;
/// Networks whose new names are counted; beyond it new names wait for an older count to lapse.
pub const NETWORKS_MAX: usize = 16_384;

/// A client is online until this long after its last authenticated packet.
pub const LEASE: Duration = Duration::from_secs(60);
/// How often a quiet client is heard of: three chances in a lease.
pub const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long a direct receipt may take before the message goes to the registry.
pub const DIRECT_BUDGET: Duration = Duration::from_millis(500);
/// How long a new peer session may take to come up before that budget begins.
pub const DIRECT_HANDSHAKE_BUDGET: Duration = Duration::from_secs(1);
/// One attempt at the registry: so long without authenticated progress.
pub const ATTEMPT: Duration = Duration::from_millis(500);
/// Attempts before the registry counts as silent.
pub const ATTEMPTS: u32 = 5;
/// Attempts start anew with progress, but never for longer than this.
pub const ATTEMPTS_TOTAL: Duration = Duration::from_secs(15);

/// A request that is not answered is issued again after this …
pub const REQUEST_RETRY: Duration = Duration::from_secs(5);
/// … doubling up to this.
pub const REQUEST_RETRY_MAX: Duration = Duration::from_secs(60);
/// Mail that its recipient does not take because of its sender is offered again after this at the latest: all that one
/// sender may have waiting is then some 56 kbit/s to a recipient who never decides.
pub const ASIDE_RETRY_MAX: Duration = Duration::from_secs(300);

/// Those whom a client without a registry talks to. Each line is a message to each of them: a hundred lines to a hundred who
/// are away fill its outbox.
pub const LISTED_MAX: usize = 100;
const _: () = assert!(LISTED_MAX <= TRIES_MAX, "all are called at once");

/// Rounds of attempts at a registry that was silent are at most so far apart: trying costs no more than being there.
pub const RECONNECT_MAX: Duration = KEEP_ALIVE;
/// After a round in vain whoever types has the registry tried again no sooner: a script may type a lot.
pub const RECONNECT_TYPED: Duration = Duration::from_secs(1);

/// How long a message is held back for its missing predecessor.
pub const HOLD_BACK: Duration = Duration::from_secs(2);
/// How long `dereg` waits for commits and receipts under way.
pub const LEAVE_BUDGET: Duration = Duration::from_millis(500);

/// Names that are pushed to everybody; above it a client looks up whom it needs.
pub const DIRECTORY_PUSH_MAX: usize = 1_000;
/// Pushing begins again below this, so that one client more or less does not flip it.
pub const DIRECTORY_PUSH_RESUME: usize = 900;
/// Names that a client may follow above the push limit.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// A client hears of changes at most this often; what happens between is told in one.
pub const DIRECTORY_INTERVAL: Duration = Duration::from_secs(1);
/// Directory messages sent at once …
pub const DIRECTORY_BURST: usize = 256;
/// … and how long until as many more: telling 1,000 clients takes 4 bursts, and none floods a socket's buffer.
pub const DIRECTORY_PACE: Duration = Duration::from_millis(2);
/// Bytes of the directory that were sent and not acknowledged, for all clients together: they lie in memory until they
/// arrive, and a crowd of newcomers, each of whom needs all of it, would fill the send buffers. At 100 ms round trip 25
/// newcomers a second are told of 1,000 names. What a client does not acknowledge within two seconds counts no more.
pub const DIRECTORY_FLIGHT_BYTES: usize = 512 * 1024;
/// Encoded pages kept for those who need the same: about 30 KiB each at most. One directory of 1,000 names has eight.
pub const DIRECTORY_CACHE_MAX: usize = 8;
/// Names that a registry keeps at all.
pub const NAMES_MAX: usize = 100_000;
/// The highest number of a name in a database. The table has 8 bytes for each number, given or not: a damaged database
/// must not ask for more than this.
pub const MEMBER_NUMBER_MAX: u32 = 1_000_000;

/// Unfinished messages in a client's outbox: what a person may leave unsent, not a queue for a machine.
pub const OUTBOX_MESSAGES_MAX: usize = 10_000;
/// Their body bytes; they are kept in memory too.
pub const OUTBOX_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What one peer may put into a client's inbox directly, in units a second for long …
pub const INBOUND_UNITS_PER_SECOND: u32 = 1_000;
/// … and at once: far more than a person or a script has to say, and a disk takes it from several peers.
pub const INBOUND_UNITS_BURST: u32 = 4_000;
/// A message counts as one unit, and one more for each so many bytes: 4 MB a second for long.
pub const INBOUND_UNIT_BYTES: usize = 4 * 1024;
/// Peers whose rates are remembered; those that were quiet need not be.
pub const INBOUND_PEERS_MAX: usize = 1_024;

/// Handshakes in flight before a cookie is asked for.
pub const HANDSHAKES_MAX: usize = 4_096;
/// Initials a second before a cookie is asked for.
pub const INITIALS_PER_SECOND_MAX: u32 = 200;
/// Handshakes in flight with cookies too; beyond it the oldest gives way. About 2 KiB each.
pub const HANDSHAKES_BOUND: usize = HANDSHAKES_MAX + 1_024;
/// Handshakes in flight from one network (/24, or /56 of IPv6), so that none crowds out the others.
pub const NETWORK_HANDSHAKES_MAX: usize = 512;
/// Key agreements a second with strangers, 0.1 ms each: a fifth of a core, so that sessions have the rest.
pub const HANDSHAKES_PER_SECOND_MAX: u32 = 2_000;
/// Resets a second: enough for all clients of a registry that was restarted to learn of it in a few probes.
pub const RESETS_PER_SECOND_MAX: u32 = 1_000;
/// Sessions of one endpoint. An idle one costs less than 4 KiB.
pub const SESSIONS_MAX: usize = 20_000;
/// Sessions of a registry in which nobody is online; beyond it the oldest is closed. A quarter of all, so that the
/// rest is for those who are registered.
pub const VISITORS_MAX: usize = SESSIONS_MAX / 4;
/// Such sessions from one network (an IPv4 /24, an IPv6 /56): a school that comes back all at once.
pub const NETWORK_VISITORS_MAX: usize = 1_024;
/// Tries of one endpoint to open sessions.
pub const TRIES_MAX: usize = 1_024;

/// A session's receive window when it begins and when it rests: what a sender's first flight of ten datagrams
/// holds, so that a burst does not wait a round trip for credit. It is a promise, not memory: what is held is
/// charged to the endpoint's pool when it comes.
pub const WINDOW_BYTES_MIN: u64 = 16 * 1024;
/// What it grows to while messages are taken quickly: 1 MiB a round trip is 200 Mbit/s at 40 ms.
pub const WINDOW_BYTES_MAX: u64 = 1024 * 1024;
/// Received bytes that wait in all sessions of an endpoint, beyond each session's free share. The last quarter is for
/// messages that can be finished with it: 250 of the longest.
pub const REASSEMBLY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Received bytes that may wait in a session whatever the others hold: a few short messages. With all sessions, 78 MiB.
pub const REASSEMBLY_FREE_BYTES: usize = 4 * 1024;
/// A session in which a message has been waiting for its rest for so long is closed, when no more than that quarter is
/// left: the longest message takes it at 110 kbit/s.
pub const REASSEMBLY_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that wait for an acknowledgement in one session.
pub const SEND_BYTES_MAX: usize = 1024 * 1024;
/// Bytes that wait for an acknowledgement in all sessions of an endpoint.
pub const SEND_BYTES_TOTAL_MAX: usize = 64 * 1024 * 1024;
/// Messages of one direction of a session under way; how far message numbers may run ahead of the lowest
/// incomplete one. A power of two: the receiver keeps one bit for each.
pub const SESSION_MESSAGES_MAX: u64 = 4_096;
/// How long an acknowledgement waits for company (RFC 9000 §18.2 gives the same default).
pub const ACK_DELAY_MAX: Duration = Duration::from_millis(25);
/// A session whose questions stay unanswered for so long is given up: longer than a train's tunnel.
pub const SESSION_SILENCE: Duration = Duration::from_secs(30);
/// A session in which nothing happens for so long is given up: home routers forget a UDP path sooner than that.
pub const SESSION_IDLE: Duration = Duration::from_secs(180);

/// Kept messages that are told of at once: more than a terminal keeps of its lines.
pub const HISTORY_MESSAGES_MAX: usize = 1_000;
/// Their text bytes, but for the last message, which is told of in any case: as many as so many lines have, and little
/// beside what else a person has to be told.
pub const HISTORY_BYTES_MAX: usize = 256 * 1024;
/// Words to be searched for: more than anybody remembers of a message.
pub const SEARCH_BYTES_MAX: usize = 256;
/// Senders whose messages a user does not want to see: more than anybody quarrels with, and less than 200 KiB of memory.
pub const BLOCKED_MAX: usize = 1_000;
/// Answers to such questions that are waited for: with more, commands wait.
pub const HISTORY_QUESTIONS_MAX: usize = 4;
/// Kept messages that lose their text in one commit: where 100,000 are kept it takes some 20 ms (`cargo bench --bench history`).
pub const HISTORY_REMOVED_AT_ONCE: usize = 64;

const _: () = assert!(ENVELOPE_BYTES_MAX < MESSAGE_BYTES_MAX && BODY_BYTES_MAX < ENVELOPE_BYTES_MAX);
const _: () = assert!(KEEP_ALIVE.as_millis() * 3 <= LEASE.as_millis());
const _: () = assert!(NETWORK_HANDSHAKES_MAX < HANDSHAKES_MAX && HANDSHAKES_MAX < HANDSHAKES_BOUND);
const _: () = assert!(NETWORK_VISITORS_MAX < VISITORS_MAX && VISITORS_MAX < SESSIONS_MAX);
const _: () = assert!(INITIALS_PER_SECOND_MAX < HANDSHAKES_PER_SECOND_MAX);
const _: () = assert!(DIRECTORY_PUSH_RESUME < DIRECTORY_PUSH_MAX && DIRECTORY_PUSH_MAX < NAMES_MAX);
const _: () = assert!(NAMES_MAX < MEMBER_NUMBER_MAX as usize);
const _: () = assert!(MAILBOX_SENDER_MESSAGES_MAX < MAILBOX_MESSAGES_MAX / 2);
const _: () = assert!(MAILBOX_SENDER_BYTES_MAX < MAILBOX_BYTES_MAX / 2);
const _: () =
    assert!(FEED_WINDOW_BYTES >= 2 * MESSAGE_BYTES_MAX as u64 && AUTHOR_BYTES_MAX >= FEED_WINDOW_BYTES);
const _: () = assert!(OUTCOME_LIFETIME.as_secs() >= 2 * TIME_TO_LIVE.as_secs());
const _: () =
    assert!(FORWARD_PAGE_BYTES >= MESSAGE_BYTES_MAX as u64 && FORWARD_WINDOW_BYTES >= 2 * FORWARD_PAGE_BYTES);
const _: () =
    assert!(MESSAGE_BYTES_MAX * 100 <= COMMIT_BYTES_MAX && FORWARD_PAGE_BYTES * 8 <= STORE_BYTES_MAX as u64);
const _: () = assert!(ENVELOPE_BYTES_MAX < 2 * BODY_BYTES_MAX && OUTBOX_BYTES_MAX >= 100 * BODY_BYTES_MAX);
const _: () = assert!(SESSION_MESSAGES_MAX.is_power_of_two() && WINDOW_BYTES_MIN < WINDOW_BYTES_MAX);
const _: () = assert!(MESSAGE_BYTES_MAX * 100 <= REASSEMBLY_BYTES_MAX / 4);
const _: () = assert!(MESSAGE_BYTES_MAX < SEND_BYTES_MAX && SEND_BYTES_MAX < SEND_BYTES_TOTAL_MAX);
const _: () = assert!(SESSION_SILENCE.as_millis() < SESSION_IDLE.as_millis());
