//! What a path loses whatever is sent.
//!
//! Counts the fates of packets that left while less was sent than the path carries: what is lost then is lost by the
//! path, not by our pressing. Leaves it to the controller to say when that is.
//! Invariant: some hundred packets, or some minutes, outweigh all that was before.

use std::time::Duration;

use crate::clock::Instant;

/// After so many packets all counts are halved: so old fates fade.
const PACKETS_MAX: u32 = 128;
/// … and after so long in which none was lost: one who says little would otherwise believe in a bad hour all day.
const FADE: Duration = Duration::from_secs(60);
/// A few that arrived are assumed: one loss at the beginning is no rate.
const ASSUMED: u32 = 8;
/// Packets are counted in such parts, so that what fades does not vanish at once where little is said.
const PARTS: u32 = 256;
/// What is believed at most, in thousandths: beyond it no rate that makes up for it can be borne.
const BELIEVED_MAX: u64 = 600;

/// The estimate for one path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathLoss {
    /// Parts of packets.
    lost: u32,
    all: u32,
    faded_at: Instant,
    /// Whether any was lost since then.
    lost_since: bool,
}

impl PathLoss {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            faded_at: now,
            ..Self::default()
        }
    }

    /// Time has passed.
    pub(super) fn fade(&mut self, now: Instant) {
        let spans = now.since(self.faded_at).as_micros() / FADE.as_micros();
        if spans > 0 {
            let halvings = u32::try_from(spans).unwrap_or(u32::MAX) - u32::from(self.lost_since);
            self.lost = self.lost.checked_shr(halvings).unwrap_or(0);
            self.all = self.all.checked_shr(halvings).unwrap_or(0);
            self.faded_at = now;
            self.lost_since = false;
        }
    }

    /// A packet has arrived.
    pub(super) const fn on_acked(&mut self) {
        self.count(0);
    }

    /// A packet was lost.
    pub(super) const fn on_lost(&mut self) {
        self.lost_since = true;
        self.count(1);
    }

    /// A packet that was counted as lost has arrived after all.
    pub(super) const fn on_spurious(&mut self) {
        self.lost = self.lost.saturating_sub(PARTS);
    }

    /// So many packets have arrived, and so many were lost.
    pub(super) fn learn(&mut self, acked: u32, lost: u32) {
        let all = PACKETS_MAX.min(acked + lost);
        let lost = lost * all / (acked + lost).max(1);
        (0..all - lost).for_each(|_| self.on_acked());
        (0..lost).for_each(|_| self.on_lost());
    }

    const fn count(&mut self, lost: u32) {
        self.lost += lost * PARTS;
        self.all += PARTS;
        if self.all >= PACKETS_MAX * PARTS {
            self.lost /= 2;
            self.all /= 2;
        }
    }

    /// Thousandths of the packets.
    pub(super) fn thousandths(self) -> u64 {
        (u64::from(self.lost) * 1_000 / u64::from(self.known())).min(BELIEVED_MAX)
    }

    /// What the estimate rests on, in parts of packets.
    const fn known(self) -> u32 {
        self.all + ASSUMED * PARTS
    }

    /// Whether `lost` of `all` is so much more than this that it is no chance, twice its standard deviation, and by
    /// `margin_percent` of all besides.
    pub(super) fn is_exceeded(self, lost: u32, all: u32, margin_percent: u64) -> bool {
        let (lost, all) = (u64::from(lost), u64::from(all));
        let rate = self.thousandths();
        // All in thousandths of packets; the variance is that of the packets and that of the estimate.
        let expected = rate * all;
        let margin = 10 * margin_percent * all + 1_000;
        let Some(excess) = (lost * 1_000).checked_sub(expected + margin) else {
            return false;
        };
        let one = rate * (1_000 - rate);
        let known = u64::from(self.known());
        let variance = one * all + one * all * u64::from(PARTS) / known * all;
        excess.saturating_mul(excess) > 4 * variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(pattern: impl Iterator<Item = bool>) -> PathLoss {
        let mut loss = PathLoss::default();
        pattern.for_each(|lost| if lost { loss.on_lost() } else { loss.on_acked() });
        loss
    }

    #[test]
    fn the_estimate_follows_the_path_and_forgets() {
        let fifth = after((0..500).map(|n| n % 5 == 0));
        assert!((170..=220).contains(&fifth.thousandths()), "{fifth:?}");
        let mended = after((0..500).map(|n| n < 200 && n % 5 == 0));
        assert!(mended.thousandths() < 40, "{mended:?}");
        assert_eq!(after((0..100).map(|_| true)).thousandths(), BELIEVED_MAX);
    }

    #[test]
    fn a_bad_hour_is_not_believed_in_for_long() {
        let mut loss = after((0..500).map(|n| n % 3 == 0));
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        loss.fade(at(60));
        assert!(
            loss.thousandths() > 250,
            "{loss:?}: some were lost in this minute"
        );
        for minute in 2..10 {
            loss.fade(at(minute * 60));
        }
        assert!(loss.thousandths() < 20, "{loss:?}");
        let mut loss = after((0..500).map(|n| n % 3 == 0));
        loss.fade(at(1 << 40));
        assert_eq!(loss.thousandths(), 0, "however long ago");
    }

    #[test]
    fn one_who_says_little_remembers_that_the_path_loses() {
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        let mut loss = after([true, false, false, false].into_iter());
        let known = loss.thousandths();
        // The minute in which it was lost does not count.
        loss.fade(at(120));
        assert!(loss.thousandths() > known / 3, "{loss:?} of {known}");
    }

    #[test]
    fn one_loss_in_many_is_next_to_nothing() {
        assert!(after((0..60).map(|n| n == 0)).thousandths() < 20);
        assert_eq!(PathLoss::default().thousandths(), 0);
    }

    #[test]
    fn chance_is_told_from_pressure() {
        let clean = after((0..100).map(|_| false));
        assert!(!clean.is_exceeded(1, 50, 2) && clean.is_exceeded(3, 50, 2));
        let fifth = after((0..500).map(|n| n % 5 == 0));
        assert!(!fifth.is_exceeded(13, 50, 2) && fifth.is_exceeded(30, 50, 2));
        assert!(!fifth.is_exceeded(0, 0, 2));
    }
}
