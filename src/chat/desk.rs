//! Where the client and the program meet: events that wait to be taken, and questions that wait for their answers.
//!
//! The client's printer puts down what it has to say, and waits while as much lies here as may; that holds the engine up
//! (see [`crate::runtime::outlet`]), and at last whoever sends. While somebody asks something it waits for more, because the
//! answer comes among the events: so it grows where one thread takes and asks in turn, and more comes than it takes. Then at
//! last nothing more can be asked until some are taken. Knows no engine.
//! Invariants: nothing that was put down is lost, unless the program has closed; what counts as seen was taken, and so was
//! all before it; whoever waits here is told of the end, whatever kind it was.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::error::{Error, NotDone};
use super::event::{Event, MessageId};
use super::translate::{Deed, Said, Translator};
use crate::client::interface::Notice;
use crate::id::Name;

/// What may wait to be taken while nobody asks anything; more while somebody does (see [`Room::bound`]).
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Events: some for each message of a full mailbox and of many unfinished ones.
    pub(super) events: usize,
    /// Bytes of texts: a mailbox full.
    pub(super) bytes: usize,
    /// Bytes while the answer to a text is waited for, which stands behind all that the engine has said before: what its outlet holds
    /// (`EVENTS_MAX` texts of 64 KiB are 64 MiB), and after a start what earlier runs had taken and not handed out.
    pub(super) sending_bytes: usize,
    /// How long somebody who asks waits for others to take events: a program with a thread for that needs no more. Who takes
    /// them himself is told at once what he has to do.
    pub(super) patience: Duration,
}

/// How long whoever asks before the last answer has come waits for it at least.
const MOMENT: Duration = Duration::from_millis(20);

/// What an event takes beside its text, about.
const EVENT_BYTES: usize = 256;

impl Room {
    pub(super) const USUAL: Self = Self {
        events: 4_096,
        bytes: 16 * 1024 * 1024,
        sending_bytes: 512 * 1024 * 1024,
        patience: Duration::from_secs(10),
    };
}

/// When it is looked how much waits.
#[derive(Clone, Copy, Debug)]
enum Load {
    /// Nobody asks anything.
    Quiet,
    /// Something is to be asked.
    Asking,
    /// The registry's answer about a room is waited for: that may last.
    Doing,
    /// Our own disk's answer to a text is waited for.
    Sending,
}

/// How far the start has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Start {
    #[default]
    Begun,
    /// The registry is silent or says no: the end may follow.
    Unserved,
    Registered,
}

/// Something that is asked of the client. One of each kind at a time.
#[derive(Debug, Default)]
enum Question<T> {
    #[default]
    None,
    Open,
    Answered(Result<T, Error>),
    /// Whoever asked has gone.
    Abandoned,
}

impl<T> Question<T> {
    /// Hands an answer to whoever has asked. If nobody waits for it, gives it back.
    fn answer(&mut self, answer: Result<T, Error>) -> Option<Result<T, Error>> {
        match self {
            Self::Open => *self = Self::Answered(answer),
            Self::Abandoned => {
                *self = Self::None;
                return Some(answer);
            }
            Self::None | Self::Answered(_) => return Some(answer),
        }
        None
    }
}

#[derive(Debug)]
struct State {
    translator: Translator,
    /// What waits to be taken, by the number that the engine gives it.
    events: VecDeque<(u64, Event)>,
    bytes: usize,
    /// Events of the engine so far.
    said: u64,
    text: Question<MessageId>,
    deed: Question<()>,
    /// Which deed, and of which room.
    wanted: Option<(Deed, String)>,
    start: Start,
    /// Why the registry would not have us, or what has failed last: the reason of an end that gives none.
    reason: Option<String>,
    /// The engine is about to end: its printer waits for nobody.
    hurried: bool,
    /// The program takes no more: it has seen so many events.
    closed: Option<u64>,
    ended: Option<Result<(), Error>>,
    /// Who took the last event.
    taker: Option<ThreadId>,
}

/// The place.
#[derive(Debug)]
pub(super) struct Desk {
    room: Room,
    state: Mutex<State>,
    changed: Condvar,
}

impl Desk {
    /// An empty one.
    pub(super) fn new(room: Room) -> Self {
        let state = State {
            translator: Translator::default(),
            events: VecDeque::new(),
            bytes: 0,
            said: 0,
            text: Question::None,
            deed: Question::None,
            wanted: None,
            start: Start::Begun,
            reason: None,
            hurried: false,
            closed: None,
            ended: None,
            taker: None,
        };
        Self {
            room,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Puts down what the engine says, each when there is room for it. The result is how many events count as seen.
    pub(super) fn put(&self, notices: &[Notice]) -> u64 {
        let mut state = self.lock();
        for notice in notices {
            while state.is_full(self.room.bound(state.load())) && !state.is_hurried() {
                state = self.wait(state);
            }
            state.take_in(notice);
            self.changed.notify_all();
        }
        state.seen()
    }

    /// The engine is about to end.
    pub(super) fn hurry(&self) {
        self.lock().hurried = true;
        self.changed.notify_all();
    }

    /// The client has ended.
    pub(super) fn end(&self, how: impl FnOnce(Option<String>) -> Result<(), Error>) {
        let mut state = self.lock();
        let reason = state.reason.take();
        state.ended.get_or_insert_with(|| how(reason));
        self.changed.notify_all();
    }

    /// How it has ended, if it has.
    pub(super) fn ended(&self) -> Option<Result<(), Error>> {
        self.lock().ended.clone()
    }

    /// Waits until the registry has us, or it is known that it will not for now, or has not answered for `patience`.
    pub(super) fn wait_begun(&self, patience: Duration, end: Duration) -> Result<(), Error> {
        let begins = |state: &mut State| {
            state.start == Start::Begun
                && state.ended.is_none()
                && !state.is_full(self.room.bound(Load::Quiet))
        };
        let state = self.wait_while(self.lock(), patience, begins);
        let may_end = |state: &mut State| state.start == Start::Unserved && state.ended.is_none();
        let state = self.wait_while(state, end, may_end);
        state.ended.clone().unwrap_or(Ok(()))
    }

    /// Takes an event, and says how many count as seen then. Waits for one, for `patience` if there is one; `None` if there
    /// came none.
    ///
    /// # Errors
    /// How the client has ended; all that it had said was taken.
    pub(super) fn take(&self, patience: Option<Duration>) -> Result<Option<(Event, u64)>, Error> {
        let nothing = |state: &mut State| state.events.is_empty() && state.ended.is_none();
        let mut state = self.lock();
        state = match patience {
            Some(patience) => self.wait_while(state, patience, nothing),
            None => self
                .changed
                .wait_while(state, nothing)
                .unwrap_or_else(PoisonError::into_inner),
        };
        match state.events.pop_front() {
            Some((_, event)) => {
                state.bytes -= weight(&event);
                state.taker = Some(thread::current().id());
                self.changed.notify_all();
                Ok(Some((event, state.seen())))
            }
            None => match &state.ended {
                Some(Err(error)) => Err(error.clone()),
                Some(Ok(())) => Err(Error::Ended),
                None => Ok(None),
            },
        }
    }

    /// The program takes no more: what it has not taken is kept for the next run.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        let seen = state.seen();
        state.closed.get_or_insert(seen);
        self.changed.notify_all();
    }

    /// Has `ask` hand a text to the engine, and waits for what it says to it. `ask` says whether the engine took it.
    pub(super) fn ask_text(&self, ask: impl FnOnce() -> bool) -> Result<MessageId, Error> {
        self.ask(|state| &mut state.text, |_| Question::Open, ask)
    }

    /// As [`Self::ask_text`], for something about a room.
    pub(super) fn ask_deed(&self, deed: Deed, room: &Name, ask: impl FnOnce() -> bool) -> Result<(), Error> {
        let wanted = (deed, room.folded());
        let question = |state: &mut State| {
            state.wanted = Some(wanted.clone());
            Question::Open
        };
        self.ask(|state| &mut state.deed, question, ask)
    }

    fn ask<T>(
        &self,
        question: impl Fn(&mut State) -> &mut Question<T>,
        open: impl FnOnce(&mut State) -> Question<T>,
        ask: impl FnOnce() -> bool,
    ) -> Result<T, Error> {
        let mut state = self.lock();
        let patience = if state.taker == Some(thread::current().id()) {
            // Nobody else takes any.
            Duration::ZERO
        } else {
            self.room.patience
        };
        // The answer to the one before may still be to come: nothing is asked then. Whoever asks again at once is slowed down.
        let abandoned =
            |state: &mut State| matches!(question(state), Question::Abandoned) && state.ended.is_none();
        state = self.wait_while(state, patience.max(MOMENT), abandoned);
        if abandoned(&mut state) {
            return Err(Error::Unread);
        }
        let full = |state: &mut State| state.is_full(self.room.bound(Load::Asking)) && state.ended.is_none();
        state = self.wait_while(state, patience, full);
        if full(&mut state) {
            return Err(Error::Unread);
        }
        *question(&mut state) = open(&mut state);
        // There is room for more.
        self.changed.notify_all();
        drop(state);
        let taken = ask();
        state = self.lock();
        loop {
            match std::mem::take(question(&mut state)) {
                Question::Answered(answer) => return answer,
                open => *question(&mut state) = open,
            }
            match &state.ended {
                Some(Err(error)) => return Err(error.clone()),
                // It may have been done before the end.
                Some(Ok(())) if taken => return Err(Error::Unanswered),
                Some(Ok(())) => return Err(Error::Ended),
                None => {}
            }
            if !state.is_full(self.room.bound(state.load())) {
                state = self.wait(state);
                continue;
            }
            // The answer may be behind what nobody takes.
            let stuck = |state: &mut State| {
                state.is_full(self.room.bound(state.load()))
                    && state.ended.is_none()
                    && matches!(question(state), Question::Open)
            };
            state = self.wait_while(state, patience, stuck);
            if stuck(&mut state) {
                *question(&mut state) = Question::Abandoned;
                return Err(Error::Unanswered);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        patience: Duration,
        condition: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout_while(state, patience, condition);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Room {
    /// How many events may wait, and bytes. Whoever takes and asks in turn may fall behind by as much again; before the answer
    /// to a question that may be asked much more may stand.
    const fn bound(self, load: Load) -> (usize, usize) {
        match load {
            Load::Quiet => (self.events, self.bytes),
            Load::Asking => (2 * self.events, 2 * self.bytes),
            Load::Doing => (3 * self.events, 3 * self.bytes),
            Load::Sending => (self.sending_bytes / EVENT_BYTES, self.sending_bytes),
        }
    }
}

impl State {
    fn is_full(&self, (events, bytes): (usize, usize)) -> bool {
        self.events.len() >= events || self.bytes >= bytes
    }

    /// Whether somebody waits for an answer.
    const fn load(&self) -> Load {
        match (&self.text, &self.deed) {
            (Question::Open, _) => Load::Sending,
            (_, Question::Open) => Load::Doing,
            _ => Load::Quiet,
        }
    }

    const fn is_hurried(&self) -> bool {
        self.hurried || self.closed.is_some()
    }

    /// The first so many events of this run need not be told again.
    fn seen(&self) -> u64 {
        let taken = self.events.front().map_or(self.said, |(number, _)| number - 1);
        self.closed.unwrap_or(taken)
    }

    fn take_in(&mut self, notice: &Notice) {
        self.said += 1;
        match self.translator.translate(notice) {
            Said::Events(events) => events.into_iter().for_each(|event| self.put(event)),
            Said::Text(answer) => {
                if let Some(Err(why)) = self.text.answer(answer.map_err(Error::NotSent)) {
                    self.put(Event::Trouble(format!("a text that was waiting: {why}")));
                }
            }
            Said::Room(deed, room, result) => self.room(deed, room, result),
            Said::Refused(sentence) => {
                self.start = Start::Unserved;
                self.reason = Some(sentence.clone());
                self.put(Event::Trouble(sentence));
            }
        }
    }

    /// An answer about a room, or what was not asked for.
    fn room(&mut self, deed: Deed, room: String, result: Result<Event, NotDone>) {
        let wanted = self.wanted.as_ref();
        let is_asked = wanted.is_some_and(|(wanted, of)| *wanted == deed && of.eq_ignore_ascii_case(&room));
        let (answer, unasked) = match result {
            Ok(event) => (Ok(()), event),
            Err(reason) => {
                let error = Error::Room { room, reason };
                let unasked = Event::Trouble(error.to_string());
                (Err(error), unasked)
            }
        };
        if !is_asked || self.deed.answer(answer).is_some() {
            self.put(unasked);
        }
    }

    fn put(&mut self, event: Event) {
        match &event {
            Event::Registered { .. } | Event::Online => {
                self.start = Start::Registered;
                self.reason = None;
            }
            Event::Offline if self.start == Start::Begun => self.start = Start::Unserved,
            Event::Trouble(sentence) => self.reason = Some(sentence.clone()),
            _ => {}
        }
        if self.closed.is_none() {
            self.bytes += weight(&event);
            self.events.push_back((self.said, event));
        }
    }
}

/// The bytes of text in it.
const fn weight(event: &Event) -> usize {
    match event {
        Event::Message(message) => message.text.len(),
        _ => 0,
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
