//! The thread that owns a role's store: it commits whatever is queued, as often as the disk allows.
//!
//! There is no batching timer: while one commit waits for the disk, the next batch gathers by itself, so a quiet
//! store answers at once and a busy one amortises the sync over many requests. Knows nothing of SQL.
//! Invariant: requests are answered in the order they were asked, each once, after their commit.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::engine::{STORE_REQUESTS_MAX, Store, StoreFault, Ticket};
use crate::limits::COMMIT_BYTES_MAX;

/// Requests in one commit: enough to make the sync cheap, few enough to be done in some 20 ms. Half of what may
/// be under way, so that the next batch gathers meanwhile.
const BATCH_MAX: usize = STORE_REQUESTS_MAX / 2;

/// So long without a request, and the store is tidied.
const QUIET: Duration = Duration::from_secs(1);

/// Requests of one turn of the loop.
pub type Requests<Rq> = Vec<(Ticket, Rq)>;
/// Replies of one commit.
pub type Replies<Rp> = Vec<(Ticket, Result<Rp, StoreFault>)>;

/// The asker's end of a store's thread. Dropping it ends the thread once all that was asked is committed.
pub struct Worker<Rq, Rp> {
    requests: Option<Sender<Requests<Rq>>>,
    replies: Receiver<Replies<Rp>>,
    thread: Option<JoinHandle<()>>,
}

/// The store's thread has ended before its asker: a bug in it. Nothing more will be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the thread that writes the database has ended unexpectedly; what was confirmed is safe")]
pub struct WorkerGone;

impl<Rq: Send + 'static, Rp: Send + 'static> Worker<Rq, Rp> {
    /// Gives `store` a thread of its own. `wake` is called there whenever replies have come.
    ///
    /// Both channels hold as many batches as there may be requests under way, and no batch is empty: neither can
    /// overflow.
    pub fn start<S>(mut store: S, wake: impl Fn() + Send + 'static) -> io::Result<Self>
    where
        S: Store<Request = Rq, Reply = Rp> + Send + 'static,
    {
        let (requests, asked) = bounded(STORE_REQUESTS_MAX);
        let (answer, replies) = bounded(STORE_REQUESTS_MAX);
        let work = move || {
            work(&mut store, &asked, |batch| {
                // A failed send means that the asker has gone: what was asked is committed all the same.
                if answer.send(batch).is_ok() {
                    wake();
                }
            });
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "no engine waits for a disk: another thread does"
        )]
        let thread = thread::Builder::new().name("store".into()).spawn(work)?;
        Ok(Self {
            requests: Some(requests),
            replies,
            thread: Some(thread),
        })
    }
}

impl<Rq, Rp> Worker<Rq, Rp> {
    /// Asks for what one turn has gathered.
    pub fn ask(&self, requests: Requests<Rq>) -> Result<(), WorkerGone> {
        if requests.is_empty() {
            return Ok(());
        }
        let sender = self.requests.as_ref().ok_or(WorkerGone)?;
        sender.send(requests).map_err(|_| WorkerGone)
    }

    /// Replies that have come; `None` when there are none yet.
    pub fn replies(&self) -> Result<Option<Replies<Rp>>, WorkerGone> {
        match self.replies.try_recv() {
            Ok(batch) => Ok(Some(batch)),
            Err(crossbeam_channel::TryRecvError::Empty) => Ok(None),
            Err(crossbeam_channel::TryRecvError::Disconnected) => Err(WorkerGone),
        }
    }
}

impl<Rq, Rp> Drop for Worker<Rq, Rp> {
    /// Waits until all that was asked is committed and the store is closed.
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread has panicked");
        }
    }
}

/// Commits until nobody can ask any more.
///
/// A store that found no room is tidied at once, busy as it may be with those who ask again: what was moved out of the
/// log makes room in it. And once there is room again, before the log takes all of it: moving needs some. Not more often:
/// that would not help, and cost the disk a lot.
fn work<S: Store>(
    store: &mut S,
    asked: &Receiver<Requests<S::Request>>,
    mut answer: impl FnMut(Replies<S::Reply>),
) {
    let mut waiting: Requests<S::Request> = Vec::new();
    let (mut tidy, mut was_full) = (true, false);
    loop {
        if waiting.is_empty() {
            match next(asked, tidy) {
                Some(Some(requests)) => waiting = requests,
                Some(None) => {
                    store.tidy();
                    tidy = true;
                    continue;
                }
                None => break,
            }
        }
        while waiting.len() < BATCH_MAX
            && let Ok(more) = asked.try_recv()
        {
            waiting.extend(more);
        }
        let rest = waiting.split_off(batch::<S>(&waiting));
        let replies = store.commit(std::mem::replace(&mut waiting, rest));
        let full = replies
            .iter()
            .any(|(_, reply)| reply.as_ref().is_err_and(StoreFault::wants_room));
        answer(replies);
        tidy = false;
        if full != was_full {
            store.tidy();
        }
        was_full = full;
    }
    if !tidy {
        store.tidy();
    }
}

/// How many of these go into one commit: the first, and what follows while there is room.
fn batch<S: Store>(waiting: &Requests<S::Request>) -> usize {
    let mut bytes = 0;
    let fits = |(_, request): &&(Ticket, S::Request)| {
        let fits = bytes < COMMIT_BYTES_MAX;
        bytes += S::weight(request);
        fits
    };
    waiting.iter().take(BATCH_MAX).take_while(fits).count()
}

/// The next requests; `Some(None)` if it was quiet for long and the store is not tidy; `None` at the end.
fn next<Rq>(asked: &Receiver<Requests<Rq>>, tidy: bool) -> Option<Option<Requests<Rq>>> {
    if tidy {
        return asked.recv().ok().map(Some);
    }
    match asked.recv_timeout(QUIET) {
        Ok(requests) => Some(Some(requests)),
        Err(RecvTimeoutError::Timeout) => Some(None),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Stands for a batch that finds no room …
    const TOO_MUCH: u64 = u64::MAX;
    /// … and for one that cannot be written, perhaps because of a quota.
    const OVER_QUOTA: u64 = u64::MAX - 1;

    /// Adds one; notes the size of each batch as it comes; holds each until it is let go.
    struct Adder {
        gate: mpsc::Receiver<()>,
        log: mpsc::Sender<String>,
    }

    impl Store for Adder {
        type Request = u64;
        type Reply = u64;

        /// What is above a million carries a mebibyte.
        fn weight(request: &u64) -> usize {
            if *request > 1_000_000 { 1 << 20 } else { 0 }
        }

        fn commit(&mut self, requests: Requests<u64>) -> Replies<u64> {
            self.log.send(format!("commit {}", requests.len())).unwrap();
            self.gate.recv().ok();
            let add = |n| match n {
                TOO_MUCH => Err(StoreFault::Full),
                OVER_QUOTA => Err(StoreFault::Unwritten),
                n => Ok(n + 1),
            };
            requests.into_iter().map(|(t, n)| (t, add(n))).collect()
        }

        fn tidy(&mut self) {
            self.log.send("tidy".into()).unwrap();
        }
    }

    fn start() -> (
        Worker<u64, u64>,
        mpsc::Sender<()>,
        mpsc::Receiver<String>,
        mpsc::Receiver<()>,
    ) {
        let (open, gate) = mpsc::channel();
        let (log, lines) = mpsc::channel();
        let (wake, woken) = mpsc::channel();
        let worker = Worker::start(Adder { gate, log }, move || wake.send(()).unwrap()).unwrap();
        (worker, open, lines, woken)
    }

    fn requests(range: std::ops::Range<u64>) -> Requests<u64> {
        range.map(|n| (Ticket(n), n)).collect()
    }

    #[test]
    fn replies_come_in_the_order_asked_and_the_loop_is_woken() {
        let (worker, open, _lines, woken) = start();
        worker.ask(requests(0..3)).unwrap();
        worker.ask(requests(3..5)).unwrap();
        drop(open);
        let mut replies = Vec::new();
        while replies.len() < 5 {
            woken.recv_timeout(Duration::from_secs(10)).unwrap();
            while let Some(batch) = worker.replies().unwrap() {
                replies.extend(batch);
            }
        }
        assert_eq!(
            replies,
            (0..5).map(|n| (Ticket(n), Ok(n + 1))).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_gathers_during_a_commit_is_one_batch_of_bounded_size() {
        let (worker, open, lines, _woken) = start();
        worker.ask(requests(0..1)).unwrap();
        assert_eq!(lines.recv().unwrap(), "commit 1");
        // The first commit is held; what follows is more than a batch takes.
        for n in 1..=BATCH_MAX as u64 + 10 {
            worker.ask(requests(n..n + 1)).unwrap();
        }
        drop(open);
        drop(worker);
        let rest: Vec<String> = lines.iter().collect();
        assert_eq!(
            rest,
            [format!("commit {BATCH_MAX}"), "commit 10".into(), "tidy".into()]
        );
    }

    #[test]
    fn a_batch_of_large_requests_ends_at_its_bytes() {
        let (worker, open, lines, _woken) = start();
        worker.ask(requests(0..1)).unwrap();
        assert_eq!(lines.recv().unwrap(), "commit 1");
        worker.ask(requests(2_000_000..2_000_020)).unwrap();
        worker.ask(requests(1..5)).unwrap();
        drop(open);
        drop(worker);
        let mebibytes = COMMIT_BYTES_MAX >> 20;
        let rest: Vec<String> = lines.iter().collect();
        let large = format!("commit {mebibytes}");
        let last = format!("commit {}", 20 - 2 * mebibytes + 4);
        assert_eq!(rest, [large.clone(), large, last, "tidy".into()]);
    }

    #[test]
    fn leaving_commits_what_was_asked_and_tidies() {
        let (worker, open, lines, _woken) = start();
        worker.ask(requests(0..7)).unwrap();
        drop(open);
        drop(worker);
        assert_eq!(lines.iter().collect::<Vec<_>>(), ["commit 7", "tidy"]);
    }

    #[test]
    fn a_store_that_finds_no_room_or_room_again_is_tidied_at_once_however_much_is_asked() {
        let (worker, open, lines, _woken) = start();
        let full = ["commit 1", "tidy"].as_slice();
        let rest = ["commit 1"].as_slice();
        for (n, expected) in [
            (TOO_MUCH, full),
            (TOO_MUCH, rest),
            (1, full),
            (2, rest),
            (OVER_QUOTA, full),
            (TOO_MUCH, rest),
        ] {
            worker.ask(vec![(Ticket(0), n)]).unwrap();
            open.send(()).unwrap();
            for line in expected {
                assert_eq!(lines.recv_timeout(QUIET / 2).as_deref(), Ok(*line));
            }
        }
        drop(open);
        drop(worker);
        assert_eq!(lines.iter().collect::<Vec<_>>(), ["tidy"]);
    }

    #[test]
    fn a_quiet_store_is_tidied_once() {
        let (worker, open, lines, _woken) = start();
        worker.ask(requests(0..1)).unwrap();
        open.send(()).unwrap();
        let line = || lines.recv_timeout(QUIET * 2).ok();
        assert_eq!(line().as_deref(), Some("commit 1"));
        assert_eq!(line().as_deref(), Some("tidy"));
        assert_eq!(line(), None);
        drop(worker);
    }
}
