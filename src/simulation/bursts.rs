//! Loss in bursts: each direction of a path is good or bad for a while (Gilbert 1960, Elliott 1963).
//!
//! Steps by time and not by datagram: who sends little meets as many bursts as who sends much, and none lasts longer for
//! him. How much is lost besides is `network`'s business.
//! Invariant: good and bad spells have no memory, and last as long on average as they should.

use std::time::Duration;

use super::dice::{Chance, Dice};
use crate::clock::Instant;

/// How a path fades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bursts {
    /// How long it is good, on average.
    pub good: Duration,
    /// How long it is bad.
    pub bad: Duration,
    /// Lost while it is bad.
    pub loss: Chance,
}

impl Bursts {
    /// How it is with a path that nobody has looked at yet.
    pub(super) fn begin(self, now: Instant, dice: &mut Dice) -> Spell {
        let bad = dice.span(self.good + self.bad) > self.good;
        self.spell(bad, now, dice)
    }

    fn spell(self, bad: bool, from: Instant, dice: &mut Dice) -> Spell {
        let mean = if bad { self.bad } else { self.good };
        Spell {
            bad,
            until: from + dice.wait(mean),
        }
    }

    /// Whether a datagram is lost now.
    pub(super) fn take(self, spell: &mut Spell, now: Instant, dice: &mut Dice) -> bool {
        while spell.until <= now {
            // A microsecond at least, so that this ends whatever the plan says.
            *spell = self.spell(!spell.bad, spell.until + Duration::from_micros(1), dice);
        }
        spell.bad && dice.chance(self.loss)
    }
}

/// What a path is like, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spell {
    bad: bool,
    until: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURSTS: Bursts = Bursts {
        good: Duration::from_millis(900),
        bad: Duration::from_millis(100),
        loss: Chance::percent(100),
    };

    /// What becomes of a datagram each `pause`.
    fn fates(pause: Duration, count: usize) -> Vec<bool> {
        let mut dice = Dice::new(1, 1);
        let mut now = Instant::ZERO;
        let mut spell = BURSTS.begin(now, &mut dice);
        let fate = |_| {
            now = now + pause;
            BURSTS.take(&mut spell, now, &mut dice)
        };
        (0..count).map(fate).collect()
    }

    #[test]
    fn whoever_sends_little_loses_no_more_than_who_sends_much() {
        for (pause_ms, count) in [(1, 1_000_000), (100, 100_000), (5_000, 100_000)] {
            let fates = fates(Duration::from_millis(pause_ms), count);
            let lost = fates.iter().filter(|&&lost| lost).count();
            let tenth = count / 10;
            assert!(
                (tenth * 9 / 10..tenth * 11 / 10).contains(&lost),
                "{lost} of {count}, one each {pause_ms} ms"
            );
        }
    }

    #[test]
    fn bursts_last_so_long_by_the_clock() {
        for pause in [Duration::from_millis(1), Duration::from_millis(10)] {
            let fates = fates(pause, 1_000_000);
            let lost = fates.iter().filter(|&&lost| lost).count();
            let bursts = fates.windows(2).filter(|pair| pair[1] && !pair[0]).count();
            let long = pause * u32::try_from(lost / bursts).unwrap();
            assert!((90..=120).contains(&long.as_millis()), "{long:?} on average");
        }
    }
}
