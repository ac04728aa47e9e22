//! Ctrl+C and its like (SIGINT, SIGTERM, SIGHUP): the first asks the program to end, the second ends it.
//!
//! Decides nothing about how to end well: it hands the first on.
//! Invariant: the second ends the program whatever hangs; what was confirmed is on the disk.

use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code after a second signal: that of a shell for a program that SIGINT has ended (128 + 2).
const CODE_AT_ONCE: i32 = 130;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Calls `stop` in a thread of its own at the first signal; ends the process at the second. Once a process.
pub fn install(stop: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::AcqRel) {
            at_once();
        }
        stop();
    })
}

/// The person has asked to end in another way: the next signal is the second.
pub fn asked() {
    ASKED.store(true, Ordering::Release);
}

#[expect(
    clippy::exit,
    reason = "the person asked twice; whatever hangs must not stop this"
)]
fn at_once() {
    std::process::exit(CODE_AT_ONCE);
}
