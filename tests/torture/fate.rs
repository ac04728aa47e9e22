//! What becomes of a packet on its way: lost, late, twice, overtaken.
//!
//! Pure: no socket, no clock; a seed repeats the draws. Who carries the packets is `router.rs`.
//! Invariant: a road is always one way, and what it does to a packet is drawn from its settings alone.

use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::Rng;

/// Bytes of an IPv4 header without options.
const HEADER_BYTES: usize = 20;
/// The network that all hosts are in: 10.9.<host>.<any>.
pub(crate) const NETWORK: [u8; 2] = [10, 9];

/// A number from 0 to below this.
pub(crate) fn below(dice: &mut ChaCha12Rng, below: u32) -> u32 {
    dice.next_u32() % below
}

fn chance(dice: &mut ChaCha12Rng, percent: u32) -> bool {
    below(dice, 100) < percent
}

fn up_to(dice: &mut ChaCha12Rng, most: Duration) -> Duration {
    let most = u32::try_from(most.as_micros()).unwrap();
    Duration::from_micros(below(dice, most + 1).into())
}

/// A road from one host to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Road {
    /// Of a hundred packets; 100: the road is cut.
    pub(crate) loss: u32,
    /// Of a hundred packets, so many come twice …
    pub(crate) duplicate: u32,
    /// … the second up to so much later.
    pub(crate) echo: Duration,
    pub(crate) delay: Duration,
    /// Added to the delay, from nothing to this: packets overtake each other.
    pub(crate) jitter: Duration,
}

impl Road {
    pub(crate) const FAIR: Self = Self {
        loss: 0,
        duplicate: 0,
        echo: Duration::ZERO,
        delay: Duration::from_millis(1),
        jitter: Duration::ZERO,
    };
    pub(crate) const CUT: Self = Self {
        loss: 100,
        ..Self::FAIR
    };

    /// Some road: as often fair as not, one in twelve cut.
    pub(crate) fn drawn(dice: &mut ChaCha12Rng) -> Self {
        let fair = Self::FAIR;
        match below(dice, 12) {
            0 => Self::CUT,
            1 | 2 => Self {
                loss: 5 + below(dice, 36),
                ..fair
            },
            3 | 4 => Self {
                delay: Duration::from_millis(20 + u64::from(below(dice, 280))),
                jitter: Duration::from_millis(below(dice, 100).into()),
                ..fair
            },
            5 => Self {
                duplicate: 5 + below(dice, 46),
                echo: Duration::from_millis(below(dice, 2_000).into()),
                jitter: Duration::from_millis(10),
                ..fair
            },
            _ => fair,
        }
    }

    /// After how long each copy of a packet arrives; none: it is lost.
    pub(crate) fn copies(&self, dice: &mut ChaCha12Rng) -> Vec<Duration> {
        if chance(dice, self.loss) {
            return Vec::new();
        }
        let first = self.delay + up_to(dice, self.jitter);
        let mut copies = vec![first];
        if chance(dice, self.duplicate) {
            copies.push(first + up_to(dice, self.echo));
        }
        copies
    }
}

/// All roads between some hosts, by their ends.
#[derive(Clone, Debug)]
pub(crate) struct Map<const HOSTS: usize>(pub(crate) [[Road; HOSTS]; HOSTS]);

impl<const HOSTS: usize> Map<HOSTS> {
    pub(crate) const FAIR: Self = Self([[Road::FAIR; HOSTS]; HOSTS]);

    /// Something changes: one way between two, or all ways from a host, to it, or both.
    pub(crate) fn change(&mut self, dice: &mut ChaCha12Rng) {
        let mut host = || usize::try_from(below(dice, u32::try_from(HOSTS).unwrap())).unwrap();
        let (one, other) = (host(), host());
        let (kind, road) = (below(dice, 5), Road::drawn(dice));
        for (from, roads) in self.0.iter_mut().enumerate() {
            for (to, is) in roads.iter_mut().enumerate() {
                let changes = match kind {
                    0 => from == one,
                    1 => to == one,
                    2 | 3 => from == one || to == one,
                    _ => from == one && to == other,
                };
                if changes {
                    *is = road;
                }
            }
        }
    }
}

/// The host that an IPv4 packet is for; hosts are counted from 0.
pub(crate) fn destination(packet: &[u8], hosts: usize) -> Option<usize> {
    let header = packet.get(..HEADER_BYTES)?;
    let host = usize::from(header[18]);
    (header[0] >> 4 == 4 && header[16..18] == NETWORK && host < hosts).then_some(host)
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;

    use super::*;

    fn dice() -> ChaCha12Rng {
        ChaCha12Rng::seed_from_u64(5)
    }

    #[test]
    fn a_fair_road_brings_each_packet_once_and_a_cut_one_brings_none() {
        let mut dice = dice();
        for _ in 0..1_000 {
            assert_eq!(Road::FAIR.copies(&mut dice), [Duration::from_millis(1)]);
            assert!(Road::CUT.copies(&mut dice).is_empty());
        }
    }

    #[test]
    fn a_bad_road_loses_repeats_and_delays_as_much_as_it_says() {
        let road = Road {
            loss: 30,
            duplicate: 20,
            echo: Duration::from_secs(1),
            delay: Duration::from_millis(50),
            jitter: Duration::from_millis(20),
        };
        let mut dice = dice();
        let fates: Vec<_> = (0..10_000).map(|_| road.copies(&mut dice)).collect();
        let lost = fates.iter().filter(|copies| copies.is_empty()).count();
        let twice = fates.iter().filter(|copies| copies.len() == 2).count();
        assert!((2_800..3_200).contains(&lost), "{lost} of 10,000 lost");
        assert!((1_250..1_550).contains(&twice), "{twice} of 7,000 come twice");
        let first = fates.iter().filter_map(|copies| copies.first());
        let (least, most) = (first.clone().min().unwrap(), first.max().unwrap());
        assert!((50..51).contains(&least.as_millis()) && (69..=70).contains(&most.as_millis()));
        assert!(
            fates.windows(2).any(|pair| pair[0].first() > pair[1].first()),
            "one overtakes"
        );
        assert!(
            fates
                .iter()
                .flatten()
                .all(|copy| *copy <= Duration::from_millis(1_070))
        );
    }

    #[test]
    fn changes_cut_one_way_and_whole_hosts_and_mend_them_again() {
        let (mut dice, mut map) = (dice(), Map::<4>::FAIR);
        let (mut one_way, mut alone, mut fair) = (0, 0, 0);
        for _ in 0..10_000 {
            map.change(&mut dice);
            let cut = |from: usize, to: usize| map.0[from][to] == Road::CUT;
            let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
            one_way += u32::from(pairs.iter().any(|(a, b)| cut(*a, *b) != cut(*b, *a)));
            alone += u32::from((1..4).all(|other| cut(0, other) && cut(other, 0)));
            fair += u32::from(pairs.iter().all(|(a, b)| map.0[*a][*b] == Road::FAIR));
        }
        assert!(
            one_way > 1_000 && alone > 50 && fair > 500,
            "{one_way} {alone} {fair}"
        );
    }

    #[test]
    fn a_packet_goes_where_its_header_says() {
        let mut packet = vec![0; HEADER_BYTES];
        packet[0] = 0x45;
        packet[16..].copy_from_slice(&[10, 9, 2, 77]);
        assert_eq!(destination(&packet, 4), Some(2));
        assert_eq!(destination(&packet, 2), None, "nobody is there");
        assert_eq!(destination(&packet[..19], 4), None, "half a header");
        packet[17] = 8;
        assert_eq!(destination(&packet, 4), None, "another network");
        packet[0] = 0x60;
        assert_eq!(destination(&packet, 4), None, "not IPv4");
    }
}
