//! What the user was told of his own messages, and whether he has seen it.
//!
//! A state is told when it is true; that its line was seen is marked in the database. What a run did not get to show
//! the next one tells at its start. Marks are gathered, because a commit for each would stand in the way of the next
//! message's: a crash repeats the lines of that moment.
//! Invariants: a state is marked as seen only after its line is on the screen, and only while it is so; marks are written in
//! the order seen.

use std::net::SocketAddr;
use std::time::Duration;

use super::committed::After;
use super::{Client, Timer};
use crate::client::config::Receipts;
use crate::client::interface::{Contact, ContactEvent, Event, Notice, RoomEvent};
use crate::client::storage::{Finish, Key, Request, State, Told, Untold};
use crate::client::to::To;
use crate::clock::WallTime;
use crate::engine::Context;
use crate::id::{MessageId, Name, Slot};
use crate::limits::REQUEST_RETRY;
use crate::wire::room::Hall;

/// How long marks are gathered: short for a person, long beside a commit.
const MARKS_AFTER: Duration = Duration::from_millis(100);

/// Lines seen, and not marked yet: a disk that takes no marks takes no messages either, of which more could be told.
#[derive(Debug, Default)]
pub(super) struct Marks {
    seen: Vec<Told>,
    writing: Writing,
}

impl Marks {
    /// How many are to be written.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }
}

/// What becomes of the marks that were written last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writing {
    #[default]
    Done,
    UnderWay,
    /// They are written again with the next, after a pause.
    Failed,
}

/// That a message to a person has ended, and was not received in time.
const fn person_event(to: Name, sent_at: WallTime, end: Finish) -> Event {
    match end {
        Finish::Delivered => Event::ReceivedLater { to, sent_at },
        Finish::Refused(reason) => Event::Refused { to, sent_at, reason },
        // Nobody but rooms is reached in part.
        Finish::Expired | Finish::Reached(_) => Event::Expired { to, sent_at },
    }
}

/// As [`person_event`], of whoever is at an address.
const fn contact_event(to: Contact, sent_at: WallTime, end: Finish) -> Event {
    Event::Contact(match end {
        Finish::Delivered => ContactEvent::ReceivedLater { to, sent_at },
        Finish::Refused(reason) => ContactEvent::Refused { to, sent_at, reason },
        Finish::Expired | Finish::Reached(_) => ContactEvent::Expired { to, sent_at },
    })
}

/// As [`person_event`], of all who are in a room.
fn room_event(room: Name, sent_at: WallTime, end: Finish) -> Event {
    let reached = |reach| RoomEvent::Reached {
        room: room.clone(),
        sent_at,
        reach,
    };
    Event::Room(match end {
        Finish::Delivered => reached(None),
        Finish::Reached(reach) => reached(Some(reach)),
        Finish::Refused(reason) => RoomEvent::Refused {
            room,
            sent_at,
            reason,
        },
        Finish::Expired => RoomEvent::Expired { room, sent_at },
    })
}

impl Client {
    /// That the recipient has a message, in time.
    pub(super) fn received_event(&self, to: To) -> Event {
        match to {
            To::Peer(to) | To::Room(Hall { name: to, .. }) => Event::Received { to },
            To::At(address) => {
                let to = self.contacts.contact(address);
                Event::Contact(ContactEvent::Received { to })
            }
        }
    }

    /// That the registry keeps a message.
    pub(super) fn stored_event(&self, to: To) -> Event {
        match to {
            To::Peer(to) => Event::Stored { to },
            To::Room(Hall { name: room, .. }) => Event::Room(RoomEvent::Posted { room }),
            // It keeps nothing for an address.
            To::At(address) => self.waiting_at(address),
        }
    }

    /// That whoever is at an address cannot be reached now.
    pub(super) fn waiting_at(&self, address: SocketAddr) -> Event {
        Event::Contact(ContactEvent::Waiting {
            to: self.contacts.contact(address),
            listed: self.contacts.lists(address),
        })
    }

    /// That a message has ended, and was not received in time.
    pub(super) fn end_event(&self, to: To, sent_at: WallTime, end: Finish) -> Event {
        match to {
            To::Peer(to) => person_event(to, sent_at, end),
            To::Room(hall) => room_event(hall.name, sent_at, end),
            To::At(address) => contact_event(self.contacts.contact(address), sent_at, end),
        }
    }

    /// What a message of ours is called.
    pub(super) fn named(&self, slot: Slot) -> MessageId {
        let sender = self.me.id();
        MessageId { sender, slot }
    }

    /// Tells something of a message of ours that the next run need not tell.
    pub(super) fn tell_of(&mut self, slot: Slot, event: Event) {
        let about = vec![self.named(slot)];
        self.out.event(Notice {
            about,
            tag: None,
            event,
        });
    }

    /// Tells that a message of ours has another number now.
    pub(super) fn tell_renumbered(&mut self, to: To, was: Slot, slot: Slot) {
        let was = self.named(was);
        self.tell_of(slot, Event::Renumbered { to, was });
    }

    /// Tells that a message of ours is in this state.
    pub(super) fn tell_state(&mut self, event: Event, (key, slot): (Key, Slot), state: State) {
        let about = vec![self.named(slot)];
        self.out.tell(
            Notice {
                about,
                tag: None,
                event,
            },
            [Told::Outgoing(key, state)],
        );
    }

    /// Tells that these were stored and wait again.
    pub(super) fn tell_stranded(&mut self, stranded: &[(Key, Slot)]) {
        if !stranded.is_empty() {
            let event = Event::StoredAgain {
                messages: u64::try_from(stranded.len()).unwrap_or(u64::MAX),
            };
            let about = stranded.iter().map(|(_, slot)| self.named(*slot)).collect();
            let waiting = stranded
                .iter()
                .map(|(key, _)| Told::Outgoing(*key, State::Waiting));
            self.out.tell(
                Notice {
                    about,
                    tag: None,
                    event,
                },
                waiting,
            );
        }
    }

    /// Tells what an earlier run did not get to show.
    pub(super) fn tell_untold(&mut self, untold: Vec<Untold>) {
        let mut stranded = Vec::new();
        for Untold {
            key,
            slot,
            to,
            sent_at,
            state,
        } in untold
        {
            let event = match state {
                State::Waiting => {
                    stranded.push((key, slot));
                    continue;
                }
                State::Stored => self.stored_event(to),
                State::Ended(end) => self.end_event(to, sent_at, end),
            };
            self.tell_state(event, (key, slot), state);
        }
        self.tell_stranded(&stranded);
    }

    /// The user has seen so many events.
    pub(super) fn seen(&mut self, cx: &Context<'_>, events: u64) {
        let (before, _) = self.out.events_seen();
        self.marks.seen.extend(self.out.take_seen(events));
        if self.out.events_seen().0 > before {
            self.has_read(cx);
        }
        self.marks_go_on(cx);
    }

    /// A message was handled.
    pub(super) fn handled(&mut self, cx: &Context<'_>, id: MessageId) {
        self.marks.seen.push(Told::Incoming(id));
        self.marks_go_on(cx);
    }

    /// Somebody may wait for the mark of what was handled: that is not gathered.
    fn marks_go_on(&mut self, cx: &Context<'_>) {
        if self.over {
            // Nobody waits for what is under way: what is asked now is committed before the program is gone.
            self.ask_marks();
        } else if self.marks.writing == Writing::Done {
            match self.config.receipts {
                Receipts::Committed => self.marks_due(cx, MARKS_AFTER),
                Receipts::Handled => self.ask_marks(),
            }
        }
    }

    /// Marks what he has seen: one batch at a time, so that those of one that fails are written before later ones.
    pub(super) fn write_marks(&mut self) {
        if self.marks.writing != Writing::UnderWay {
            self.ask_marks();
        }
    }

    fn ask_marks(&mut self) {
        if !self.marks.seen.is_empty() {
            let lines = std::mem::take(&mut self.marks.seen);
            self.marks.writing = Writing::UnderWay;
            let request = Request::Told(lines.clone());
            self.out.store(request, After::Told(lines));
        }
    }

    fn marks_due(&mut self, cx: &Context<'_>, pause: Duration) {
        if !self.marks.seen.is_empty() {
            self.timers.set_by(Timer::Marks, cx.now.at + pause);
        }
    }

    /// They are written; what was seen meanwhile is next.
    pub(super) fn marks_written(&mut self, cx: &Context<'_>, lines: &[Told]) {
        for line in lines {
            match line {
                // Whatever becomes of the commit of its end: with the mark it has ended on disk.
                Told::Outgoing(key, State::Ended(Finish::Delivered)) => self.outbox.free_place(*key),
                Told::Outgoing(..) => {}
                Told::Incoming(id) => self.handling_committed(cx, *id),
            }
        }
        self.marks.writing = Writing::Done;
        self.marks_go_on(cx);
    }

    /// The disk did not take them.
    pub(super) fn marks_not_written(&mut self, cx: &Context<'_>, mut lines: Vec<Told>) {
        lines.append(&mut self.marks.seen);
        self.marks.seen = lines;
        self.marks.writing = Writing::Failed;
        self.timers.clear(&Timer::Marks);
        self.marks_due(cx, REQUEST_RETRY);
    }
}
