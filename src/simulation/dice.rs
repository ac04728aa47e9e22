//! All chance of a simulated world, from its seed.
//!
//! Invariant: whole numbers only: the same seed gives the same history on every machine.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

/// How likely something is, in parts of a million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// Never.
    pub const NEVER: Self = Self(0);
    const WHOLE: u32 = 1_000_000;

    /// So many parts of a hundred.
    pub const fn percent(percent: u32) -> Self {
        Self(percent * 10_000)
    }

    /// So many parts of a thousand.
    pub const fn permille(permille: u32) -> Self {
        Self(permille * 1_000)
    }

    /// Whether it can happen at all.
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }
}

/// Why a text is no chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share is a number of percent from 0 to 100, with at most four decimals, such as 12.5")]
pub struct ChanceError;

impl FromStr for Chance {
    type Err = ChanceError;

    /// Percent, with or without the sign: `30`, `12.5%`.
    fn from_str(text: &str) -> Result<Self, ChanceError> {
        let text = text.strip_suffix('%').unwrap_or(text);
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || decimals.len() > 4 || !digits(whole) || !digits(decimals) {
            return Err(ChanceError);
        }
        let parts = format!("{whole}{decimals:0<4}")
            .parse()
            .map_err(|_| ChanceError)?;
        if parts > Self::WHOLE {
            return Err(ChanceError);
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, parts) = (self.0 / 10_000, self.0 % 10_000);
        if parts == 0 {
            return write!(f, "{whole} %");
        }
        let decimals = format!("{parts:04}");
        write!(f, "{whole}.{} %", decimals.trim_end_matches('0'))
    }
}

/// A generator with a seed of its own, so that what one part of the world draws moves no other part.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha12Rng);

impl Dice {
    /// Dice for one purpose in the world of this seed.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(purpose);
        Self(rng)
    }

    /// A whole number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.next_u64() % bound }
    }

    /// An index into a list of `len` things; 0 if there are none.
    pub fn index(&mut self, len: usize) -> usize {
        let drawn = self.below(u64::try_from(len).unwrap_or(u64::MAX));
        usize::try_from(drawn).unwrap_or(0)
    }

    /// Whether it happens. Draws nothing for what never happens.
    pub fn chance(&mut self, chance: Chance) -> bool {
        !chance.is_never() && self.below(u64::from(Chance::WHOLE)) < u64::from(chance.0)
    }

    /// A span up to `longest`, in microseconds.
    pub fn span(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX - 1);
        Duration::from_micros(self.below(micros.saturating_add(1)))
    }

    /// A span without a memory (exponential), as long as `mean` on average. By comparing alone (von Neumann 1951): a
    /// logarithm might be rounded otherwise on another machine.
    pub fn wait(&mut self, mean: Duration) -> Duration {
        let bound = u64::try_from(mean.as_micros()).unwrap_or(u64::MAX);
        let mut whole = Duration::ZERO;
        loop {
            let part = self.below(bound);
            let (mut last, mut falling) = (part, 1_u32);
            loop {
                let next = self.below(bound);
                if next >= last {
                    break;
                }
                last = next;
                falling += 1;
            }
            if falling % 2 == 1 {
                return whole.saturating_add(Duration::from_micros(part));
            }
            whole = whole.saturating_add(mean);
        }
    }

    /// 32 bytes, for a generator or a key.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_read_and_written_as_percent() {
        for (text, shown) in [
            ("0", "0 %"),
            ("30", "30 %"),
            ("12.5%", "12.5 %"),
            ("0.0001", "0.0001 %"),
        ] {
            assert_eq!(text.parse::<Chance>().unwrap().to_string(), shown);
        }
        for text in ["", "-1", "100.1", "1.00001", "ten", ".5", "1e2", "%"] {
            assert_eq!(text.parse::<Chance>(), Err(ChanceError), "{text}");
        }
    }

    #[test]
    fn chances_come_true_as_often_as_they_say() {
        let mut dice = Dice::new(1, 2);
        let hits = (0..100_000).filter(|_| dice.chance(Chance::percent(30))).count();
        assert!((29_000..31_000).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| dice.chance(Chance::percent(100))));
        assert!(!(0..1_000).any(|_| dice.chance(Chance::NEVER)));
    }

    #[test]
    fn waits_have_no_memory() {
        let mut dice = Dice::new(1, 2);
        let mean = Duration::from_millis(100);
        let waits: Vec<Duration> = (0..100_000).map(|_| dice.wait(mean)).collect();
        let sum: Duration = waits.iter().sum();
        let found = sum.as_millis() / 100_000;
        assert!((98..=102).contains(&found), "{found} ms on average");
        // e^-1 = 36.8 %, e^-2 = 13.5 %, e^-3 = 5.0 %.
        for (means, share) in [(1, 36_800), (2, 13_500), (3, 5_000)] {
            let longer = waits.iter().filter(|wait| **wait > mean * means).count();
            assert!(
                (share * 95 / 100..share * 105 / 100).contains(&longer),
                "{longer} are longer than {means} times the mean"
            );
        }
        assert_eq!(dice.wait(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn purposes_do_not_move_each_other() {
        let draw = |purpose| Dice::new(7, purpose).seed();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
