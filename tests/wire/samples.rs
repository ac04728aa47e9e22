//! Fixed values of every kind on the wire, each with the name of its golden entry (PROTOCOL §3 to §6).
//!
//! Append only: an entry that exists is never changed, it is what other implementations were built on.
//! Invariant: no clock, no randomness: the same values in every run and on every machine.

use std::net::SocketAddr;

use udpchat::clock::WallTime;
use udpchat::id::{EnvelopeHash, Epoch, MessageId, Name, Sequence, Slot};
use udpchat::identity::{Identity, PairKey, Role};
use udpchat::wire::codec::Bounded;
use udpchat::wire::envelope::{Body, Envelope, Party, Receipt, Recipient, Verdict};
use udpchat::wire::frame::{Ack, CloseCode, Frame};
use udpchat::wire::handshake::Hello;
use udpchat::wire::message::*;
use udpchat::wire::packet::Packet;

use crate::rooms;

pub(crate) type Named<T> = Vec<(&'static str, T)>;

pub(crate) fn alice() -> Identity {
    Identity::from_seed(&[1; 32], Role::Client)
}

pub(crate) fn bob() -> Identity {
    Identity::from_seed(&[2; 32], Role::Client)
}

/// What alice and bob share.
pub(crate) fn key() -> PairKey {
    alice().pair_key(&bob().card().key).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn slot() -> Slot {
    Slot {
        epoch: Epoch(0x0123_4567_89ab_cdef),
        sequence: Sequence(300),
    }
}

/// 2026-01-02 03:04:05.678 UTC.
const fn sent_at() -> WallTime {
    WallTime::from_unix_ms(1_767_323_045_678)
}

pub(crate) fn envelope() -> Envelope {
    Envelope {
        sender: Party {
            name: name("alice"),
            id: alice().id(),
        },
        recipient: Recipient::Peer(Party {
            name: name("bob"),
            id: bob().id(),
        }),
        slot: slot(),
        sent_at: sent_at(),
        body: Body::Plain("hi, grüß dich".to_owned()),
    }
}

pub(crate) fn hash() -> EnvelopeHash {
    EnvelopeHash::of(&envelope().seal(&key()))
}

fn id() -> MessageId {
    envelope().id()
}

fn receipt_of(verdict: Verdict) -> Receipt {
    Receipt::seal((id(), hash()), verdict, sent_at(), bob().id(), &key())
}

pub(crate) fn receipts() -> Named<Receipt> {
    vec![
        ("received", receipt_of(Verdict::Received)),
        ("skipped", receipt_of(Verdict::Skipped)),
        ("conflict", receipt_of(Verdict::Conflict)),
    ]
}

pub(crate) fn packets() -> Named<Packet<'static>> {
    const NOISE: [u8; 96] = [0x5a; 96];
    vec![
        (
            "initial",
            Packet::Initial {
                source: 0x0102_0304_0506_0708,
                cookie: None,
                noise: [0xee; 32],
            },
        ),
        (
            "initial_with_cookie",
            Packet::Initial {
                source: 0x0102_0304_0506_0708,
                cookie: Some([0xcc; 20]),
                noise: [0xee; 32],
            },
        ),
        (
            "retry",
            Packet::Retry {
                receiver: 0x0102_0304_0506_0708,
                cookie: [0xcc; 20],
            },
        ),
        (
            "response",
            Packet::Response {
                receiver: 0x0102_0304_0506_0708,
                source: 0x1112_1314_1516_1718,
                noise: &NOISE,
            },
        ),
        (
            "finish",
            Packet::Finish {
                receiver: 0x1112_1314_1516_1718,
                noise: &NOISE,
            },
        ),
        (
            "data",
            Packet::Data {
                receiver: 0x1112_1314_1516_1718,
                number: 0x2122_2324_2526_2728,
                sealed: &[0xdd; 17],
            },
        ),
        (
            "reset",
            Packet::Reset {
                source: 0x0102_0304_0506_0708,
                token: [0xaa; 16],
            },
        ),
    ]
}

pub(crate) fn frames() -> Named<Frame<'static>> {
    let close = |code| Frame::Close { code };
    vec![
        ("ping", Frame::Ping),
        (
            "ack",
            Frame::Ack(Ack::from_ranges([90..=1000, 50..=87, 3..=3], 250).unwrap()),
        ),
        (
            "part",
            Frame::Part {
                message: 70_000,
                offset: 1_150,
                last: true,
                bytes: b"piece",
            },
        ),
        ("window", Frame::Window { bytes: 65_536 }),
        ("path_challenge", Frame::PathChallenge { nonce: u64::MAX }),
        ("path_response", Frame::PathResponse { nonce: 250 }),
        ("close_done", close(CloseCode::Done)),
        ("close_superseded", close(CloseCode::Superseded)),
        ("close_violation", close(CloseCode::Violation)),
        ("close_crossed", close(CloseCode::Crossed)),
        ("close_not_admitted", close(CloseCode::NotAdmitted)),
    ]
}

const VERSION: Version = Version {
    run: 0x8877_6655_4433_2211,
    counter: 7,
};

fn v4() -> SocketAddr {
    "192.0.2.1:40000".parse().unwrap()
}

fn v6() -> SocketAddr {
    "[2001:db8::1]:80".parse().unwrap()
}

pub(crate) fn forward() -> Forward {
    Forward {
        floor: Sequence(299),
        envelope: envelope().seal(&key()),
    }
}

const fn busy<Of>(of: Of, reason: BusyReason) -> Busy<Of> {
    Busy {
        of,
        reason,
        retry_after_ms: 1_500,
    }
}

pub(crate) fn to_registry() -> Named<ToRegistry> {
    use ToRegistry as To;
    let mut all = vec![
        (
            "register",
            To::Register(Register {
                name: name("alice"),
                counter: 3,
                private: Bounded::truncated(vec![v4(), v6()]),
                directory: Some(VERSION),
            }),
        ),
        (
            "register_first",
            To::Register(Register {
                name: name("alice"),
                counter: 1,
                private: Bounded::truncated(vec![]),
                directory: None,
            }),
        ),
        ("deregister", To::Deregister { counter: 3 }),
        ("keep_alive", To::KeepAlive { counter: 3 }),
        ("lookup", To::Lookup { name: name("bob") }),
        ("directory_ack", To::DirectoryAck { version: VERSION }),
        (
            "deposit",
            To::Deposit(Deposit {
                forward: forward(),
                ttl_ms: 2_592_000_000,
            }),
        ),
        ("withdraw", To::Withdraw { slot: slot() }),
        ("outcome_ack", To::OutcomeAck { slot: slot() }),
        ("receipt", To::Receipt(receipt_of(Verdict::Received))),
        ("busy_storage", To::Busy(busy(id(), BusyReason::Storage))),
        ("busy_unhandled", To::Busy(busy(id(), BusyReason::Unhandled))),
    ];
    all.extend(rooms::to_registry());
    all
}

pub(crate) fn from_registry() -> Named<FromRegistry> {
    use FromRegistry as From;
    let slot = slot();
    let refused = |reason| From::RegistrationRefused { reason };
    let declined = |reason| From::DepositRefused { slot, reason };
    let outcome = |end| {
        From::Outcome(Outcome {
            slot,
            hash: hash(),
            end,
        })
    };
    let mut all = vec![
        (
            "registered",
            From::Registered(Registered {
                counter: 3,
                returning: true,
                store_id: [0x77; 16],
                observed: v4(),
                lease_ms: 60_000,
                lobby: false,
            }),
        ),
        (
            "registration_refused_name_taken",
            refused(RegistrationRefusal::NameTaken),
        ),
        (
            "registration_refused_name_reserved",
            refused(RegistrationRefusal::NameReserved),
        ),
        (
            "registration_refused_counter_behind",
            refused(RegistrationRefusal::CounterBehind { seen: 1000 }),
        ),
        (
            "registration_refused_other_name",
            refused(RegistrationRefusal::OtherName { name: name("alice") }),
        ),
        ("registration_refused_full", refused(RegistrationRefusal::Full)),
        (
            "registration_refused_not_admitted",
            refused(RegistrationRefusal::NotAdmitted),
        ),
        ("deregistered", From::Deregistered { counter: 3 }),
        ("alive", From::Alive { counter: 3 }),
        ("not_registered", From::NotRegistered),
        ("found", From::Found { record: record() }),
        ("not_found", From::NotFound { name: name("bob") }),
        ("directory", From::Directory(page())),
        (
            "directory_delta",
            From::Directory(Page {
                from: Some(VERSION),
                to: Version {
                    run: VERSION.run,
                    counter: 300,
                },
                index: 0,
                last: true,
                changes: Bounded::truncated(vec![]),
            }),
        ),
        ("deposited", From::Deposited { slot, hash: hash() }),
        (
            "deposit_refused_no_such_name",
            declined(DepositRefusal::NoSuchName),
        ),
        (
            "deposit_refused_identity_changed",
            declined(DepositRefusal::IdentityChanged),
        ),
        (
            "deposit_refused_mailbox_full",
            declined(DepositRefusal::MailboxFull),
        ),
        (
            "deposit_refused_sender_full",
            declined(DepositRefusal::SenderFull),
        ),
        (
            "deposit_refused_registry_full",
            declined(DepositRefusal::RegistryFull),
        ),
        ("deposit_refused_not_yours", declined(DepositRefusal::NotYours)),
        ("deposit_refused_malformed", declined(DepositRefusal::Malformed)),
        ("deposit_refused_released", declined(DepositRefusal::Released)),
        ("conflict", From::Conflict { slot }),
        ("busy_rate", From::Busy(busy(Some(slot), BusyReason::Rate))),
        ("busy_storage", From::Busy(busy(Some(slot), BusyReason::Storage))),
        ("busy_overload", From::Busy(busy(None, BusyReason::Overload))),
        ("withdrawn", From::Withdrawn { slot }),
        (
            "outcome_answered",
            outcome(End::Answered(receipt_of(Verdict::Received))),
        ),
        ("outcome_expired", outcome(End::Expired { at: sent_at() })),
        (
            "outcome_refused",
            outcome(End::Refused {
                reason: DepositRefusal::Released,
            }),
        ),
        (
            "forward",
            From::Forward {
                place: 0x1234,
                forward: forward(),
            },
        ),
        ("replayed", From::Replayed { forwards: 0x1234 }),
        (
            "deposit_refused_no_such_room",
            declined(DepositRefusal::NoSuchRoom),
        ),
        ("deposit_refused_not_member", declined(DepositRefusal::NotMember)),
        ("outcome_posted", outcome(End::Posted { received: 3, of: 300 })),
    ];
    all.extend(rooms::from_registry());
    all
}

pub(crate) fn to_peer() -> Named<ToPeer> {
    vec![
        ("deliver", ToPeer::Deliver(forward())),
        ("receipt", ToPeer::Receipt(receipt_of(Verdict::Skipped))),
        (
            "busy_unknown_sender",
            ToPeer::Busy(busy(id(), BusyReason::UnknownSender)),
        ),
        ("introduce", ToPeer::Introduce { name: name("bob") }),
    ]
}

fn record() -> Record {
    Record {
        name: name("bob"),
        card: *bob().card(),
        presence: Presence {
            online: Some(Addresses {
                observed: v6(),
                private: Bounded::truncated(vec![v4()]),
            }),
            since: sent_at(),
        },
    }
}

/// One change of each kind.
fn page() -> Page {
    Page {
        from: None,
        to: VERSION,
        index: 2,
        last: false,
        changes: Bounded::truncated(vec![
            Change::Record(record()),
            Change::Presence {
                name: name("bob"),
                presence: Presence {
                    online: None,
                    since: WallTime::from_unix_ms(-1),
                },
            },
            Change::Removed { name: name("carol") },
        ]),
    }
}

pub(crate) fn hellos() -> Named<Hello> {
    let index = 0x0102_0304_0506_0708;
    vec![(
        "alice",
        Hello {
            index,
            card: *alice().card(),
            reset_token: alice().reset_token(index),
        },
    )]
}

/// The identities that an implementation can check its own key derivation against.
pub(crate) fn identities() -> Named<Vec<u8>> {
    let card = |identity: &Identity| {
        let card = identity.card();
        [card.id.0.as_slice(), &card.key, &card.signature].concat()
    };
    let registry = Identity::from_seed(&[3; 32], Role::Registry);
    vec![
        ("alice_client_card", card(&alice())),
        ("bob_client_card", card(&bob())),
        ("registry_card", card(&registry)),
        ("alice_reset_token_of_index_5", alice().reset_token(5).to_vec()),
        ("alice_bob_pair_tag_of_text", key().tag(&[b"text"]).to_vec()),
    ]
}
