//! Reasons and kinds in the objects of `json`, each a word of its own.
//!
//! Programs compare them: what is here stays, there is only more. Invariant: small letters and hyphens.

use crate::client::interface::{Ending, NotAccepted, NotDone, Refusal, Standing};
use crate::id::Name;
use crate::wire::message::{BusyReason, DepositRefusal, RegistrationRefusal};
use crate::wire::room::{News, RoomRefusal};

pub(super) const fn registration(reason: &RegistrationRefusal) -> &'static str {
    match reason {
        RegistrationRefusal::NameTaken => "name-taken",
        RegistrationRefusal::NameReserved => "name-reserved",
        RegistrationRefusal::CounterBehind { .. } => "counter-behind",
        RegistrationRefusal::OtherName { .. } => "other-name",
        RegistrationRefusal::Full => "full",
        RegistrationRefusal::NotAdmitted => "not-admitted",
    }
}

pub(super) const fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Done => "done",
        Ending::ServerSilent => "server-silent",
        Ending::Unreached => "unreached",
        Ending::Refused => "refused",
        Ending::Port => "port",
        Ending::Storage => "storage",
    }
}

pub(super) const fn refusal(reason: &Refusal) -> &'static str {
    match reason {
        Refusal::NoSuchName | Refusal::Registry(DepositRefusal::NoSuchName) => "no-such-name",
        Refusal::Skipped => "skipped",
        Refusal::Unproven => "unproven",
        Refusal::Oneself => "oneself",
        Refusal::Registry(DepositRefusal::IdentityChanged) => "identity-changed",
        Refusal::Registry(DepositRefusal::MailboxFull) => "mailbox-full",
        Refusal::Registry(DepositRefusal::SenderFull) => "sender-full",
        Refusal::Registry(DepositRefusal::RegistryFull) => "registry-full",
        Refusal::Registry(DepositRefusal::NotYours) => "not-yours",
        Refusal::Registry(DepositRefusal::Malformed) => "malformed",
        Refusal::Registry(DepositRefusal::Released) => "released",
        Refusal::Registry(DepositRefusal::NoSuchRoom) => "no-such-room",
        Refusal::Registry(DepositRefusal::NotMember) => "not-member",
    }
}

pub(super) const fn not_accepted(reason: &NotAccepted) -> &'static str {
    match reason {
        NotAccepted::TooLarge(_) => "too-large",
        NotAccepted::ToSelf => "to-self",
        NotAccepted::NotInside(_) => "not-member",
        NotAccepted::OutboxFull => "outbox-full",
        NotAccepted::TooManyAddresses => "too-many-addresses",
        NotAccepted::Ambiguous { .. } => "ambiguous",
        NotAccepted::Storage(_) => "storage",
        NotAccepted::NoChange => "no-change",
        NotAccepted::NothingToTrust => "nothing-to-trust",
        NotAccepted::BlockedFull => "blocked-full",
        NotAccepted::Leaving => "leaving",
    }
}

pub(super) const fn not_done(why: &NotDone) -> &'static str {
    match why {
        NotDone::NotInside | NotDone::Refused(RoomRefusal::NotMember) => "not-member",
        NotDone::Offline => "offline",
        NotDone::NoServer => "no-server",
        NotDone::TooMany => "too-many",
        NotDone::Refused(RoomRefusal::NameTaken) => "name-taken",
        NotDone::Refused(RoomRefusal::NameReserved) => "name-reserved",
        NotDone::Refused(RoomRefusal::NoSuchRoom) => "no-such-room",
        NotDone::Refused(RoomRefusal::NotOwner) => "not-owner",
        NotDone::Refused(RoomRefusal::NoSuchMember) => "no-such-member",
        NotDone::Refused(RoomRefusal::RoomFull) => "room-full",
        NotDone::Refused(RoomRefusal::TooManyRooms) => "too-many-rooms",
        NotDone::Refused(RoomRefusal::NoSuchPost) => "no-such-post",
        NotDone::Refused(RoomRefusal::Storage) => "storage",
    }
}

/// Why somebody asks to come again.
pub(super) const fn busy(reason: BusyReason) -> &'static str {
    match reason {
        BusyReason::Rate => "rate",
        BusyReason::Storage => "storage",
        BusyReason::Overload => "overload",
        BusyReason::UnknownSender => "unknown-sender",
        BusyReason::Unhandled => "unhandled",
    }
}

/// Where an unfinished message is.
pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Due => "due",
        Standing::Behind => "behind",
        Standing::Sent => "sent",
        Standing::Depositing => "depositing",
        Standing::Stored => "stored",
        Standing::Offline => "deregistered",
        Standing::Ended => "ended",
        Standing::Unreachable => "unreachable",
        Standing::NoSuchName => "no-such-name",
        Standing::NoRoom => "no-room",
        Standing::Slowed => "slowed",
        Standing::RegistryDisk => "registry-disk",
        Standing::Untrusted => "untrusted",
    }
}

/// What has happened in a room, and to whom.
pub(super) const fn news(news: &News) -> (&'static str, Option<&Name>) {
    match news {
        News::Joined { name } => ("joined", Some(name)),
        News::Left { name } => ("left", Some(name)),
        News::Kicked { name } => ("kicked", name.as_ref()),
        News::Ended => ("ended", None),
    }
}
