//! A ring of bits over an ever-growing number line: which of the latest numbers were seen.
//!
//! Number `n` has bit `n` modulo the size; whoever owns the ring clears bits before their place is used again.
//! Knows nothing of packets or messages.
//! Invariant: the size is a power of two, so that a number's place is a mask away.

/// `WORDS` times 64 bits.
#[derive(Clone, Debug)]
pub(super) struct Bits<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Bits<WORDS> {
    /// How many numbers it tells apart.
    pub(super) const SIZE: u64 = {
        assert!(WORDS.is_power_of_two());
        WORDS as u64 * 64
    };

    pub(super) const fn new() -> Self {
        Self([0; WORDS])
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn insert(&mut self, number: u64) {
        let (word, bit) = Self::place(number);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, number: u64) {
        let (word, bit) = Self::place(number);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    fn place(number: u64) -> (usize, u64) {
        let place = number % Self::SIZE;
        let word = usize::try_from(place / 64).unwrap_or(0);
        (word, 1 << (place % 64))
    }
}
