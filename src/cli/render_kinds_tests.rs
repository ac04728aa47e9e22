//! The kinds of events that have words of their own: each has a number.
//!
//! Invariant: an event that is new does not compile before it has one here.

use super::*;

/// Kinds of events that have words.
pub(super) const KINDS: usize = 58;

/// Its kind: what is new does not compile before it has a number here, and fails before it is in `faces`.
pub(super) const fn kind(event: &Event) -> usize {
    match event {
        Event::Registered { .. } => 0,
        Event::RegistrationRefused { reason, .. } => match reason {
            RegistrationRefusal::NameTaken => 1,
            RegistrationRefusal::NameReserved => 2,
            RegistrationRefusal::CounterBehind { .. } => 3,
            RegistrationRefusal::OtherName { .. } => 4,
            RegistrationRefusal::Full => 5,
            RegistrationRefusal::NotAdmitted => 6,
        },
        Event::Deregistered => 7,
        Event::ServerSilent => 8,
        Event::ServerBack => 9,
        Event::Superseded => 10,
        Event::RegistryChanged { .. } => 11,
        Event::TableUpdated => 12,
        Event::HaveMessages => 13,
        Event::Incoming(message) => match &message.road {
            Road::Direct => 14,
            Road::Stored => 15,
            Road::Late => 16,
            Road::Room { before: false, .. } => 38,
            Road::Room { before: true, .. } => 39,
        },
        Event::Received { .. } => 17,
        Event::NoAnswer { .. } => 18,
        Event::Offline { .. } => 19,
        Event::Stored { .. } => 20,
        Event::ReceivedLater { .. } => 21,
        Event::Waiting { .. } => 22,
        Event::StoredAgain { .. } => 23,
        Event::Refused { reason, .. } => match reason {
            Refusal::NoSuchName => 24,
            // Which words each of these has: `every_refusal_says_what_happened_to_which_message`.
            Refusal::Registry(_) | Refusal::Skipped | Refusal::Unproven | Refusal::Oneself => 25,
        },
        Event::Expired { .. } => 26,
        Event::NotAccepted(reason) => kind_of_denial(reason),
        Event::IdentityChanged { .. } => 34,
        Event::Trusted { .. } => 35,
        Event::Trouble(_) => 36,
        Event::Unanswered { .. } => 57,
        Event::Ended(_) => 37,
        // Which words each of these has: `render_rooms_tests.rs`, `render_contacts_tests.rs`, `render_history_tests.rs`,
        // `render_people_tests.rs`.
        Event::People(_) => 55,
        Event::Room(_) => 41,
        Event::Contact(_) => 47,
        Event::History(_) | Event::Forgotten(_) => 53,
        Event::Users(_) => 42,
        Event::Presence { online: true, .. } => 43,
        Event::Presence { online: false, .. } => 44,
        Event::PresenceTold { on: true } => 45,
        Event::PresenceTold { on: false } => 46,
        Event::Status(_) => 49,
        Event::Net(_) => 54,
        Event::Trace(_) => 55,
        Event::Fingerprint { id: Some(_), .. } => 50,
        Event::Fingerprint { id: None, .. } => 51,
        // For programs, or for completion: without words.
        Event::Accepted { .. } | Event::Renumbered { .. } | Event::Names(_) => KINDS,
    }
}

const fn kind_of_denial(reason: &NotAccepted) -> usize {
    match reason {
        NotAccepted::TooLarge(_) => 27,
        NotAccepted::ToSelf => 28,
        NotAccepted::OutboxFull => 29,
        NotAccepted::Storage(_) => 30,
        NotAccepted::NoChange => 31,
        NotAccepted::NothingToTrust => 32,
        NotAccepted::Leaving => 33,
        NotAccepted::NotInside(_) => 40,
        NotAccepted::TooManyAddresses => 48,
        NotAccepted::Ambiguous { .. } => 52,
        NotAccepted::BlockedFull => 56,
    }
}
