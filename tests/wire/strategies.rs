//! Any value that the wire can carry, for the properties (PROTOCOL §3 to §6).
//!
//! Numbers lean to the edges of the varint's widths, where encodings change their length.
//! Invariant: what these make is valid: a property that fails has found a mistake, not a bad input.

use std::net::{IpAddr, SocketAddr};

use proptest::collection::vec;
use proptest::prelude::*;
use udpchat::clock::WallTime;
use udpchat::id::{EnvelopeHash, Epoch, IdentityId, MessageId, Name, Sequence, Slot};
use udpchat::identity::Card;
use udpchat::wire::codec::Bounded;
use udpchat::wire::envelope::{Body, Envelope, Party, Receipt, Recipient, Verdict};
use udpchat::wire::frame::{ACK_GAPS_MAX, Ack, CloseCode};
use udpchat::wire::message::*;

use crate::rooms;

/// Any number, often one where the varint grows.
pub(crate) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..300u64,
        Just(250),
        Just(251),
        Just(65_535),
        Just(65_536),
        Just(u64::from(u32::MAX)),
        Just(u64::from(u32::MAX) + 1),
        Just(u64::MAX),
        any::<u64>(),
    ]
}

pub(crate) fn name() -> impl Strategy<Value = Name> {
    "[A-Za-z0-9][A-Za-z0-9_.-]{0,31}".prop_map(|text| text.parse().unwrap())
}

fn identity_id() -> impl Strategy<Value = IdentityId> {
    any::<[u8; 32]>().prop_map(IdentityId)
}

fn slot() -> impl Strategy<Value = Slot> {
    (number(), number()).prop_map(|(epoch, sequence)| Slot {
        epoch: Epoch(epoch),
        sequence: Sequence(sequence),
    })
}

fn wall() -> impl Strategy<Value = WallTime> {
    any::<i64>().prop_map(WallTime::from_unix_ms)
}

fn hash() -> impl Strategy<Value = EnvelopeHash> {
    any::<[u8; 16]>().prop_map(EnvelopeHash)
}

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn addresses() -> impl Strategy<Value = Bounded<SocketAddr, PRIVATE_ADDRESSES_MAX>> {
    vec(address(), 0..=PRIVATE_ADDRESSES_MAX).prop_map(Bounded::truncated)
}

fn message_id() -> impl Strategy<Value = MessageId> {
    (identity_id(), slot()).prop_map(|(sender, slot)| MessageId { sender, slot })
}

fn party() -> impl Strategy<Value = Party> {
    (name(), identity_id()).prop_map(|(name, id)| Party { name, id })
}

pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    (party(), party(), slot(), wall(), any::<String>()).prop_map(|(sender, to, slot, sent_at, text)| {
        Envelope {
            sender,
            recipient: Recipient::Peer(to),
            slot,
            sent_at,
            body: Body::Plain(text),
        }
    })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Received),
        Just(Verdict::Skipped),
        Just(Verdict::Conflict)
    ]
}

pub(crate) fn receipt() -> impl Strategy<Value = Receipt> {
    (message_id(), hash(), verdict(), wall(), any::<[u8; 16]>()).prop_map(|(id, hash, verdict, at, tag)| {
        Receipt {
            id,
            hash,
            verdict,
            at,
            tag,
        }
    })
}

pub(crate) fn ack() -> impl Strategy<Value = Ack> {
    let gaps = vec((number(), number()), 0..=ACK_GAPS_MAX).prop_map(Bounded::truncated);
    (number(), any::<u32>(), number(), gaps).prop_map(|(largest, delay_us, first_run, gaps)| Ack {
        largest,
        delay_us,
        first_run,
        gaps,
    })
}

pub(crate) fn close() -> impl Strategy<Value = CloseCode> {
    prop_oneof![
        Just(CloseCode::Done),
        Just(CloseCode::Superseded),
        Just(CloseCode::Violation),
        Just(CloseCode::Crossed),
        Just(CloseCode::NotAdmitted),
    ]
}

fn version() -> impl Strategy<Value = Version> {
    (number(), number()).prop_map(|(run, counter)| Version { run, counter })
}

pub(crate) fn forward() -> impl Strategy<Value = Forward> {
    (number(), vec(any::<u8>(), 0..400)).prop_map(|(floor, envelope)| Forward {
        floor: Sequence(floor),
        envelope,
    })
}

fn busy<Of: std::fmt::Debug>(of: impl Strategy<Value = Of>) -> impl Strategy<Value = Busy<Of>> {
    let reason = prop_oneof![
        Just(BusyReason::Rate),
        Just(BusyReason::Storage),
        Just(BusyReason::Overload),
        Just(BusyReason::UnknownSender),
        Just(BusyReason::Unhandled),
    ];
    (of, reason, any::<u32>()).prop_map(|(of, reason, retry_after_ms)| Busy {
        of,
        reason,
        retry_after_ms,
    })
}

pub(crate) fn to_registry() -> impl Strategy<Value = ToRegistry> {
    use ToRegistry as To;
    prop_oneof![
        (name(), number(), addresses(), proptest::option::of(version())).prop_map(
            |(name, counter, private, directory)| To::Register(Register {
                name,
                counter,
                private,
                directory
            })
        ),
        number().prop_map(|counter| To::Deregister { counter }),
        number().prop_map(|counter| To::KeepAlive { counter }),
        name().prop_map(|name| To::Lookup { name }),
        version().prop_map(|version| To::DirectoryAck { version }),
        (forward(), number()).prop_map(|(forward, ttl_ms)| To::Deposit(Deposit { forward, ttl_ms })),
        slot().prop_map(|slot| To::Withdraw { slot }),
        slot().prop_map(|slot| To::OutcomeAck { slot }),
        receipt().prop_map(To::Receipt),
        busy(message_id()).prop_map(To::Busy),
        rooms::any_to_registry(),
    ]
}

pub(crate) fn from_registry() -> impl Strategy<Value = FromRegistry> {
    prop_oneof![
        registration_answer().boxed(),
        directory_answer().boxed(),
        mail_answer().boxed(),
        rooms::any_from_registry(),
    ]
}

fn registration_answer() -> impl Strategy<Value = FromRegistry> {
    use FromRegistry as From;
    let refusal = prop_oneof![
        Just(RegistrationRefusal::NameTaken),
        Just(RegistrationRefusal::NameReserved),
        number().prop_map(|seen| RegistrationRefusal::CounterBehind { seen }),
        name().prop_map(|name| RegistrationRefusal::OtherName { name }),
        Just(RegistrationRefusal::Full),
        Just(RegistrationRefusal::NotAdmitted),
    ];
    let registered = (
        number(),
        any::<bool>(),
        any::<[u8; 16]>(),
        address(),
        any::<u32>(),
        any::<bool>(),
    );
    prop_oneof![
        registered.prop_map(|(counter, returning, store_id, observed, lease_ms, lobby)| {
            From::Registered(Registered {
                counter,
                returning,
                store_id,
                observed,
                lease_ms,
                lobby,
            })
        }),
        refusal.prop_map(|reason| From::RegistrationRefused { reason }),
        number().prop_map(|counter| From::Deregistered { counter }),
        number().prop_map(|counter| From::Alive { counter }),
        Just(From::NotRegistered),
    ]
}

fn directory_answer() -> impl Strategy<Value = FromRegistry> {
    use FromRegistry as From;
    let page = (
        proptest::option::of(version()),
        version(),
        any::<u32>(),
        any::<bool>(),
        vec(change(), 0..5).prop_map(Bounded::truncated),
    );
    prop_oneof![
        record().prop_map(|record| From::Found { record }),
        name().prop_map(|name| From::NotFound { name }),
        page.prop_map(|(from, to, index, last, changes)| From::Directory(Page {
            from,
            to,
            index,
            last,
            changes,
        })),
    ]
}

fn mail_answer() -> impl Strategy<Value = FromRegistry> {
    use FromRegistry as From;
    let end = prop_oneof![
        receipt().prop_map(End::Answered),
        wall().prop_map(|at| End::Expired { at }),
        deposit_refusal().prop_map(|reason| End::Refused { reason }),
    ];
    prop_oneof![
        (slot(), hash()).prop_map(|(slot, hash)| From::Deposited { slot, hash }),
        (slot(), deposit_refusal()).prop_map(|(slot, reason)| From::DepositRefused { slot, reason }),
        slot().prop_map(|slot| From::Conflict { slot }),
        busy(proptest::option::of(slot())).prop_map(From::Busy),
        slot().prop_map(|slot| From::Withdrawn { slot }),
        (slot(), hash(), end).prop_map(|(slot, hash, end)| From::Outcome(Outcome { slot, hash, end })),
        (any::<u64>(), forward()).prop_map(|(place, forward)| From::Forward { place, forward }),
        any::<u64>().prop_map(|forwards| From::Replayed { forwards }),
    ]
}

fn deposit_refusal() -> impl Strategy<Value = DepositRefusal> {
    prop_oneof![
        Just(DepositRefusal::NoSuchName),
        Just(DepositRefusal::IdentityChanged),
        Just(DepositRefusal::MailboxFull),
        Just(DepositRefusal::SenderFull),
        Just(DepositRefusal::RegistryFull),
        Just(DepositRefusal::NotYours),
        Just(DepositRefusal::Malformed),
        Just(DepositRefusal::Released),
    ]
}

fn presence() -> impl Strategy<Value = Presence> {
    let online = (address(), addresses()).prop_map(|(observed, private)| Addresses { observed, private });
    (proptest::option::of(online), wall()).prop_map(|(online, since)| Presence { online, since })
}

fn record() -> impl Strategy<Value = Record> {
    let card = (identity_id(), any::<[u8; 32]>(), any::<[[u8; 32]; 2]>());
    (name(), card, presence()).prop_map(|(name, (id, key, halves), presence)| {
        let mut signature = [0; 64];
        signature.copy_from_slice(halves.as_flattened());
        Record {
            name,
            card: Card { id, key, signature },
            presence,
        }
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        record().prop_map(Change::Record),
        (name(), presence()).prop_map(|(name, presence)| Change::Presence { name, presence }),
        name().prop_map(|name| Change::Removed { name }),
    ]
}

pub(crate) fn to_peer() -> impl Strategy<Value = ToPeer> {
    prop_oneof![
        forward().prop_map(ToPeer::Deliver),
        receipt().prop_map(ToPeer::Receipt),
        busy(message_id()).prop_map(ToPeer::Busy),
        name().prop_map(|name| ToPeer::Introduce { name }),
    ]
}
