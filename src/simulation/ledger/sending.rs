//! What clients commit of messages: accepted, numbered, in this state, in the inbox.
//!
//! Whether a message may end so is `ends`'s business.
//! Invariant: a letter's state says what its sender's database says.

use super::{Ledger, Verdict, Written, number_of};
use crate::client::storage::{Accept, Key, Outcome, Receive, Received};
use crate::clock::Instant;
use crate::id::Slot;
use crate::simulation::invariant::Invariant;
use crate::simulation::letter::{Arrived, Letter, State, Stay};
use crate::simulation::network::LATE;
use crate::wire::envelope::Verdict as Answered;

impl Ledger {
    pub(super) fn accepted(
        &mut self,
        at: Instant,
        person: usize,
        accept: &Accept,
        key: Key,
        slot: Slot,
    ) -> Verdict {
        let text = &accept.text;
        let to = self.recipient(&accept.to);
        let number = to.and_then(|to| self.number_to(to, text));
        let is_to = |letter: &Letter| Some(letter.to) == to;
        let typed = number.filter(|number| self.letters.get(*number).is_some_and(is_to));
        let (Some(number), Some(written)) = (typed, number_of(text)) else {
            return Err((
                Invariant::Authentic,
                format!("{text:?} was accepted for {:?} and never typed", accept.to),
            ));
        };
        self.by_key.insert((person, key), number);
        self.by_slot.insert((person, slot), number);
        self.answers(person, Written::Letter(written));
        let Some(letter) = self.letters.get_mut(number) else {
            return Ok(());
        };
        if letter.accepted.is_some() || letter.from != person {
            return Err((Invariant::OneState, format!("#{number} was accepted twice")));
        }
        letter.accepted = Some((at, key));
        letter.sent_at = Some(accept.sent_at);
        letter.given = accept.deposit.is_some();
        letter.slot = Some(slot);
        Ok(())
    }

    /// A sender has recorded a state.
    pub(super) fn now_is(&mut self, at: Instant, person: usize, key: Key, state: State) -> Verdict {
        let (run, receipts) = (self.run_of(person), self.receipts);
        let Some((number, letter)) = self.by_key_mut(person, key) else {
            return Err((
                Invariant::OneState,
                format!("{state:?} for {key:?}, which was not accepted"),
            ));
        };
        let (before, had) = (letter.state, letter.may_be_had(receipts));
        match state {
            // What is not waiting any more stays as it is: the database knows better than the request.
            State::Stored if before != State::Waiting => return Ok(()),
            State::Delivered if !had => {
                return Err((
                    Invariant::CommittedFirst,
                    format!("#{number} is said to be delivered and is not"),
                ));
            }
            _ if before == State::Delivered => return Ok(()),
            _ if !before.may_become(state) => {
                return Err((
                    Invariant::OneState,
                    format!("#{number} was {before:?} and is {state:?}"),
                ));
            }
            _ => {}
        }
        letter.state = state;
        if state.is_final() && before != state {
            letter.ends.push((state, at, run));
        }
        Ok(())
    }

    /// A sender was to record that it is stored there, under this number: without effect if it is otherwise by now.
    pub(super) fn said_to_be_stored(
        &mut self,
        at: Instant,
        person: usize,
        (key, slot): (Key, Slot),
        store_id: [u8; 16],
    ) -> Verdict {
        let here = self.store_ids.get(person) == Some(&Some(store_id));
        match self.by_key_mut(person, key) {
            Some((_, letter)) if !here || letter.slot != Some(slot) => Ok(()),
            _ => self.now_stored(at, person, key, store_id),
        }
    }

    /// A sender has recorded that it is stored in this database of the registry's, which need not be the present one.
    fn now_stored(&mut self, at: Instant, person: usize, key: Key, store_id: [u8; 16]) -> Verdict {
        let letter = self
            .by_key
            .get(&(person, key))
            .and_then(|number| self.letters.get(*number));
        if let Some(letter) = letter
            && letter.state == State::Waiting
        {
            let was_there = letter.kept.iter().any(|stay| stay.store_id == store_id);
            if !was_there {
                return Err((
                    Invariant::CommittedFirst,
                    format!("{:.7} is said to be stored and is not", letter.text),
                ));
            }
            // Only a sender who knows the end has it forgotten.
            if store_id == self.books.store_id && !self.is_there(letter) {
                return Err((
                    Invariant::KeptUntilKnown,
                    format!("{:.7} is said to be stored and is gone", letter.text),
                ));
            }
        }
        self.now_is(at, person, key, State::Stored)
    }

    pub(super) fn renumbered(&mut self, at: Instant, person: usize, key: Key, slot: Slot) {
        let Some((number, letter)) = self.by_key_mut(person, key) else {
            return;
        };
        if letter.kept.iter().any(|stay| stay.until.is_none()) {
            letter.kept.iter_mut().for_each(|stay| stay.end(at));
            letter.stranded.push(at);
        }
        letter.slot = Some(slot);
        letter.given = false;
        letter.expired_there = false;
        letter.no_room.clear();
        letter.declined.clear();
        if !letter.state.is_final() {
            letter.state = State::Waiting;
        }
        self.by_slot.insert((person, slot), number);
    }

    /// The registry's database is another one, or there is another copy of the client's: what was kept waits again. Where
    /// neither is so, nothing does.
    pub(super) fn another_database(&mut self, at: Instant, person: usize, store_id: [u8; 16]) -> Verdict {
        let known = self
            .store_ids
            .get_mut(person)
            .map(|known| known.replace(store_id));
        let is_another = known != Some(Some(store_id)) && self.databases.contains(&store_id);
        if !is_another && !self.was_restored(person) {
            return Err((
                Invariant::OneState,
                format!("what the registry kept waits again for {person}, who knew its database"),
            ));
        }
        // That may be recorded late, when there is yet another one of which he has to hear.
        let present = self.books.store_id;
        for letter in self.letters.iter_mut().filter(|letter| letter.from == person) {
            let elsewhere = |stay: &&mut Stay| ![store_id, present].contains(&stay.store_id);
            letter
                .kept
                .iter_mut()
                .filter(elsewhere)
                .for_each(|stay| stay.end(at));
            // That it was kept may be told before it is recorded.
            if !letter.state.is_final() && !letter.kept.is_empty() {
                letter.stranded.push(at);
                letter.state = State::Waiting;
            }
        }
        Ok(())
    }

    pub(super) fn received(
        &mut self,
        at: Instant,
        person: usize,
        receive: &Receive,
        received: Received,
    ) -> Verdict {
        match received.outcome {
            Outcome::Duplicate => self.counts.duplicates += 1,
            Outcome::Conflict => self.declined(person, receive, Answered::Conflict),
            Outcome::Skipped => {
                self.declined(person, receive, Answered::Skipped);
                return self.skipped(person, receive);
            }
            Outcome::Fresh => return self.arrived(at, person, receive),
        }
        Ok(())
    }

    fn declined(&mut self, person: usize, receive: &Receive, answer: Answered) {
        if let Some(letter) = self.find_mut(person, receive.id, &receive.text) {
            letter.declined.push(answer);
        }
    }

    /// A recipient does not wait for a message any more: its sender has told him that it will not come.
    fn skipped(&mut self, person: usize, receive: &Receive) -> Verdict {
        let restored = self.restored.clone();
        match self.find_mut(person, receive.id, &receive.text) {
            Some(letter)
                if letter.slot == Some(receive.id.slot)
                    && !letter.state.is_final()
                    && !restored.contains(&letter.from) =>
            {
                Err((
                    Invariant::HonestEnd,
                    format!("{:.7} is skipped, and its sender has not ended it", letter.text),
                ))
            }
            _ => Ok(()),
        }
    }

    fn arrived(&mut self, at: Instant, person: usize, receive: &Receive) -> Verdict {
        let runs = self.runs.clone();
        let (from, sent_at) = (&receive.from, receive.sent_at);
        let letter = self.written(person, receive.id, from, sent_at, &receive.text)?;
        if letter.stands.is_some() {
            return Err((
                Invariant::OnceInInbox,
                format!("{:.7} is in the inbox twice", letter.text),
            ));
        }
        let (author, stored) = (letter.from, receive.stored);
        letter.stands = Some(Arrived { at, stored });
        letter.inbox = letter.inbox.or(letter.stands);
        // A copy that was under way when it ended may come. The session that it was given to is gone with the program,
        // and what the network has of it comes within its bound.
        let run = runs.get(letter.from).copied().unwrap_or(0);
        match letter.ends.first() {
            Some((end, since, ended_in))
                if letter.is_remembered()
                    && !receive.stored
                    && *ended_in < run
                    && at.since(*since) > LATE * 2 =>
            {
                Err((
                    Invariant::HonestEnd,
                    format!("{:.7} was {end:?} and is sent all the same", letter.text),
                ))
            }
            _ => self.is_let_in(person, author),
        }
    }
}
