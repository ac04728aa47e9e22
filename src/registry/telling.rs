//! Who is told of the directory, and when (PROTOCOL §8.3).
//!
//! Of each client only the version that he has acknowledged is kept. One update is under way at a time, from there to
//! the present, at most one a second; the first goes out at once. Many are told in bursts with a pause between, and
//! one update is sent whole before the next, so that newcomers do not wait for each other with half of it.
//! Invariant: a client who is behind has an update under way, a place in the queue, or a timer.

use std::collections::{BTreeSet, VecDeque};

use crate::clock::Instant;
use crate::engine::Context;
use crate::id::Name;
use crate::limits::{
    DIRECTORY_BURST, DIRECTORY_FLIGHT_BYTES, DIRECTORY_INTERVAL, DIRECTORY_PACE, ROOM_RETRY, ROOM_RETRY_MAX,
    SUBSCRIPTIONS_MAX,
};
use crate::registry::Registry;
use crate::registry::airborne::{Airborne, Load};
use crate::registry::awaited::Awaited;
use crate::registry::directory::{Encoded, Place, record};
use crate::registry::members::Seat;
use crate::registry::storage::MemberId;
use crate::registry::timers::Timer;
use crate::transport::{Backlog, SessionId};
use crate::wire::message::{FromRegistry, Version};

/// What one client knows of the directory.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What he has acknowledged; `None`: he is to drop what he knows.
    acknowledged: Option<u64>,
    /// What is under way to him.
    update: Option<Update>,
    /// When the next update may begin.
    not_before: Instant,
    /// Whether he stands in the queue.
    queued: bool,
    /// Whom he follows, while not everybody is told of everybody: oldest first.
    followed: VecDeque<MemberId>,
}

/// An update on its way.
#[derive(Debug)]
struct Update {
    /// The page to be sent next; `None` when all are sent.
    page: Option<Place>,
    /// The version that it leads to.
    to: u64,
    /// When it is begun again unless it was acknowledged: of its last page.
    awaited: Awaited,
    /// What of it counts as on its way.
    load: Load,
}

impl Told {
    /// What a client knows who comes with the directory of an earlier stay.
    pub(super) fn new(acknowledged: Option<u64>) -> Self {
        Self {
            acknowledged,
            ..Self::default()
        }
    }

    /// Whom he follows.
    pub(super) fn followed(&self) -> impl Iterator<Item = MemberId> {
        self.followed.iter().copied()
    }
}

/// Those who wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<MemberId>,
    /// When the present burst began, and how many messages it has.
    burst_at: Option<Instant>,
    sent: usize,
    airborne: Airborne,
}

impl Told {
    /// Whether something is under way to him.
    pub(super) const fn is_being_told(&self) -> bool {
        self.update.is_some()
    }
}

impl Queue {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// An update is over, or given up.
    fn drop_update(&mut self, told: &mut Told) {
        if let Some(update) = told.update.take() {
            self.airborne.remove(&update.load);
        }
    }
}

impl Registry {
    /// A member has changed: those who need to know will be told.
    pub(super) fn spread(&mut self, cx: &Context<'_>, member: MemberId, record: bool) {
        if let Some(found) = self.members.find_mut(member) {
            self.directory.stamp(found, record);
        }
        self.choose_mode();
        let told: Vec<MemberId> = if self.directory.pushing {
            self.online.iter().copied().collect()
        } else {
            self.directory.followers(member)
        };
        for reader in told {
            self.consider_telling(cx.now.at, reader);
        }
        self.tell_queue(cx);
        self.show_table(cx);
    }

    /// Pushes to everybody or not, by the number of names. Everybody begins anew when that changes.
    pub(super) fn choose_mode(&mut self) {
        let names = self.members.committed();
        let pushing = if self.directory.pushing {
            names <= self.config.push_max
        } else {
            names < self.config.push_resume
        };
        if pushing == self.directory.pushing {
            return;
        }
        self.directory.pushing = pushing;
        for member in &self.online {
            let Some(seat) = self.members.seat_mut(*member) else {
                continue;
            };
            for followed in seat.told.followed() {
                self.directory.unfollow(followed, *member);
            }
            seat.told.followed = VecDeque::new();
            seat.told.acknowledged = None;
            self.tellings.drop_update(&mut seat.told);
            if !std::mem::replace(&mut seat.told.queued, true) {
                self.tellings.waiting.push_back(*member);
            }
        }
    }

    /// Puts a client in the queue if he is behind and may be told now; else sees to it that he will be.
    pub(super) fn consider_telling(&mut self, now: Instant, member: MemberId) {
        let version = self.directory.counter();
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let told = &mut seat.told;
        if told.queued || told.update.is_some() || told.acknowledged == Some(version) {
            return;
        }
        if told.not_before > now {
            self.timers.set(Timer::Tell(member), told.not_before);
        } else {
            told.queued = true;
            self.tellings.waiting.push_back(member);
        }
    }

    /// Tells those in the queue, as far as this burst goes.
    pub(super) fn tell_queue(&mut self, cx: &Context<'_>) {
        let now = cx.now.at;
        let burst_at = *self.tellings.burst_at.get_or_insert(now);
        if now.since(burst_at) >= DIRECTORY_PACE {
            self.tellings.burst_at = Some(now);
            self.tellings.sent = 0;
        }
        while self.tellings.sent < DIRECTORY_BURST {
            if self.tellings.airborne.bytes(now) >= DIRECTORY_FLIGHT_BYTES {
                // An acknowledgement goes on with it at once.
                self.timers.set(Timer::Pace, now + ROOM_RETRY);
                return;
            }
            let Some(member) = self.tellings.waiting.pop_front() else {
                return;
            };
            self.tell(cx, member);
        }
        if !self.tellings.waiting.is_empty() {
            let burst_at = self.tellings.burst_at.unwrap_or(now);
            self.timers.set(Timer::Pace, burst_at + DIRECTORY_PACE);
        }
    }

    /// Begins or goes on with a client's update: one page.
    fn tell(&mut self, cx: &Context<'_>, member: MemberId) {
        let now = cx.now.at;
        let version = self.directory.counter();
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        seat.told.queued = false;
        let Some(session) = seat.session else {
            return;
        };
        let reader = seat.observed.ip();
        let place = match &seat.told.update {
            Some(update) => update.page,
            None => Some(Place {
                from: seat.told.acknowledged,
                to: version,
                next: MemberId(0),
                index: 0,
            }),
        };
        let Some(place) = place else {
            return;
        };
        let page = if self.directory.pushing {
            self.directory.page(&self.members, place, reader)
        } else {
            let followed: BTreeSet<MemberId> = self
                .members
                .seat(member)
                .into_iter()
                .flat_map(|seat| seat.told.followed())
                .collect();
            self.directory.page_of(&self.members, place, reader, &followed)
        };
        if page.is_empty && place.from.is_some() && place.index == 0 {
            // Nothing that concerns him: he stays at the version that he has.
            if let Some(seat) = self.members.seat_mut(member) {
                self.tellings.drop_update(&mut seat.told);
            }
            return;
        }
        if self.out.room(cx, session) < page.bytes.len() {
            self.timers.set(Timer::Tell(member), now + ROOM_RETRY_MAX);
            return;
        }
        self.send_page(now, (member, session), place, page);
    }

    fn send_page(
        &mut self,
        now: Instant,
        (member, session): (MemberId, SessionId),
        place: Place,
        page: Encoded,
    ) {
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let told = &mut seat.told;
        let update = told.update.get_or_insert_with(|| {
            told.not_before = now + DIRECTORY_INTERVAL;
            Update {
                page: None,
                to: place.to,
                awaited: Awaited::new(now),
                load: Load::default(),
            }
        });
        update.page = page.next.map(|next| Place {
            next,
            index: place.index.saturating_add(1),
            ..place
        });
        if update.page.is_some() {
            told.queued = true;
            self.tellings.waiting.push_front(member);
        } else {
            update.awaited.last_part(now);
            self.timers.set(Timer::Tell(member), update.awaited.due());
        }
        self.tellings.sent += 1;
        let bytes = page.bytes.len();
        self.tellings.airborne.add(now, &mut update.load, bytes);
        self.out.send_bytes(session, page.bytes);
    }

    /// A client has the directory up to `version`.
    pub(super) fn directory_ack(&mut self, cx: &Context<'_>, member: MemberId, version: Version) {
        let known = self.directory.known(version);
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let told = &mut seat.told;
        let (Some(known), Some(update)) = (known, &told.update) else {
            return;
        };
        let done = known == update.to && update.page.is_none();
        // The update was begun again, and what he has now is more than that begins from: it would never fit.
        let ahead = told.acknowledged.is_some_and(|before| before < known);
        if !done && !ahead {
            return;
        }
        told.acknowledged = Some(known);
        self.tellings.drop_update(told);
        self.timers.clear(Timer::Tell(member));
        self.consider_telling(cx.now.at, member);
        self.tell_queue(cx);
    }

    /// A client's time has come: for an update, for one that had no room, or for one that was not acknowledged.
    pub(super) fn tell_timeout(&mut self, cx: &Context<'_>, member: MemberId) {
        let now = cx.now.at;
        let Some(seat) = self.members.seat_mut(member) else {
            return;
        };
        let session = seat.session;
        let backlog = session.map_or_else(Backlog::default, |session| cx.sessions.backlog(session));
        let told = &mut seat.told;
        if let Some(update) = &mut told.update {
            if update.page.is_none() {
                if !update.awaited.is_over(now, backlog) {
                    self.timers.set(Timer::Tell(member), update.awaited.due());
                    return;
                }
                // All has arrived and nothing came back: begin again, from what he is known to have to the present.
                self.tellings.airborne.remove(&update.load);
                update.awaited.repeat(now);
                update.page = Some(Place {
                    from: told.acknowledged,
                    to: self.directory.counter(),
                    next: MemberId(0),
                    index: 0,
                });
                update.to = self.directory.counter();
                update.load = Load::default();
            }
            if !std::mem::replace(&mut told.queued, true) {
                self.tellings.waiting.push_back(member);
            }
        } else {
            self.consider_telling(now, member);
        }
        self.tell_queue(cx);
    }

    /// "Who is this, and tell me when it changes."
    pub(super) fn lookup(&mut self, session: SessionId, reader: MemberId, name: Name) {
        let found = self.members.by_name(&name).and_then(|id| {
            let member = self.members.find(id).filter(|member| member.committed)?;
            Some((id, member))
        });
        let Some((id, member)) = found else {
            self.out.send(session, &FromRegistry::NotFound { name });
            return;
        };
        let address = self.members.seat(reader).map(|seat| seat.observed.ip());
        let record = record(member, address.unwrap_or(std::net::Ipv6Addr::UNSPECIFIED.into()));
        self.out.send(session, &FromRegistry::Found { record });
        if !self.directory.pushing {
            self.follow(reader, id);
        }
    }

    /// Follows a name; the one that was asked for longest ago makes room.
    fn follow(&mut self, reader: MemberId, followed: MemberId) {
        let Some(seat) = self.members.seat_mut(reader) else {
            return;
        };
        let list = &mut seat.told.followed;
        list.retain(|id| *id != followed);
        list.push_back(followed);
        let dropped = if list.len() > SUBSCRIPTIONS_MAX {
            list.pop_front()
        } else {
            None
        };
        self.directory.follow(followed, reader);
        if let Some(dropped) = dropped {
            self.directory.unfollow(dropped, reader);
        }
    }

    /// A client leaves: nobody is told for him.
    pub(super) fn stop_telling(&mut self, member: MemberId, seat: &Seat) {
        self.timers.clear(Timer::Tell(member));
        if let Some(update) = &seat.told.update {
            self.tellings.airborne.remove(&update.load);
        }
        for followed in seat.told.followed() {
            self.directory.unfollow(followed, member);
        }
    }

    /// A client is seen elsewhere, and what he may know of private addresses has changed: he begins anew.
    pub(super) fn tell_anew(&mut self, member: MemberId) {
        if let Some(seat) = self.members.seat_mut(member) {
            seat.told.acknowledged = None;
            self.tellings.drop_update(&mut seat.told);
            self.timers.clear(Timer::Tell(member));
        }
    }
}
