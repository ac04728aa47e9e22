//! What has become of the one message that `--send` sends, as the client tells it.
//!
//! Follows the message by its name; between the thread that is told and the one that waits. What is printed of it and which exit
//! code it makes is `sending`'s.
//! Invariant: a message that was received, refused or has expired stays so.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cli::args::Wait;
use crate::client::interface::{Event, Notice, RoomEvent};
use crate::id::MessageId;

/// Where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was not submitted.
    #[default]
    Unsent,
    /// It was submitted, and nothing was told of it yet: it may be in the outbox.
    Unknown,
    /// It was not accepted.
    NotAccepted,
    /// It is in the outbox.
    Waiting,
    /// The server keeps it.
    Stored,
    /// Not everybody in the room has it, and nobody else will.
    Partly,
    /// Whom it was for has it.
    Delivered,
    /// Refused for good.
    Refused,
    /// Its lifetime has passed.
    Expired,
}

impl Fate {
    /// What an event about it makes of it, if anything.
    const fn after(event: &Event) -> Option<Self> {
        Some(match event {
            Event::NotAccepted(_) => Self::NotAccepted,
            Event::Accepted { .. }
            | Event::Renumbered { .. }
            | Event::NoAnswer { .. }
            | Event::Offline { .. }
            | Event::Waiting { .. }
            | Event::StoredAgain { .. }
            | Event::Room(RoomEvent::Waiting { .. }) => Self::Waiting,
            Event::Stored { .. } | Event::Room(RoomEvent::Posted { .. }) => Self::Stored,
            Event::Received { .. }
            | Event::ReceivedLater { .. }
            | Event::Room(RoomEvent::Reached { reach: None, .. }) => Self::Delivered,
            Event::Room(RoomEvent::Reached { reach: Some(_), .. }) => Self::Partly,
            Event::Refused { .. } | Event::Room(RoomEvent::Refused { .. }) => Self::Refused,
            Event::Expired { .. } | Event::Room(RoomEvent::Expired { .. }) => Self::Expired,
            _ => return None,
        })
    }

    /// Whether that is as far as it was to come, or comes at all.
    pub(super) const fn is_settled(self, wait: Wait) -> bool {
        match self {
            Self::Unsent | Self::Unknown | Self::Waiting => false,
            Self::Stored => matches!(wait, Wait::Stored),
            Self::NotAccepted | Self::Partly | Self::Delivered | Self::Refused | Self::Expired => true,
        }
    }
}

/// The message, followed.
#[derive(Debug, Default)]
pub(super) struct Letter {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    id: Option<MessageId>,
    fate: Fate,
    ended: bool,
}

impl Letter {
    /// It is about to be submitted: from here on it may be kept.
    pub(super) fn leaves(&self) {
        self.lock().fate = Fate::Unknown;
    }

    /// It was not taken after all.
    pub(super) fn returns(&self) {
        self.lock().fate = Fate::Unsent;
    }

    /// Something was told; where the message stands now, if it was about it. There is one message in the whole run: what is
    /// accepted, or not, is that.
    pub(super) fn note(&self, notice: &Notice) -> Option<Fate> {
        let mut state = self.lock();
        let event = &notice.event;
        let was = match event {
            Event::Renumbered { was, .. } => Some(*was),
            _ => None,
        };
        let first = state.id.is_none() && matches!(event, Event::Accepted { .. } | Event::NotAccepted(_));
        let renamed = was.is_some() && was == state.id;
        let ours = first || renamed || state.id.is_some_and(|id| notice.about.contains(&id));
        if first || renamed {
            state.id = notice.about.first().copied();
        }
        state.ended |= matches!(event, Event::Ended(_));
        if ours && let Some(fate) = Fate::after(event) {
            state.fate = fate;
        }
        let told = ours.then_some(state.fate);
        drop(state);
        self.changed.notify_all();
        told
    }

    /// Waits until it is settled or the program ends, but not for longer than this.
    pub(super) fn wait(&self, wait: Wait, patience: Duration) {
        let open = |state: &mut State| !state.ended && !state.fate.is_settled(wait);
        drop(self.changed.wait_timeout_while(self.lock(), patience, open));
    }

    /// Where it stands.
    pub(super) fn fate(&self) -> Fate {
        self.lock().fate
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::interface::{Ending, NotAccepted, Refusal};
    use crate::clock::WallTime;
    use crate::id::{Epoch, IdentityId, Name, Sequence, Slot};

    const LONG: Duration = Duration::from_secs(60);

    fn id(sequence: u64) -> MessageId {
        MessageId {
            sender: IdentityId([1; 32]),
            slot: Slot {
                epoch: Epoch(1),
                sequence: Sequence(sequence),
            },
        }
    }

    fn bob() -> Name {
        "bob".parse().unwrap()
    }

    fn told(letter: &Letter, sequence: u64, event: Event) -> Option<Fate> {
        letter.note(&Notice {
            about: vec![id(sequence)],
            tag: None,
            event,
        })
    }

    #[test]
    fn it_is_followed_by_its_name_and_no_other_is() {
        let letter = Letter::default();
        assert_eq!(
            told(&letter, 0, Event::Stored { to: bob() }),
            None,
            "an earlier one"
        );
        assert_eq!(
            told(&letter, 1, Event::Accepted { to: bob().into() }),
            Some(Fate::Waiting)
        );
        assert_eq!(told(&letter, 0, Event::Received { to: bob() }), None);
        let renumbered = Event::Renumbered {
            to: bob().into(),
            was: id(1),
        };
        assert_eq!(told(&letter, 7, renumbered), Some(Fate::Waiting));
        assert_eq!(told(&letter, 1, Event::Received { to: bob() }), None);
        assert_eq!(told(&letter, 7, Event::Stored { to: bob() }), Some(Fate::Stored));
        letter.wait(Wait::Stored, LONG);
        letter.wait(Wait::Delivered, Duration::ZERO);
        assert_eq!(
            told(&letter, 7, Event::Received { to: bob() }),
            Some(Fate::Delivered)
        );
        letter.wait(Wait::Delivered, LONG);
    }

    #[test]
    fn ends_are_waited_for_no_longer() {
        let refused = Event::Refused {
            to: bob(),
            sent_at: WallTime::default(),
            reason: Refusal::NoSuchName,
        };
        let letter = Letter::default();
        told(&letter, 1, Event::Accepted { to: bob().into() });
        assert_eq!(told(&letter, 1, refused), Some(Fate::Refused));
        letter.wait(Wait::Delivered, LONG);
        let letter = Letter::default();
        letter.note(&Event::NotAccepted(NotAccepted::OutboxFull).into());
        letter.wait(Wait::Stored, LONG);
        assert_eq!(letter.fate(), Fate::NotAccepted);
        let letter = Letter::default();
        letter.leaves();
        letter.note(&Event::Ended(Ending::Done).into());
        letter.wait(Wait::Stored, LONG);
        assert_eq!(letter.fate(), Fate::Unknown, "it may be kept");
        letter.returns();
        assert_eq!(letter.fate(), Fate::Unsent);
    }
}
