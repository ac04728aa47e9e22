//! What a session learns from little talk, and what a pause of its own side does to it.
//!
//! Whole sessions in the lab; the parts have their own tests.
//! Invariant: a test says what a user of the session would notice.

use std::time::Duration;

use super::lab::*;

/// How long 60,000 bytes take without loss, after so many lone messages on a path that loses and delays.
fn large_after_talk(seed: u64, lone: usize) -> Duration {
    let rough = Faults {
        jitter: Duration::from_millis(100),
        loss_percent: 10,
        ..quiet(40)
    };
    let mut lab = Lab::new(seed, rough);
    for number in 0..lone {
        lab.send(0, message(number, 100)).unwrap();
        lab.run(Duration::from_secs(3));
    }
    lab.faults.loss_percent = 0;
    lab.run(Duration::from_secs(30));
    let got = lab.ends[1].got.len();
    lab.send(0, message(lone, 60_000)).unwrap();
    lab.run_until_got(1, got + 1, Duration::from_secs(600))
}

#[test]
fn talk_teaches_nothing_of_what_the_path_can_carry() {
    let all = |lone| (0..20).map(|seed| large_after_talk(seed, lone)).sum::<Duration>();
    let (fresh, after_talk) = (all(0), all(200));
    assert!(
        after_talk < fresh * 11 / 10,
        "{after_talk:?}, and {fresh:?} at first"
    );
}
