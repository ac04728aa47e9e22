//! A controller that goes by rate and delay (after BBR, draft-ietf-ccwg-bbr-02), and takes the loss a path has anyway
//! for what it is.
//!
//! A model of the path, of the fastest delivery and the shortest round trip seen lately, says how fast packets leave
//! and how many may be under way; the rate is raised by what the path loses. It is probed by sending more for a round
//! trip, then less. Loss lowers a ceiling only where there is more of it than the path has when little is sent, and
//! round trips are longer than they need be, or there is much more of it.
//! Not as in the draft: losses are subtracted from what a path may lose by itself, and lower a ceiling that rises as
//! CUBIC's window does, instead of bounds on what is under way short and long; there is no phase Refill. Figures without a
//! source were measured in `tests/transport_table/`.
//! Invariant: once the path is known and the queue of the start has gone, no more than twice what it holds is under way,
//! and what is acknowledged in one go; or the least window.

use std::time::Duration;

use super::ceiling::Ceiling;
use super::delivery::Delivery;
use super::heaps::Heaps;
use super::path_loss::PathLoss;
use super::shortest::Shortest;
use super::{
    Controller, DATAGRAM, Fate, INITIAL_WINDOW, MAXIMUM_WINDOW, MINIMUM_WINDOW, Stamp, Summary, bytes_in,
    percent, rate_of,
};
use crate::clock::Instant;

/// Percent of the model's rate while the path is not known: 4 · ln 2, the least that doubles in a round trip
/// (BBRStartupPacingGain).
const STARTUP_GAIN: u64 = 277;
/// Percent of what the path holds that may be under way (BBRDefaultCwndGain).
const WINDOW_GAIN: u64 = 200;
/// The rate has stopped growing if it does not grow by a quarter in three round trips (section 4.3.1.2).
const PLATEAU_GAIN: u64 = 125;
const PLATEAU_ROUNDS: u8 = 3;
/// Percent while probing for more, and while making room afterwards.
const UP_GAIN: u64 = 125;
const DOWN_GAIN: u64 = 75;
/// Percent while what was sent too much at the start leaves the queue: 1 / `STARTUP_GAIN`.
const DRAIN_GAIN: u64 = 36;
/// Shortest round trips between two probes for more.
const CRUISE_ROUND_TRIPS: u32 = 6;
/// … and those after which a phase that lets a queue go ends, whether or not it went: others may keep it up.
const PATIENCE_ROUND_TRIPS: u32 = 8;
/// How long little is under way, to see the shortest round trip again (ProbeRTTDuration).
const REST_SPAN: Duration = Duration::from_millis(200);
/// Percent of loss beyond the path's own that count: where a queue stands for a whole round trip, on a path that by
/// itself loses fewer than so many thousandths; where there is a queue (BBRLossThresh); and where none is seen.
const STANDING_MARGIN: u64 = 1;
const LOW_LOSS_THOUSANDTHS: u64 = 50;
const QUEUED_MARGIN: u64 = 2;
const UNQUEUED_MARGIN: u64 = 10;
/// What may be under way beside that and the heaps seen: two packets that are acknowledged together, and one more.
const QUANTUM: u64 = 3 * DATAGRAM;
/// Bytes a second that are tried whatever the model says: a datagram in three seconds, as RFC 8085 §3.1.2 lets one do
/// who knows nothing of the path. A stall must not be taken for the path's rate for ever.
const RATE_MIN: u64 = DATAGRAM / 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Looking for the rate of the path, twice as fast each round trip.
    Startup,
    /// Letting the queue go that this made.
    Drain,
    /// Sending more, to see whether more arrives.
    Up,
    /// Sending less, so that what that added goes.
    Down,
    /// Sending as much as arrives.
    Cruise,
    /// Keeping little under way, to see the shortest round trip.
    Rest,
}

/// What one round trip has shown.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    /// It is over when a packet is acknowledged that left after so much was delivered.
    end: u64,
    acked: u32,
    lost: u32,
    /// Round trips seen in it: their sum, and how many.
    rtts: (Duration, u32),
    /// The shortest of them.
    shortest: Option<Duration>,
    /// The most that was under way.
    peak: u64,
    /// Whether a rate was seen that the application did not limit.
    full: bool,
    /// Whether a queue stood in the round before.
    after_queue: bool,
}

/// The controller of one path.
#[derive(Clone, Debug)]
pub(in crate::transport) struct Pilot {
    delivery: Delivery,
    loss: PathLoss,
    phase: Phase,
    phase_at: Instant,
    /// The fastest delivery of this cycle of probes, and of the one before.
    bandwidth: [u64; 2],
    heaps: Heaps,
    /// The rate that the next has to beat by a quarter, and for how many rounds none has.
    plateau: u64,
    plateau_rounds: u8,
    /// Packets acknowledged and lost in the round before, of which nobody knows yet why.
    unexplained: (u32, u32),
    round: Round,
    shortest: Shortest,
    ceiling: Ceiling,
    window: u64,
}

impl Pilot {
    pub(in crate::transport) fn new(now: Instant) -> Self {
        Self {
            delivery: Delivery::default(),
            loss: PathLoss::new(now),
            phase: Phase::Startup,
            phase_at: now,
            bandwidth: [0; 2],
            heaps: Heaps::default(),
            plateau: 0,
            plateau_rounds: 0,
            unexplained: (0, 0),
            round: Round::default(),
            shortest: Shortest::new(now),
            ceiling: Ceiling::NONE,
            window: INITIAL_WINDOW,
        }
    }

    /// The rate at which the path delivers.
    fn bandwidth(&self) -> u64 {
        self.bandwidth[0].max(self.bandwidth[1])
    }

    /// What has to leave for so much to arrive, given what the path loses.
    fn outbound(&self, arriving: u64) -> u64 {
        arriving.saturating_mul(1_000) / (1_000 - self.loss.thousandths())
    }

    /// What the path holds without a queue.
    fn held(&self) -> u64 {
        self.outbound(bytes_in(self.bandwidth(), self.shortest.get()))
    }

    /// Whether the round trips of this round were so, taken together.
    fn is_unqueued(&self) -> bool {
        let (sum, count) = self.round.rtts;
        count == 0 || self.shortest.is_short(sum / count)
    }

    /// Whether a queue stands that does not go away in a round trip: others press as well.
    fn has_standing_queue(&self) -> bool {
        self.round
            .shortest
            .is_some_and(|rtt| !self.shortest.is_short(rtt))
    }

    /// Whether the fate of a packet says what the path loses by itself.
    fn tells_path_loss(&self, packet: &Fate) -> bool {
        packet.stamp.alone || (packet.stamp.calm && !self.round.after_queue && !self.has_standing_queue())
    }

    /// What a packet counts for in this round: nothing, if the ceiling was lowered after it left.
    fn news(&self, packet: &Fate) -> u32 {
        u32::from(self.ceiling.is_news(packet.stamp.sent_at))
    }

    /// So much under way brings no queue about.
    fn little(&self) -> u64 {
        (bytes_in(self.bandwidth(), self.shortest.get()) / 2).max(MINIMUM_WINDOW)
    }

    fn see_rtt(&mut self, now: Instant, rtt: Duration) {
        if self.shortest.see(now, rtt) && self.phase != Phase::Startup {
            self.enter(now, Phase::Rest);
        }
        self.round.shortest = Some(self.round.shortest.map_or(rtt, |known| known.min(rtt)));
        self.round.rtts.0 += rtt;
        self.round.rtts.1 += 1;
    }

    fn enter(&mut self, now: Instant, phase: Phase) {
        if phase == Phase::Up && self.bandwidth[0] > 0 {
            self.bandwidth = [0, self.bandwidth[0]];
            self.heaps.begin_cycle();
        }
        self.phase = phase;
        self.phase_at = now;
    }

    /// A round trip is over: was there too much of us, and does the rate still grow?
    fn end_round(&mut self, now: Instant) {
        let pressed = self.is_pressed();
        if pressed {
            self.ceiling.lower(now, self.round.peak);
        } else {
            self.ceiling.raise(now, self.round.peak);
        }
        if self.phase == Phase::Startup {
            self.learn_growth();
            // While nothing but the application has bounded the rate, it is no model of the path.
            if self.has_plateaued() || (pressed && self.round.full) {
                self.enter(now, Phase::Drain);
            }
        }
        self.round = Round {
            end: self.delivery.delivered(),
            after_queue: self.has_standing_queue(),
            ..Round::default()
        };
    }

    /// Whether so much was under way that it may have been too much. Less than the least cannot be asked for.
    const fn has_tried(&self) -> bool {
        self.round.peak > MINIMUM_WINDOW
    }

    /// Whether more was lost in this round than the path loses by itself.
    fn is_pressed(&self) -> bool {
        if !self.has_tried() {
            return false;
        }
        let Round { acked, lost, .. } = self.round;
        let all = acked + lost;
        if self.has_standing_queue() && self.loss.thousandths() < LOW_LOSS_THOUSANDTHS {
            return u64::from(lost) * 100 > u64::from(all) * STANDING_MARGIN + 100;
        }
        if !self.is_unqueued() {
            return self.loss.is_exceeded(lost, all, QUEUED_MARGIN);
        }
        self.phase != Phase::Startup && self.loss.is_exceeded(lost, all, UNQUEUED_MARGIN)
    }

    /// What a round of Startup shows of the rate. While it grows, what was lost a round ago the path has lost by itself:
    /// it could carry more.
    fn learn_growth(&mut self) {
        let Round { acked, lost, .. } = self.round;
        if self.bandwidth() >= percent(self.plateau, PLATEAU_GAIN) {
            (self.plateau, self.plateau_rounds) = (self.bandwidth(), 0);
            let (acked, lost) = std::mem::replace(&mut self.unexplained, (acked, lost));
            self.loss.learn(acked, lost);
            return;
        }
        self.unexplained = (0, 0);
        let excessive = self.has_tried() && self.loss.is_exceeded(lost, acked + lost, UNQUEUED_MARGIN);
        self.plateau_rounds += u8::from(self.round.full || excessive);
    }

    /// Whether the rate has stopped growing.
    const fn has_plateaued(&self) -> bool {
        self.plateau_rounds >= PLATEAU_ROUNDS
    }

    /// The window of this phase, but for its upper bounds (`window`), after so many bytes more have been acknowledged.
    fn window_after(&self, acked: u64) -> u64 {
        let held = self.held();
        match self.phase {
            Phase::Startup if self.window < percent(held, STARTUP_GAIN).max(INITIAL_WINDOW) => {
                self.window + acked
            }
            Phase::Startup | Phase::Drain => self.window,
            Phase::Up | Phase::Down | Phase::Cruise | Phase::Rest => {
                percent(held, WINDOW_GAIN) + self.heaps.largest() + QUANTUM
            }
        }
    }

    /// Goes on to the next phase when this one has done its work.
    fn advance(&mut self, now: Instant, flight: u64) {
        let lasted = now.since(self.phase_at);
        let (held, rtt) = (self.held(), self.shortest.get());
        let next = match self.phase {
            Phase::Startup => None,
            Phase::Drain => (flight <= held || lasted > rtt * PATIENCE_ROUND_TRIPS).then_some(Phase::Cruise),
            Phase::Up => {
                let enough = percent(held, UP_GAIN).min(self.window.saturating_sub(2 * DATAGRAM));
                (lasted >= rtt && (flight >= enough || lasted >= rtt * 2)).then_some(Phase::Down)
            }
            Phase::Down => (lasted >= rtt || flight <= held).then_some(Phase::Cruise),
            Phase::Cruise => (lasted >= rtt * CRUISE_ROUND_TRIPS).then_some(Phase::Up),
            Phase::Rest if flight > self.window() + DATAGRAM && lasted < rtt * PATIENCE_ROUND_TRIPS => None,
            Phase::Rest => (lasted >= REST_SPAN.max(rtt * 2)).then_some(Phase::Cruise),
        };
        if let Some(next) = next {
            self.enter(now, next);
        }
    }

    fn start_over(&mut self, now: Instant, window: u64) {
        let loss = self.loss;
        let delivery = self.delivery.clone();
        *self = Self {
            delivery,
            loss,
            window,
            shortest: self.shortest,
            ..Self::new(now)
        };
        self.round.end = self.delivery.delivered();
    }
}

impl Controller for Pilot {
    fn on_sent(&mut self, now: Instant, bytes: u64, flight: u64) -> Stamp {
        self.loss.fade(now);
        let mut stamp = self.delivery.on_sent(now, flight);
        self.round.peak = self.round.peak.max(flight + bytes);
        stamp.calm = self.phase == Phase::Down;
        stamp.alone = stamp.limited && flight <= self.little();
        stamp
    }

    fn on_limited(&mut self, flight: u64) {
        self.delivery.on_limited(flight);
    }

    fn on_acked(&mut self, now: Instant, packet: Fate) {
        self.delivery.on_acked(now, packet.bytes, packet.stamp);
        self.heaps
            .on_acked(now, packet.bytes, self.bandwidth(), self.window);
        self.round.acked += self.news(&packet);
        if self.tells_path_loss(&packet) {
            self.loss.on_acked();
        }
        // Later what is acknowledged counts by the model alone, at the end of what an Ack tells.
        if self.phase == Phase::Startup {
            self.window = self.window_after(packet.bytes);
        }
    }

    fn on_lost(&mut self, mut packet: Fate) -> Stamp {
        self.round.lost += self.news(&packet);
        packet.stamp.counted = self.tells_path_loss(&packet);
        if packet.stamp.counted {
            self.loss.on_lost();
        }
        packet.stamp
    }

    fn on_spurious(&mut self, packet: Fate) {
        self.round.lost = self.round.lost.saturating_sub(self.news(&packet));
        if packet.stamp.counted {
            self.loss.on_spurious();
        }
    }

    fn on_summary(&mut self, now: Instant, summary: Summary) {
        if let Some(rtt) = summary.rtt {
            self.see_rtt(now, rtt);
        }
        let over = self.delivery.has_passed(self.round.end);
        if let Some(sample) = self.delivery.take_sample(self.shortest.get())
            && (!sample.limited || sample.rate > self.bandwidth())
        {
            self.bandwidth[0] = self.bandwidth[0].max(sample.rate);
            self.round.full |= !sample.limited;
        }
        if over {
            self.end_round(now);
        }
        if summary.persistent {
            self.start_over(now, MINIMUM_WINDOW);
        }
        self.advance(now, summary.flight);
        self.window = self.window_after(0).clamp(MINIMUM_WINDOW, MAXIMUM_WINDOW);
    }

    fn on_path_change(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    fn window(&self) -> u64 {
        let most = match self.phase {
            Phase::Rest => (self.held() / 2).max(MINIMUM_WINDOW),
            _ => self.ceiling.get(),
        };
        self.window.min(most)
    }

    fn pacing_rate(&self, smoothed_rtt: Duration) -> u64 {
        let rate = self.outbound(self.bandwidth());
        let rate = match self.phase {
            Phase::Startup => percent(rate.max(rate_of(self.window, smoothed_rtt)), STARTUP_GAIN),
            Phase::Drain => percent(rate, DRAIN_GAIN),
            Phase::Up => percent(rate, UP_GAIN),
            Phase::Down => percent(rate, DOWN_GAIN),
            Phase::Cruise | Phase::Rest => rate,
        };
        rate.max(RATE_MIN)
    }

    fn path_loss(&self) -> u64 {
        self.loss.thousandths()
    }
}

#[cfg(test)]
#[path = "pilot_tests.rs"]
mod tests;
