//! What a session learns from little talk, and what a pause of its own side does to it.
//!
//! Whole sessions in the lab; the parts have their own tests.
//! Invariant: a test says what a user of the session would notice.

use std::time::Duration;

use super::lab::*;
use crate::limits::SESSION_SILENCE;

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

/// A session that stands still for a minute with an acknowledgement in the socket, and then does `first`, before it
/// reads that. Returns its probe timeout before and after.
fn after_standing_still(first: impl Fn(&mut Lab)) -> (Duration, Duration) {
    let mut lab = Lab::new(1, quiet(50));
    for number in 0..20 {
        lab.send(0, message(number, 100)).unwrap();
        lab.run(Duration::from_secs(2));
    }
    let before = lab.ends[0].session.probe_timeout();
    // Two messages, so that two acknowledgements wait.
    for number in 20..22 {
        lab.send(0, message(number, 100)).unwrap();
        lab.run(Duration::from_millis(26));
    }
    lab.run(Duration::from_millis(58));
    let waiting = std::mem::take(&mut lab.flying);
    assert_eq!(waiting.len(), 2);
    lab.now = lab.now + Duration::from_secs(60);
    first(&mut lab);
    for (to, number, plain) in waiting.into_values() {
        let end = &mut lab.ends[to];
        end.session
            .handle_packet(lab.now, number, &plain, &mut end.pool)
            .unwrap();
    }
    (before, lab.ends[0].session.probe_timeout())
}

#[test]
fn a_minute_in_which_this_side_stood_still_is_no_round_trip() {
    let firsts: [fn(&mut Lab); 3] = [
        |_| {},
        |lab| lab.ends[0].session.handle_timeout(lab.now),
        |lab| {
            lab.send(0, message(22, 100)).unwrap();
            lab.drain();
        },
    ];
    for first in firsts {
        let (before, after) = after_standing_still(first);
        assert!(after < before * 2, "{after:?}, and {before:?} before");
    }
}

#[test]
fn silence_is_noticed_in_time_however_long_the_round_trip() {
    let mut lab = Lab::new(1, quiet(12_000));
    lab.send(0, message(0, 100)).unwrap();
    lab.run(Duration::from_secs(100));
    lab.cut = [true; 2];
    lab.send(0, message(1, 100)).unwrap();
    lab.drain();
    let session = &lab.ends[0].session;
    assert!(
        session.probe_timeout() > SESSION_SILENCE,
        "{:?}",
        session.probe_timeout()
    );
    assert_eq!(session.poll_timeout(), Some(lab.now + SESSION_SILENCE));
}

#[test]
fn what_has_arrived_is_not_asked_about() {
    let mut lab = once_lossy();
    let before = lab.ends[0].session.stats();
    lab.send(0, message(100, 100)).unwrap();
    lab.run(Duration::from_millis(1));
    // The message has left; all three copies are lost.
    lab.cut[0] = true;
    lab.run(Duration::from_millis(150));
    lab.cut[0] = false;
    lab.run(Duration::from_secs(5));
    let after = lab.ends[0].session.stats();
    assert_eq!(after.counts.packets_sent - before.counts.packets_sent, 4);
    assert_eq!(after.counts.probes, before.counts.probes);
    // What became of them shows when something is acknowledged next.
    lab.send(0, message(101, 100)).unwrap();
    lab.run(Duration::from_secs(5));
    let later = lab.ends[0].session.stats();
    assert_eq!(later.counts.packets_lost - after.counts.packets_lost, 3);
    assert_eq!(later.counts.probes, before.counts.probes);
    assert!(later.path_loss > after.path_loss, "{later:?}");
}
