//! What the engine says, as this interface says it.
//!
//! The only place that knows both. What concerns the person at a prompt alone (that the table has changed, that mail
//! follows) is left out.
//! Invariant: a message of ours is called what it was called when it was accepted, until its state is final.

use std::collections::BTreeMap;

use super::error::{NotDone, NotSent};
use super::event::{Event, Message, MessageId, Refusal, Sent, State, To, system_time};
use crate::client::interface::{
    self as engine, ContactEvent, Incoming, Notice, Road, RoomCommand, RoomEvent,
};
use crate::id::{self, IdentityId, Name};
use crate::limits::OUTBOX_MESSAGES_MAX;
use crate::reserved::is_released;
use crate::wire::message::{DepositRefusal, RegistrationRefusal};
use crate::wire::room::{News, RoomRefusal};

/// What can be wanted of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// To be in it, as its maker or as a guest.
    Enter,
    /// To be out of it.
    Leave,
}

/// What a notice of the engine is for the program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// To be handed out.
    Events(Vec<Event>),
    /// A text was accepted, or not.
    Text(Result<MessageId, NotSent>),
    /// What was wanted of this room is done, or not. If nobody has asked for it, it is told.
    Room(Deed, String, Result<Event, NotDone>),
    /// The client will not go on, and this is why.
    Refused(String),
}

impl From<Event> for Said {
    fn from(event: Event) -> Self {
        Self::Events(vec![event])
    }
}

/// Translates what one run of a client says.
#[derive(Debug, Default)]
pub(super) struct Translator {
    /// Of messages that were numbered anew: what they were called first. As many as an outbox holds.
    first: BTreeMap<id::MessageId, id::MessageId>,
}

impl Translator {
    pub(super) fn translate(&mut self, notice: &Notice) -> Said {
        match &notice.event {
            engine::Event::Registered { returning } => Event::Registered {
                returning: *returning,
            }
            .into(),
            engine::Event::ServerSilent => Event::Offline.into(),
            engine::Event::ServerBack => Event::Online.into(),
            engine::Event::Incoming(message) => Event::Message(incoming(message)).into(),
            engine::Event::Room(event) => self.room(&notice.about, event),
            engine::Event::Contact(event) => self.contact(&notice.about, event),
            engine::Event::Accepted { .. } => match notice.about.first() {
                Some(id) => Said::Text(Ok(MessageId(*id))),
                None => nothing(),
            },
            engine::Event::NotAccepted(why) => not_sent(why).map_or_else(nothing, |why| Said::Text(Err(why))),
            engine::Event::Renumbered { was, .. } => {
                self.renumbered(*was, &notice.about);
                nothing()
            }
            engine::Event::RegistrationRefused { name, reason } => Said::Refused(registration(name, reason)),
            engine::Event::RegistryChanged { known, found } => Said::Refused(changed_registry(known, found)),
            other => match trouble(other) {
                Some(sentence) => Event::Trouble(sentence).into(),
                None => self.states(&notice.about, other),
            },
        }
    }

    /// What became of messages of ours.
    fn states(&mut self, about: &[id::MessageId], event: &engine::Event) -> Said {
        let peer = |name: &Name| Some(To::Peer(name.to_string()));
        let (to, state) = match event {
            engine::Event::Received { to } | engine::Event::ReceivedLater { to, .. } => {
                (peer(to), State::Delivered)
            }
            engine::Event::Stored { to } => (peer(to), State::Stored),
            engine::Event::Waiting { to } => (peer(to), State::Waiting),
            engine::Event::StoredAgain { .. } => (None, State::Waiting),
            engine::Event::Expired { to, .. } => (peer(to), State::Expired),
            engine::Event::Refused { to, reason, .. } => (peer(to), State::Refused(refusal(*reason))),
            _ => return nothing(),
        };
        self.sent(about, to.as_ref(), &state)
    }

    fn room(&mut self, about: &[id::MessageId], event: &RoomEvent) -> Said {
        let (room, state) = match event {
            RoomEvent::Posted { room } => (room, State::Stored),
            RoomEvent::Waiting { room } => (room, State::Waiting),
            RoomEvent::Reached {
                room, reach: None, ..
            } => (room, State::Delivered),
            RoomEvent::Reached {
                room,
                reach: Some(reach),
                ..
            } => {
                let (received, of) = (reach.received, reach.of);
                (room, State::DeliveredTo { received, of })
            }
            RoomEvent::Refused { room, reason, .. } => (room, State::Refused(refusal(*reason))),
            RoomEvent::Expired { room, .. } => (room, State::Expired),
            other => return room_news(other),
        };
        self.sent(about, Some(&To::Room(room.to_string())), &state)
    }

    /// What became of messages that another program has written to addresses, in this folder.
    fn contact(&mut self, about: &[id::MessageId], event: &ContactEvent) -> Said {
        let (to, state) = match event {
            ContactEvent::Received { to } | ContactEvent::ReceivedLater { to, .. } => (to, State::Delivered),
            ContactEvent::Waiting { to, .. } => (to, State::Waiting),
            ContactEvent::Expired { to, .. } => (to, State::Expired),
            ContactEvent::Refused { to, reason, .. } => (to, State::Refused(refusal(*reason))),
            _ => return nothing(),
        };
        self.sent(about, Some(&To::Address(to.address)), &state)
    }

    fn sent(&mut self, about: &[id::MessageId], to: Option<&To>, state: &State) -> Said {
        let told = about.iter().map(|id| {
            let first = match state.is_final() {
                true => self.first.remove(id),
                false => self.first.get(id).copied(),
            };
            Event::Sent(Sent {
                id: MessageId(first.unwrap_or(*id)),
                to: to.cloned(),
                state: state.clone(),
            })
        });
        Said::Events(told.collect())
    }

    fn renumbered(&mut self, was: id::MessageId, about: &[id::MessageId]) {
        let first = self.first.remove(&was).unwrap_or(was);
        if let Some(now) = about.first()
            && self.first.len() < OUTBOX_MESSAGES_MAX
        {
            self.first.insert(*now, first);
        }
    }
}

const fn nothing() -> Said {
    Said::Events(Vec::new())
}

fn incoming(message: &Incoming) -> Message {
    Message {
        id: MessageId(message.id),
        from: message.from.to_string(),
        text: message.text.clone(),
        sent_at: system_time(message.sent_at),
        room: match &message.road {
            Road::Room { name, .. } => Some(name.to_string()),
            Road::Direct | Road::Stored | Road::Late => None,
        },
    }
}

fn done(deed: Deed, room: &Name) -> Said {
    let room = room.to_string();
    let unasked = match deed {
        Deed::Enter => Event::Inside { room: room.clone() },
        Deed::Leave => outside(room.clone()),
    };
    Said::Room(deed, room, Ok(unasked))
}

fn not_done(deed: Deed, room: &Name, why: &engine::NotDone) -> Said {
    Said::Room(deed, room.to_string(), Err(reason(why)))
}

const fn outside(room: String) -> Event {
    Event::Outside { room }
}

fn room_news(event: &RoomEvent) -> Said {
    match event {
        RoomEvent::Entered { room, .. } => done(Deed::Enter, &room.hall.name),
        RoomEvent::Left { room } => done(Deed::Leave, room),
        RoomEvent::NotDone { command, why } => match command {
            RoomCommand::Create(room) | RoomCommand::Join(room) => not_done(Deed::Enter, room, why),
            RoomCommand::Leave(room) => not_done(Deed::Leave, room, why),
            RoomCommand::Kick { .. } | RoomCommand::List | RoomCommand::Members(_) => nothing(),
        },
        RoomEvent::Outside { room } => outside(room.to_string()).into(),
        RoomEvent::News { room, out: true, .. } => outside(room.to_string()).into(),
        RoomEvent::News {
            room, members, news, ..
        } => news_of(room.to_string(), *members, news),
        RoomEvent::Missed { room, messages } => Event::Missed {
            room: room.to_string(),
            messages: *messages,
        }
        .into(),
        RoomEvent::Impostor { room, name } => Event::Trouble(format!(
            "a message in {room} is not handed out: it bears the name {name}, and is signed by another than the {name} that \
             is known here"
        ))
        .into(),
        _ => nothing(),
    }
}

/// What has happened to others in a room that we are in.
fn news_of(room: String, members: u32, news: &News) -> Said {
    match news {
        News::Joined { name } => Event::Joined {
            room,
            name: name.to_string(),
            members,
        }
        .into(),
        News::Left { name } | News::Kicked { name: Some(name) } => Event::Left {
            room,
            name: name.to_string(),
            members,
        }
        .into(),
        // By ourselves.
        News::Kicked { name: None } | News::Ended => nothing(),
    }
}

const fn refusal(reason: engine::Refusal) -> Refusal {
    let registry = match reason {
        engine::Refusal::NoSuchName => return Refusal::NoSuchName,
        engine::Refusal::Skipped => return Refusal::Skipped,
        engine::Refusal::Unproven => return Refusal::Unproven,
        engine::Refusal::Oneself => return Refusal::Oneself,
        engine::Refusal::Registry(reason) => reason,
    };
    match registry {
        DepositRefusal::NoSuchName | DepositRefusal::Released => Refusal::NoSuchName,
        DepositRefusal::IdentityChanged => Refusal::IdentityChanged,
        DepositRefusal::MailboxFull | DepositRefusal::SenderFull | DepositRefusal::RegistryFull => {
            Refusal::NoRoom
        }
        DepositRefusal::NoSuchRoom => Refusal::NoSuchRoom,
        DepositRefusal::NotMember => Refusal::NotInside,
        // Not of a message that we have made.
        DepositRefusal::NotYours | DepositRefusal::Malformed => Refusal::Unproven,
    }
}

/// `None`: it is not about a text.
fn not_sent(why: &engine::NotAccepted) -> Option<NotSent> {
    Some(match why {
        engine::NotAccepted::TooLarge(bytes) => NotSent::TooLarge(*bytes),
        engine::NotAccepted::ToSelf => NotSent::ToSelf,
        engine::NotAccepted::NotInside(_) => NotSent::NotInside,
        engine::NotAccepted::OutboxFull => NotSent::OutboxFull,
        engine::NotAccepted::Storage(sentence) => NotSent::Storage(sentence.clone()),
        engine::NotAccepted::Ambiguous { address, .. } => NotSent::Ambiguous(*address),
        engine::NotAccepted::NoChange
        | engine::NotAccepted::NothingToTrust
        | engine::NotAccepted::BlockedFull
        | engine::NotAccepted::TooManyAddresses
        | engine::NotAccepted::Leaving => return None,
    })
}

const fn reason(why: &engine::NotDone) -> NotDone {
    let refusal = match why {
        engine::NotDone::NotInside => return NotDone::NotInside,
        engine::NotDone::Offline => return NotDone::Offline,
        engine::NotDone::NoServer => return NotDone::NoRegistry,
        engine::NotDone::TooMany => return NotDone::Busy,
        engine::NotDone::Refused(refusal) => refusal,
    };
    match refusal {
        RoomRefusal::NameTaken => NotDone::NameTaken,
        RoomRefusal::NameReserved => NotDone::NameReserved,
        RoomRefusal::NoSuchRoom => NotDone::NoSuchRoom,
        RoomRefusal::RoomFull => NotDone::RoomFull,
        RoomRefusal::TooManyRooms => NotDone::TooManyRooms,
        RoomRefusal::Storage => NotDone::Busy,
        RoomRefusal::NotMember
        | RoomRefusal::NotOwner
        | RoomRefusal::NoSuchMember
        | RoomRefusal::NoSuchPost => NotDone::NotInside,
    }
}

fn registration(name: &Name, reason: &RegistrationRefusal) -> String {
    match reason {
        RegistrationRefusal::NameTaken => format!("the name {name} is taken; choose another one"),
        RegistrationRefusal::NameReserved => format!("the name {name} is reserved; choose another one"),
        RegistrationRefusal::CounterBehind { .. } => {
            format!("another copy of the identity of {name} has registered since; use one copy only")
        }
        RegistrationRefusal::OtherName { name: other } if is_released(other) => format!(
            "the registry's operator has released this identity's name; start under another name than {name}, or move the \
             client's folder away: either makes a new identity"
        ),
        RegistrationRefusal::OtherName { name: other } => {
            format!("this identity is registered as {other}; an identity has one name")
        }
        RegistrationRefusal::Full => {
            "the registry takes no more new names for now; try again in an hour, or ask its operator"
                .to_owned()
        }
        RegistrationRefusal::NotAdmitted => {
            format!("the registry does not admit {name}; its operator decides who may register")
        }
    }
}

fn changed_registry(known: &IdentityId, found: &IdentityId) -> String {
    format!(
        "the registry is not the one that is known here, and nothing was sent to it; known: {}; found: {}; if the new one is \
         right, move the files database.sqlite* out of the client's folder: they belong to the old one",
        known.fingerprint(),
        found.fingerprint()
    )
}

/// A sentence for what a person has to see to.
fn trouble(event: &engine::Event) -> Option<String> {
    Some(match event {
        engine::Event::Superseded => {
            "the same identity has registered from elsewhere; this client is offline, and what it sends waits until it is \
             started again"
                .to_owned()
        }
        engine::Event::IdentityChanged { name, known, found } => format!(
            "the identity of {name} is not the one that is known here, and nothing is sent to {name}; known: {}; found: {}; \
             if {name} confirms the new one by another way, start udpchat on this client's folder and type: trust {name} {}",
            known.fingerprint(),
            found.fingerprint(),
            found.fingerprint()
        ),
        engine::Event::Trouble(sentence) | engine::Event::Unanswered { why: sentence, .. } => sentence.clone(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::storage::Reach;
    use crate::clock::WallTime;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn events(notice: impl Into<Notice>) -> Vec<Event> {
        match Translator::default().translate(&notice.into()) {
            Said::Events(events) => events,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_is_put_out_of_a_room_is_told_otherwise_than_who_stays() {
        let told = |news, out| {
            events(engine::Event::Room(RoomEvent::News {
                room: name("den"),
                at: WallTime::from_unix_ms(0),
                members: 2,
                news,
                out,
            }))
        };
        let room = || "den".to_owned();
        let kicked = |who| News::Kicked {
            name: Some(name(who)),
        };
        for out in [kicked("Alice"), News::Kicked { name: None }, News::Ended] {
            assert_eq!(told(out, true), [Event::Outside { room: room() }]);
        }
        for out in [kicked("bob"), News::Left { name: name("bob") }] {
            let (name, members) = ("bob".to_owned(), 2);
            assert_eq!(
                told(out, false),
                [Event::Left {
                    room: room(),
                    name,
                    members
                }]
            );
        }
    }

    #[test]
    fn a_post_has_reached_everybody_or_so_many() {
        let slot = crate::id::Slot {
            epoch: crate::id::Epoch(1),
            sequence: crate::id::Sequence(1),
        };
        let id = id::MessageId {
            sender: IdentityId([1; 32]),
            slot,
        };
        let reached = |reach| {
            let event = engine::Event::Room(RoomEvent::Reached {
                room: name("den"),
                sent_at: WallTime::from_unix_ms(0),
                reach,
            });
            let about = vec![id];
            events(Notice {
                about,
                tag: None,
                event,
            })
        };
        let sent = |state| {
            let (id, to) = (MessageId(id), Some(To::Room("den".to_owned())));
            [Event::Sent(Sent { id, to, state })]
        };
        assert_eq!(reached(None), sent(State::Delivered));
        let reach = Reach { received: 1, of: 3 };
        assert_eq!(
            reached(Some(reach)),
            sent(State::DeliveredTo { received: 1, of: 3 })
        );
    }

    #[test]
    fn what_is_for_the_person_at_a_prompt_is_left_out() {
        for event in [engine::Event::TableUpdated, engine::Event::HaveMessages] {
            assert_eq!(events(event), []);
        }
        let on_its_way = engine::Event::NoAnswer { to: name("bob") };
        assert_eq!(events(on_its_way), [], "its state is what it was");
    }
}
