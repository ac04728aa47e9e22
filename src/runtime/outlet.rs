//! The thread that says what an engine has to say, as fast as whoever listens can read.
//!
//! What is said is the caller's: this carries batches of events to it and its answers back to the engine.
//! Invariants: events are said in order; an answer is given only to what was said. The engine is told that it is
//! over by the answers' end, so that answers to the very last events still reach it.

use std::io;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender};

use super::wake::Waker;

/// Events that may wait to be said: some screens full. When they are as many, the engine takes no more messages.
pub const EVENTS_MAX: usize = 1_024;

/// Events that are said at once: a long backlog costs few redraws.
const BATCH_MAX: usize = 256;

/// What the thread works with.
pub struct Outlet<E, C> {
    /// What to say.
    pub events: Receiver<E>,
    /// Where answers go. A bound of `EVENTS_MAX` is enough: the engine takes answers whatever else waits.
    pub answers: Sender<C>,
    /// The loop.
    pub waker: Waker,
}

/// Tells whoever listens that no more will come, or only what is on its way: by being dropped, so that a panic tells it too.
pub struct Knell(Box<dyn FnMut() + Send>);

impl Knell {
    /// One that calls `tell`. It must not wait for anything.
    pub fn new(tell: impl FnMut() + Send + 'static) -> Self {
        Self(Box::new(tell))
    }
}

impl Drop for Knell {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<E: Send + 'static, C: Send + 'static> Outlet<E, C> {
    /// Says events with `show`, which gives the answers to them, until no more come. If it fails, nobody listens
    /// any more: `deaf` is called, and the rest is left unsaid. The thread's result is the last event.
    #[expect(clippy::disallowed_methods, reason = "the printer's thread")]
    pub fn start(
        self,
        show: impl FnMut(&[E]) -> io::Result<Vec<C>> + Send + 'static,
        deaf: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<Option<E>>> {
        let mut deaf = Some(deaf);
        thread::Builder::new().name("printer".into()).spawn(move || {
            let waker = self.waker.clone();
            let _knell = Knell::new(move || waker.wake());
            // Dropped before it, last first, however this ends: what `show` holds (a terminal) is put in order before the
            // answers end, and the loop is woken when they have.
            let outlet = self;
            let mut show = show;
            let mut last = None;
            while let Ok(first) = outlet.events.recv() {
                let mut batch = vec![first];
                batch.extend(outlet.events.try_iter().take(BATCH_MAX - 1));
                if deaf.is_some() {
                    match show(&batch) {
                        Ok(answers) => outlet.answer(answers),
                        Err(error) => {
                            tracing::debug!(%error, "nobody listens any more");
                            if let Some(deaf) = deaf.take() {
                                deaf();
                            }
                        }
                    }
                }
                last = batch.pop();
                // There is room again.
                outlet.waker.wake();
            }
            last
        })
    }
}

impl<E, C> Outlet<E, C> {
    fn answer(&self, answers: Vec<C>) {
        for answer in answers {
            if self.answers.send(answer).is_err() {
                // The engine has gone without waiting: a fault that somebody else reports.
                return;
            }
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    #[test]
    fn answers_follow_what_was_said_and_end_after_the_last() {
        let (say, events) = bounded(10);
        let (answers, answered) = bounded(10);
        let waker = Waker::new().unwrap();
        let outlet = Outlet {
            events,
            answers,
            waker,
        };
        let thread = outlet.start(|batch: &[u8]| Ok(batch.to_vec()), || ()).unwrap();
        for n in 0..5 {
            say.send(n).unwrap();
        }
        drop(say);
        assert_eq!(answered.iter().collect::<Vec<u8>>(), [0, 1, 2, 3, 4]);
        assert_eq!(thread.join().unwrap(), Some(4));
    }

    #[test]
    fn a_listener_that_has_gone_is_reported_once_and_answers_nothing() {
        let (say, events) = bounded(10);
        let (answers, answered) = bounded::<u8>(10);
        let (gone, report) = bounded(10);
        let waker = Waker::new().unwrap();
        let outlet = Outlet {
            events,
            answers,
            waker,
        };
        let show = |_: &[u8]| Err(io::ErrorKind::BrokenPipe.into());
        let thread = outlet.start(show, move || gone.send(()).unwrap()).unwrap();
        for n in 0..5 {
            say.send(n).unwrap();
        }
        drop(say);
        assert_eq!(thread.join().unwrap(), Some(4), "the engine is never held up");
        assert_eq!((answered.iter().count(), report.iter().count()), (0, 1));
    }

    #[test]
    fn a_printer_that_panics_ends_the_answers_and_wakes_the_loop() {
        let (say, events) = bounded(10);
        let (answers, answered) = bounded::<u8>(10);
        let waker = Waker::new().unwrap();
        let bell = waker.clone();
        let outlet = Outlet {
            events,
            answers,
            waker,
        };
        let thread = outlet.start(|_: &[u8]| panic!("as a bug would"), || ()).unwrap();
        say.send(1).unwrap();
        assert!(thread.join().is_err());
        assert!(answered.recv().is_err());
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut descriptors = [PollFd::new(&bell, PollFlags::IN)];
        assert_eq!(poll(&mut descriptors, Some(&at_once)), Ok(1));
    }
}
