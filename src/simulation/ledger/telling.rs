//! What people are told, held against what is so.
//!
//! What is told of one's own messages names a person and at most a time. So it is judged twice: when it is told, there
//! must be a message of which it is true, and another one for each time that it is told; and when the line is marked as
//! seen, which says of which message it was, it must have been true of that one when it was told.
//! Invariant: what is said and not marked yet is remembered until its program ends.

use std::collections::VecDeque;

use super::posts::{SaidOfPost, place_of};
use super::{Ledger, Number, Verdict};
use crate::client::interface::{Event, Refusal, Road, RoomEvent};
use crate::client::storage::{self as client, Finish, Key};
use crate::clock::{Instant, WallTime};
use crate::id::{MessageId, Name};
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::{Letter, State, Told};

/// A state that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) state: State,
    /// Of a message to him; `None` if the line does not say to whom.
    pub(super) to: Option<usize>,
    /// Of that time; `None` if it does not say when.
    pub(super) sent_at: Option<WallTime>,
    /// For what reason it was refused.
    pub(super) reason: Option<Refusal>,
    pub(super) at: Instant,
}

impl Said {
    pub(super) const fn new(at: Instant, state: State) -> Self {
        Self {
            state,
            to: None,
            sent_at: None,
            reason: None,
            at,
        }
    }

    /// Whether all that the other may mean this may mean, too.
    fn covers(&self, other: &Self) -> bool {
        self.state == other.state
            && self.to == other.to
            && self.reason == other.reason
            && self.sent_at.is_none_or(|_| self.sent_at == other.sent_at)
    }

    /// Whether it may be of a message to him.
    pub(super) fn may_be_to(&self, person: usize) -> bool {
        self.to.is_none_or(|to| to == person)
    }

    /// Whether it says of this message that it was received.
    pub(super) fn is_receipt_of(&self, letter: &Letter) -> bool {
        self.state == State::Delivered && self.may_mean(letter)
    }

    fn may_mean(&self, letter: &Letter) -> bool {
        letter.is_accepted()
            && self.may_be_to(letter.to)
            && self.sent_at.is_none_or(|_| self.sent_at == letter.sent_at)
            && self.reason.is_none_or(|reason| letter.refusals.contains(&reason))
    }

    /// Whether that is the state that is marked.
    fn is(&self, marked: client::State) -> bool {
        let reason = match marked {
            client::State::Ended(Finish::Refused(reason)) => Some(reason),
            _ => None,
        };
        (self.state, self.reason) == (State::from(marked), reason)
    }
}

/// A line that is to be marked once it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Incoming(MessageId, Option<Number>),
    Own(Said),
    Posted(MessageId, Option<usize>),
    OwnPost(SaidOfPost),
}

/// What a program has told in this run, and its user is not known to have seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Unseen {
    lines: VecDeque<Line>,
    /// What was to be marked and could not be: it comes again, before the others.
    failed: Vec<(client::Told, Line)>,
}

impl Unseen {
    pub(super) fn said(&self) -> impl Iterator<Item = Said> {
        let failed = self.failed.iter().map(|(_, line)| line);
        failed.chain(&self.lines).filter_map(|line| match line {
            Line::Own(said) => Some(*said),
            Line::Incoming(..) | Line::Posted(..) | Line::OwnPost(_) => None,
        })
    }

    /// The lines that these marks are of. At its very end a program does not wait for what may fail.
    fn take(&mut self, seen: &[client::Told]) -> Vec<Line> {
        let failed = self.failed.iter().map(|(mark, _)| mark);
        let mut lines = Vec::new();
        if seen.len() >= self.failed.len() && failed.zip(seen).all(|(failed, mark)| failed == mark) {
            lines.extend(self.failed.drain(..).map(|(_, line)| line));
        }
        let missing = (seen.len() - lines.len()).min(self.lines.len());
        lines.extend(self.lines.drain(..missing));
        lines
    }
}

impl Ledger {
    /// A user was told something.
    pub(in crate::simulation) fn told(&mut self, at: Instant, person: usize, event: &Event) {
        self.follow(at, person, event);
        let verdict = match event {
            Event::Incoming(message) if matches!(message.road, Road::Room { .. }) => {
                let line = Line::Posted(message.id, place_of(&message.text));
                self.tells_line(person, line);
                self.post_shown(person, message)
            }
            Event::Status(status) => self.status_told(at, person, status),
            Event::Room(event @ RoomEvent::Readers { .. }) => self.readers_told(person, event),
            Event::Room(event) => {
                let (said, verdict) = self.told_of_post(at, person, event);
                if let Some(said) = said {
                    self.tells_line(person, Line::OwnPost(said));
                }
                verdict.and(self.told_of_rooms(at, person, event))
            }
            Event::Incoming(message) => {
                self.tells_line(
                    person,
                    Line::Incoming(message.id, self.number_to(person, &message.text)),
                );
                self.shown(at, person, message)
            }
            Event::Received { to } => self.says(at, person, State::Delivered, to, None),
            Event::ReceivedLater { to, sent_at } => {
                self.says(at, person, State::Delivered, to, Some(*sent_at))
            }
            Event::Stored { to } => self.says(at, person, State::Stored, to, None),
            Event::Expired { to, sent_at } => self.says(at, person, State::Expired, to, Some(*sent_at)),
            Event::Refused { to, sent_at, reason } => {
                let said = Said {
                    sent_at: Some(*sent_at),
                    reason: Some(*reason),
                    ..Said::new(at, State::Refused)
                };
                self.says_of(person, said, self.who(to))
            }
            Event::StoredAgain { messages } => {
                let said = Said::new(at, State::Waiting);
                (0..*messages).try_for_each(|_| self.said_of_one(person, said))
            }
            Event::NoAnswer { to } | Event::Offline { to } | Event::Waiting { to } => {
                self.is_open(person, self.who(to))
            }
            Event::Contact(event) => self.told_of_contact(at, person, event),
            Event::Registered { .. } => {
                self.is_welcome(at, person);
                self.is_registered(person)
            }
            Event::Ended(ending) => self.ended(person, *ending),
            _ => Ok(()),
        };
        self.judge(at, verdict);
    }

    fn tells_line(&mut self, person: usize, line: Line) {
        if let Some(unseen) = self.unseen.get_mut(person) {
            unseen.lines.push_back(line);
        }
    }

    /// What people do not know of their own messages, or know otherwise than it is: nothing, after a healing. A receipt may
    /// be lost with its session, and is asked for until the message has ended, and no longer; what becomes of one that has
    /// reached the registry is `mailboxes`' to judge.
    pub(in crate::simulation) fn untold(&self) -> Vec<String> {
        let told = |letter: &Letter| letter.told.map(|told| told.state);
        let wrong = |letter: &&Letter| {
            letter.is_accepted() && letter.is_remembered() && told(letter) != Some(letter.state)
        };
        let wrong = self.letters.iter().filter(wrong);
        let unanswered = self.unanswered.iter().flatten();
        let unanswered =
            unanswered.map(|written| format!("{written} was written, and neither accepted nor refused"));
        wrong
            .map(|letter| {
                format!(
                    "{:.7} is {:?}, in the inbox {:?}, and was told as {:?}",
                    letter.text, letter.state, letter.inbox, letter.told
                )
            })
            .chain(unanswered)
            .chain(self.untold_posts())
            .collect()
    }

    pub(super) fn who(&self, name: &Name) -> Option<usize> {
        self.names.iter().position(|known| known.matches(name))
    }

    fn says(
        &mut self,
        at: Instant,
        person: usize,
        state: State,
        to: &Name,
        sent_at: Option<WallTime>,
    ) -> Verdict {
        let said = Said {
            sent_at,
            ..Said::new(at, state)
        };
        self.says_of(person, said, self.who(to))
    }

    pub(super) fn says_of(&mut self, person: usize, said: Said, to: Option<usize>) -> Verdict {
        if to.is_none() {
            return Err((
                Invariant::Authentic,
                format!("{person} is told of a message to nobody: {said:?}"),
            ));
        }
        self.said_of_one(person, Said { to, ..said })
    }

    /// Somebody is told that what he has written under this tag was not accepted: it was not answered before.
    pub(in crate::simulation) fn not_accepted(&mut self, at: Instant, person: usize, tag: u64) {
        let unanswered = self.unanswered.get_mut(person);
        let place = unanswered.and_then(|unanswered| {
            let place = unanswered.iter().position(|written| written.tag() == tag)?;
            Some(unanswered.remove(place))
        });
        let verdict = match place {
            Some(_) => Ok(()),
            None => Err((
                Invariant::OneState,
                format!("{person} is told that text {tag} was not accepted, and has had an answer"),
            )),
        };
        self.judge(at, verdict);
    }

    /// Something is said: there is a message of which it is true and was not said yet, or not since it waited again.
    fn said_of_one(&mut self, person: usize, said: Said) -> Verdict {
        let run = self.run_of(person);
        let begun = self.begun.get(person).copied().unwrap_or(Instant::ZERO);
        let Some(unseen) = self.unseen.get_mut(person) else {
            return Ok(());
        };
        unseen.lines.push_back(Line::Own(said));
        let alike: Vec<Said> = unseen.said().filter(|other| said.covers(other)).collect();
        let first = alike.iter().map(|said| said.at).min().unwrap_or(said.at);
        let so: usize = self
            .letters
            .iter()
            .filter(|letter| letter.from == person && said.may_mean(letter))
            .filter(|letter| !letter.was_known(said, run, begun))
            .filter(|letter| alike.iter().any(|said| letter.may_be_said(said.state, said.at)))
            .map(|letter| 1 + letter.times_stranded_after(first))
            .sum();
        // Posts that were stored wait again with the messages.
        let posts = match said.state {
            State::Waiting => self.posts.of_author(person).count(),
            _ => 0,
        };
        if alike.len() <= so + posts {
            return Ok(());
        }
        let what = format!(
            "{person} is told {:?} of a message to {:?}, of {:?}, {} times, and it is so of {so} that he may mean",
            said.state,
            said.to,
            said.sent_at,
            alike.len()
        );
        Err((Invariant::CommittedFirst, what))
    }

    /// Somebody is told that he is registered.
    fn is_registered(&self, person: usize) -> Verdict {
        if self.registered.get(&person) >= self.counted.get(person) {
            return Ok(());
        }
        Err((
            Invariant::CommittedFirst,
            format!("{person} is told that he is registered, and that is not committed"),
        ))
    }

    /// Something is said of a message that has not come to its end.
    pub(super) fn is_open(&self, person: usize, to: Option<usize>) -> Verdict {
        let open = |letter: &Letter| {
            letter.from == person && Some(letter.to) == to && letter.is_accepted() && !letter.state.is_final()
        };
        if self.letters.iter().any(open) {
            return Ok(());
        }
        Err((
            Invariant::OneState,
            format!("{person} is told that something is under way to {to:?}, and nothing is"),
        ))
    }

    /// A client's database has answered that lines were seen: each is marked, or none. Marks are asked for in the order
    /// told, and first again if they fail.
    pub(in crate::simulation) fn marks(
        &mut self,
        at: Instant,
        person: usize,
        seen: &[client::Told],
        done: bool,
    ) {
        let Some(unseen) = self.unseen.get_mut(person) else {
            return;
        };
        let lines = unseen.take(seen);
        if done {
            let pairs = lines.iter().zip(seen);
            let verdict = match lines.len() == seen.len() {
                true => pairs
                    .into_iter()
                    .try_for_each(|(line, seen)| self.seen(at, person, *line, seen)),
                false => Err((
                    Invariant::OneState,
                    format!("{person} has seen {seen:?}, of which was told {lines:?}"),
                )),
            };
            self.judge(at, verdict);
        } else {
            unseen.failed.extend(seen.iter().copied().zip(lines));
        }
    }

    /// A line that was seen is marked.
    fn seen(&mut self, at: Instant, person: usize, line: Line, seen: &client::Told) -> Verdict {
        match (line, seen) {
            (Line::Incoming(told, number), client::Told::Incoming(id)) if told == *id => {
                if let Some(letter) = number.and_then(|number| self.letters.get_mut(number)) {
                    letter.marked = true;
                }
                Ok(())
            }
            (Line::Posted(told, place), client::Told::Incoming(id)) if told == *id => {
                if let Some(place) = place {
                    self.post_line_seen(person, place);
                }
                Ok(())
            }
            (Line::OwnPost(said), client::Told::Outgoing(key, state)) => {
                self.post_state_seen(person, *key, *state, said)
            }
            // That it waits again is said of all that were stored at once.
            (Line::Own(_), client::Told::Outgoing(key, _)) if self.posts.has(person, *key) => Ok(()),
            (Line::Own(said), client::Told::Outgoing(key, state)) if said.is(*state) => {
                self.seen_of_own(person, *key, said)?;
                // What was seen to be delivered is recorded as such with the mark.
                match said.state {
                    State::Delivered => self.now_is(at, person, *key, State::Delivered),
                    _ => Ok(()),
                }
            }
            _ => Err((
                Invariant::OneState,
                format!("{person} was told {line:?}, and {seen:?} is marked as seen"),
            )),
        }
    }

    /// Which message it was that a state was told of: it was so then, and could be told after what was told before.
    fn seen_of_own(&mut self, person: usize, key: Key, said: Said) -> Verdict {
        let run = self.run_of(person);
        let begun = self.begun.get(person).copied().unwrap_or(Instant::ZERO);
        let number = self.by_key.get(&(person, key)).copied();
        let letter = number.and_then(|number| self.letters.get_mut(number));
        let Some(letter) = letter.filter(|letter| said.may_mean(letter)) else {
            return Err((
                Invariant::OneState,
                format!("{person} has seen {said:?} of {key:?}, which it cannot mean"),
            ));
        };
        if !letter.may_be_said(said.state, said.at) {
            return Err((
                Invariant::CommittedFirst,
                format!("{:.7} was told to be {:?} before it was", letter.text, said.state),
            ));
        }
        let now = Told {
            state: said.state,
            at: said.at,
            run,
        };
        match letter.told.replace(now) {
            Some(before) if !letter.may_be_told_after(before, now, begun) => Err((
                Invariant::OneState,
                format!("{:.7} was told to be {before:?} and then {now:?}", letter.text),
            )),
            _ => Ok(()),
        }
    }
}

impl Letter {
    /// Whether its sender has seen this already, so that it is not told again.
    fn was_known(&self, said: Said, run: u32, begun: Instant) -> bool {
        self.told.is_some_and(|told| {
            let stands = match said.state {
                State::Waiting => false,
                State::Stored => told.run == run && !self.was_stranded(told.at, said.at),
                end => told.run == run || self.had_ended(end, begun),
            };
            told.state == said.state && stands
        })
    }

    /// Whether this may be told after that was. A crash cuts off what was told and not recorded: a message that was told
    /// as received may have to be sent once more.
    fn may_be_told_after(&self, before: Told, now: Told, begun: Instant) -> bool {
        if now.run != before.run && !self.had_ended(before.state, begun) {
            return true;
        }
        match before.state {
            State::Waiting => true,
            State::Stored => now.state.is_final() || self.was_stranded(before.at, now.at),
            State::Delivered => false,
            State::Refused | State::Expired => now.state == State::Delivered,
        }
    }
}
