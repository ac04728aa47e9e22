//! Wakes the loop out of its poll when another thread has something for it (eventfd(2)).
//!
//! A flag beside the descriptor makes a burst of wakes cost one system call.
//! Invariant: whatever was queued before `wake` is seen by a drain that follows `rest`; no wake is lost.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io;

/// A handle on the loop; clones wake the same one.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Bell>);

#[derive(Debug)]
struct Bell {
    descriptor: OwnedFd,
    pending: AtomicBool,
}

impl Waker {
    /// A new bell, silent.
    pub fn new() -> std::io::Result<Self> {
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Bell {
            descriptor,
            pending: AtomicBool::new(false),
        })))
    }

    /// Has the loop look at its queues. Call it after queueing.
    pub fn wake(&self) {
        if self.0.pending.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = io::write(&self.0.descriptor, &1_u64.to_ne_bytes()) {
            // Only a full counter refuses, and that wakes as well.
            tracing::warn!(%error, "wake not written");
        }
    }

    /// Silences the bell; the loop then drains its queues, in this order and no other: a wake between the two
    /// rings again.
    pub fn rest(&self) {
        let mut count = [0; 8];
        // Nothing to read if nobody rang.
        if let Err(error) = io::read(&self.0.descriptor, &mut count)
            && error != io::Errno::AGAIN
        {
            tracing::warn!(%error, "wake not read");
        }
        self.0.pending.store(false, Ordering::Release);
    }
}

impl AsFd for Waker {
    /// Readable while the bell rings.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.descriptor.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn ringing(waker: &Waker) -> bool {
        let mut descriptors = [PollFd::new(waker, PollFlags::IN)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut descriptors, Some(&at_once)).unwrap() > 0
    }

    #[test]
    fn wakes_add_up_to_one_and_rest_ends_them() {
        let waker = Waker::new().unwrap();
        assert!(!ringing(&waker));
        for _ in 0..3 {
            waker.wake();
        }
        assert!(ringing(&waker));
        waker.rest();
        assert!(!ringing(&waker));
        waker.clone().wake();
        assert!(ringing(&waker), "it rings again, by any handle");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "whoever wakes is another thread")]
    fn nothing_queued_is_left_lying() {
        let waker = Waker::new().unwrap();
        let (sender, receiver) = crossbeam_channel::unbounded();
        let ringer = waker.clone();
        let count = 20_000;
        let thread = std::thread::spawn(move || {
            for n in 0..count {
                sender.send(n).unwrap();
                ringer.wake();
            }
        });
        let mut seen = 0;
        while seen < count {
            let mut descriptors = [PollFd::new(&waker, PollFlags::IN)];
            let patience = Timespec {
                tv_sec: 10,
                tv_nsec: 0,
            };
            assert!(
                poll(&mut descriptors, Some(&patience)).unwrap() > 0,
                "a wake was lost after {seen}"
            );
            waker.rest();
            seen += receiver.try_iter().count();
        }
        thread.join().unwrap();
    }
}
