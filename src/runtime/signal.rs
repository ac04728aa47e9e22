//! Ctrl+C and its like (SIGINT, SIGTERM, SIGHUP): the first asks the program to end, the second ends it.
//!
//! Decides nothing about how to end well: it hands the first on.
//! Invariant: the second ends the program whatever hangs; what was confirmed is on the disk.

use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

use super::clock;
use crate::clock::Instant;

/// The exit code after a second signal: that of a shell for a program that SIGINT has ended (128 + 2).
const CODE_AT_ONCE: i32 = 130;

/// What comes so soon after the first is the same wish, told again: `timeout` and some supervisors tell a process and
/// its group, a shell ends a pipe and what reads it, a terminal that is closed ends the input and hangs up.
const ECHO: Duration = Duration::from_millis(200);

/// When the person first asked to end.
static ASKED_AT: OnceLock<Instant> = OnceLock::new();

/// What is put in order before the end at once.
static LAST: [OnceLock<fn()>; 2] = [const { OnceLock::new() }; 2];

/// Has `last` called before a second signal ends the process. It must not wait for anything. There are two places: for the
/// terminal, and for programs that are run; each asks once.
pub fn before_the_end(last: fn()) {
    let is_kept = LAST.iter().any(|place| place.set(last).is_ok());
    debug_assert!(is_kept, "a place for each who asks");
}

/// Leaves ignored what was ignored when the program was started, as `nohup` does with SIGHUP and a script with the SIGINT
/// of what it runs in the background. Blocked, because `install` puts its handler in place of what was there. To be called
/// before any thread is started: each has the mask of the one that starts it.
pub fn heed_ignored() {
    let ignored = ignored(&status(), &[Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
    if let Err(error) = ignored.thread_block() {
        tracing::debug!(%error, "ignored signals not blocked");
    }
}

/// Whether the end of a child is ignored: then the system does not keep how it has ended.
pub fn ignores_children() -> bool {
    ignored(&status(), &[Signal::SIGCHLD]).contains(Signal::SIGCHLD)
}

/// Of this process; empty where that is not to be had.
fn status() -> String {
    std::fs::read_to_string("/proc/self/status").unwrap_or_else(|error| {
        tracing::debug!(%error, "which signals are ignored is not known");
        String::new()
    })
}

/// Of these signals those that a process with this status ignores (proc(5), `SigIgn`).
fn ignored(status: &str, signals: &[Signal]) -> SigSet {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    let is_ignored = |signal: &Signal| mask >> (*signal as u32 - 1) & 1 == 1;
    signals.iter().copied().filter(is_ignored).collect()
}

/// Calls `stop` in a thread of its own at the first signal; ends the process at the second. Once a process.
pub fn install(stop: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
    let mut stopped = false;
    ctrlc::set_handler(move || {
        let now = clock::now().at;
        let first = *ASKED_AT.get_or_init(|| now);
        match meaning(first, now) {
            Meaning::AtOnce => at_once(),
            // Asked in another way, it may still wait in line.
            Meaning::Stop if !stopped => {
                stopped = true;
                stop();
            }
            Meaning::Stop => {}
        }
    })
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Stop,
    AtOnce,
}

/// What a signal means at `now`, where the person first asked to end at `first`.
fn meaning(first: Instant, now: Instant) -> Meaning {
    if now.since(first) < ECHO {
        Meaning::Stop
    } else {
        Meaning::AtOnce
    }
}

/// The person asks to end, in whatever way: the next signal is the second.
pub fn asked() {
    ASKED_AT.get_or_init(|| clock::now().at);
}

#[expect(
    clippy::exit,
    reason = "the person asked twice; whatever hangs must not stop this"
)]
fn at_once() {
    for last in LAST.iter().filter_map(OnceLock::get) {
        last();
    }
    std::process::exit(CODE_AT_ONCE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_the_first_wish_is_part_of_it() {
        let first = Instant::from_micros(1_000_000);
        for (micros, expected) in [
            (0, Meaning::Stop),
            (199_999, Meaning::Stop),
            (200_000, Meaning::AtOnce),
        ] {
            assert_eq!(meaning(first, first + Duration::from_micros(micros)), expected);
        }
    }

    #[test]
    fn ignored_signals_are_read_from_the_status_of_a_process() {
        let ours = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD];
        let set = |status: &str| ignored(status, &ours).iter().collect::<Vec<_>>();
        // Of nohup; SIGPIPE as every Rust program has it.
        assert_eq!(
            set("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000004002\n"),
            [Signal::SIGHUP]
        );
        assert_eq!(set("SigIgn:\t0000000000000006\n"), [Signal::SIGINT]);
        assert_eq!(set("SigIgn:\t0000000000010000\n"), [Signal::SIGCHLD]);
        assert_eq!(set("SigIgn:\t0000000000000000\n"), []);
        assert_eq!(set("SigIgn:\tnonsense\n"), []);
    }
}
