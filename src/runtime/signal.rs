//! Ctrl+C and its like (SIGINT, SIGTERM, SIGHUP): the first asks the program to end, the second ends it.
//!
//! Decides nothing about how to end well: it hands the first on.
//! Invariant: the second ends the program whatever hangs; what was confirmed is on the disk.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::clock;

/// The exit code after a second signal: that of a shell for a program that SIGINT has ended (128 + 2).
const CODE_AT_ONCE: i32 = 130;

/// Two signals so close are one wish, told twice: as `timeout` and some supervisors do, to a process and its group.
const ECHO: Duration = Duration::from_millis(200);

static ASKED: AtomicBool = AtomicBool::new(false);

/// What is put in order before the end at once.
static LAST: OnceLock<fn()> = OnceLock::new();

/// Has `last` called before a second signal ends the process. It must not wait for anything. The first one counts.
pub fn before_the_end(last: fn()) {
    LAST.get_or_init(|| last);
}

/// Calls `stop` in a thread of its own at the first signal; ends the process at the second. Once a process.
pub fn install(stop: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
    let mut first_at = None;
    ctrlc::set_handler(move || {
        let now = clock::now().at;
        if first_at.is_some_and(|first| now.since(first) < ECHO) {
            return;
        }
        if ASKED.swap(true, Ordering::AcqRel) {
            at_once();
        }
        first_at = Some(now);
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
    if let Some(last) = LAST.get() {
        last();
    }
    std::process::exit(CODE_AT_ONCE);
}
