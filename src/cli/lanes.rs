//! Messages that wait to be handled by a program: one after the other, and those of whom it fails put off.
//!
//! A lane for each author, and for each room: there the order stays, while one that fails holds up nobody else. Runs nothing.
//! Invariants: the messages of a lane are taken in the order in which they came; there are never more than `WAITING_MAX`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::client::interface::{Incoming, Road};
use crate::clock::Instant;
use crate::id::{IdentityId, Name};

/// Messages that wait. What comes beyond them is not taken: others wait as well then.
const WAITING_MAX: usize = 1_024;

/// The first pause after a failure. Each is twice as long as the one before, …
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// … up to this: a person who mends the program is not to wait for long.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Whose messages keep their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    Person(IdentityId),
    Room(Name),
}

impl Whose {
    fn of(message: &Incoming) -> Self {
        match &message.road {
            Road::Room { name, .. } => Self::Room(name.clone()),
            Road::Direct | Road::Stored | Road::Late => Self::Person(message.id.sender),
        }
    }
}

#[derive(Debug, Default)]
struct Lane {
    /// With the number of their arrival.
    messages: VecDeque<(u64, Incoming)>,
    /// After a failure: how long the last pause was, and until when it is.
    pause: Duration,
    not_before: Instant,
}

/// All that wait.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Whose, Lane>,
    waiting: usize,
    arrivals: u64,
}

impl Lanes {
    /// Whether another message may come.
    pub(super) const fn has_room(&self) -> bool {
        self.waiting < WAITING_MAX
    }

    /// A message has come.
    pub(super) fn push(&mut self, message: Incoming) {
        self.arrivals += 1;
        self.waiting += 1;
        let lane = self.lanes.entry(Whose::of(&message)).or_default();
        lane.messages.push_back((self.arrivals, message));
    }

    /// The one that has waited longest of those whose turn it is.
    pub(super) fn next(&self, now: Instant) -> Option<(Whose, &Incoming)> {
        let due = self.lanes.iter().filter(|(_, lane)| lane.not_before <= now);
        let firsts = due.filter_map(|(whose, lane)| Some((whose, lane.messages.front()?)));
        let (whose, (_, message)) = firsts.min_by_key(|(_, (arrival, _))| *arrival)?;
        Some((whose.clone(), message))
    }

    /// How long none has its turn; `None` if none waits.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        let due = self.lanes.values().map(|lane| lane.not_before).min()?;
        Some(due.since(now))
    }

    /// The first of a lane was handled.
    pub(super) fn done(&mut self, whose: &Whose) {
        let Some(lane) = self.lanes.get_mut(whose) else {
            return;
        };
        self.waiting -= usize::from(lane.messages.pop_front().is_some());
        (lane.pause, lane.not_before) = (Duration::ZERO, Instant::ZERO);
        if lane.messages.is_empty() {
            self.lanes.remove(whose);
        }
    }

    /// It was not: it has its turn again after this pause.
    pub(super) fn failed(&mut self, whose: &Whose, now: Instant) -> Duration {
        let lane = self.lanes.entry(whose.clone()).or_default();
        lane.pause = (lane.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
        lane.not_before = now + lane.pause;
        lane.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::interface::Trust;
    use crate::clock::WallTime;
    use crate::id::{Epoch, MessageId, Sequence, Slot};

    fn message(sender: u8, text: &str, room: Option<&str>) -> Incoming {
        let name: Name = format!("p{sender}").parse().unwrap();
        Incoming {
            id: MessageId {
                sender: IdentityId([sender; 32]),
                slot: Slot {
                    epoch: Epoch(1),
                    sequence: Sequence(0),
                },
            },
            from: name,
            at: None,
            trust: Trust::default(),
            sent_at: WallTime::default(),
            text: text.to_owned(),
            road: room.map_or(Road::Direct, |room| Road::Room {
                name: room.parse().unwrap(),
                before: false,
            }),
        }
    }

    fn next(lanes: &Lanes, now: Instant) -> Option<(Whose, String)> {
        let (whose, message) = lanes.next(now)?;
        Some((whose, message.text.clone()))
    }

    fn take(lanes: &mut Lanes, now: Instant) -> Option<String> {
        let (whose, text) = next(lanes, now)?;
        lanes.done(&whose);
        Some(text)
    }

    #[test]
    fn messages_come_in_their_order_and_a_failure_holds_up_its_own_lane() {
        let mut lanes = Lanes::default();
        for (sender, text, room) in [
            (1, "a1", None),
            (2, "b1", None),
            (1, "a2", None),
            (1, "den1", Some("den")),
            (2, "den2", Some("den")),
        ] {
            lanes.push(message(sender, text, room));
        }
        let now = Instant::from_micros(1_000_000);
        let (whose, text) = next(&lanes, now).unwrap();
        assert_eq!(text, "a1");
        assert_eq!(lanes.failed(&whose, now), Duration::from_secs(1));
        for text in ["b1", "den1", "den2"] {
            assert_eq!(take(&mut lanes, now).as_deref(), Some(text));
        }
        assert_eq!(take(&mut lanes, now), None);
        assert_eq!(lanes.rest(now), Some(Duration::from_secs(1)));
        let now = now + Duration::from_secs(1);
        assert_eq!(next(&lanes, now).unwrap().1, "a1");
        assert_eq!(lanes.failed(&whose, now), Duration::from_secs(2));
        let now = now + Duration::from_secs(2);
        assert_eq!(take(&mut lanes, now).as_deref(), Some("a1"));
        assert_eq!(lanes.failed(&whose, now), Duration::from_secs(1), "anew");
        assert_eq!(take(&mut lanes, now + PAUSE_MIN).as_deref(), Some("a2"));
        assert_eq!(lanes.rest(now), None);
    }

    #[test]
    fn pauses_and_messages_have_a_bound() {
        let mut lanes = Lanes::default();
        lanes.push(message(1, "x", None));
        let (whose, _) = next(&lanes, Instant::ZERO).unwrap();
        let pauses: Vec<Duration> = (0..10).map(|_| lanes.failed(&whose, Instant::ZERO)).collect();
        assert_eq!(pauses.last(), Some(&PAUSE_MAX));
        for _ in 1..WAITING_MAX {
            assert!(lanes.has_room());
            lanes.push(message(1, "x", None));
        }
        assert!(!lanes.has_room());
        lanes.done(&whose);
        assert!(lanes.has_room());
    }
}
