//! Somebody on the path: he hears datagrams, and sends what he likes in anybody's name.
//!
//! Forges, replays, changes, cuts short and floods. He has nobody's keys.
//! Invariant: what he keeps is bounded; what he does comes from his dice and from what he has heard.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::amplification::Origin;
use super::dice::{Chance, Dice};
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::wire::packet::{COOKIE_BYTES, NOISE_FIRST_BYTES, Packet, RESET_TOKEN_BYTES};

/// Datagrams that he remembers.
const HEARD_MAX: usize = 256;
/// First packets of one flood.
const FLOOD: usize = 250;
/// Datagrams that he returns.
const MIRRORED_MAX: usize = 60;

/// A datagram with the addresses that it claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forged {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
    /// Whose it is all the same.
    pub(super) origin: Origin,
}

/// The attacker.
pub(super) struct Attacker {
    dice: Dice,
    heard: VecDeque<Forged>,
    /// What is sent there he returns to its senders: so many datagrams more.
    mirror: Option<(SocketAddr, usize)>,
}

impl Attacker {
    pub(super) const fn new(dice: Dice) -> Self {
        Self {
            dice,
            heard: VecDeque::new(),
            mirror: None,
        }
    }

    /// A datagram passes. What he sends at once because of it.
    pub(super) fn hear(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        origin: Origin,
    ) -> Option<Forged> {
        self.remember(from, to, bytes, origin);
        let (_, left) = self.mirror.as_mut().filter(|(place, _)| *place == to)?;
        *left = left.checked_sub(1)?;
        Some(Forged {
            from: to,
            to: from,
            bytes: bytes.to_vec(),
            origin: origin.elsewhere(),
        })
    }

    fn remember(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], origin: Origin) {
        if !self.dice.chance(Chance::percent(10)) {
            return;
        }
        if self.heard.len() >= HEARD_MAX {
            self.heard.pop_front();
        }
        self.heard.push_back(Forged {
            from,
            to,
            bytes: bytes.to_vec(),
            origin,
        });
    }

    /// One of his deeds against these addresses; `reflects`: he also returns to people what they have sent.
    pub(super) fn act(&mut self, targets: &[SocketAddr], reflects: bool) -> Vec<Forged> {
        match self.dice.below(7 + u64::from(reflects)) {
            0 => self.some(|_, datagram| datagram),
            1 => self.strangers(),
            2 => self.some(changed),
            3 => self.some(cut),
            4 => self.stateless(),
            5 => self.noise(targets),
            6 => self.flood(targets),
            _ => self.turn_round(targets),
        }
    }

    /// Up to twenty of what he has heard, each treated.
    fn some(&mut self, mut treat: impl FnMut(&mut Dice, Forged) -> Forged) -> Vec<Forged> {
        let count = 1 + self.dice.index(20);
        (0..count)
            .filter_map(|_| {
                let datagram = self.heard.get(self.dice.index(self.heard.len()))?.clone();
                Some(treat(&mut self.dice, datagram))
            })
            .collect()
    }

    /// What he has heard, whole, changed or cut short, as if it came from one whom nobody knows: whoever answers, answers
    /// somebody who has not asked.
    fn strangers(&mut self) -> Vec<Forged> {
        let stranger = nobody(&mut self.dice);
        self.some(|dice, datagram| {
            let datagram = match dice.below(4) {
                0 => changed(dice, datagram),
                1 => cut(dice, datagram),
                _ => datagram,
            };
            Forged {
                from: stranger,
                origin: datagram.origin.elsewhere(),
                ..datagram
            }
        })
    }

    /// What may be said without a session, with tokens and cookies that he has to guess: "I no longer know this session",
    /// for those that he has heard of, and "come again with this".
    fn stateless(&mut self) -> Vec<Forged> {
        self.some(|dice, datagram| {
            // The index names a session of whoever gets the packet; the answer has to come from there.
            let back = Forged {
                from: datagram.to,
                to: datagram.from,
                bytes: Vec::new(),
                origin: Origin::default(),
            };
            let (mut token, mut cookie) = ([0; RESET_TOKEN_BYTES], [0; COOKIE_BYTES]);
            dice.fill(&mut token);
            dice.fill(&mut cookie);
            let reset = |source| Packet::Reset { source, token }.encode();
            let (way, bytes) = match Packet::parse(&datagram.bytes) {
                Ok(Packet::Data { receiver, .. } | Packet::Finish { receiver, .. }) => {
                    (back, reset(receiver))
                }
                Ok(Packet::Response { source, .. }) => (datagram, reset(source)),
                Ok(Packet::Initial { source, .. }) => {
                    let receiver = source;
                    (back, Packet::Retry { receiver, cookie }.encode())
                }
                _ => (datagram, reset(dice.below(u64::MAX))),
            };
            Forged {
                bytes,
                origin: Origin::default(),
                ..way
            }
        })
    }

    /// Bytes that mean nothing, with a first byte that might.
    fn noise(&mut self, targets: &[SocketAddr]) -> Vec<Forged> {
        let count = 1 + self.dice.index(20);
        (0..count)
            .filter_map(|_| {
                let to = *targets.get(self.dice.index(targets.len()))?;
                let from = *targets.get(self.dice.index(targets.len()))?;
                let mut bytes = vec![0; self.dice.index(DATAGRAM_BYTES_MAX + 1)];
                self.dice.fill(&mut bytes);
                if let Some(kind) = bytes.first_mut() {
                    *kind %= 8;
                }
                Some(Forged {
                    from,
                    to,
                    bytes,
                    origin: Origin::default(),
                })
            })
            .collect()
    }

    /// From now on whoever writes to one of these hears himself, as if he had been answered.
    fn turn_round(&mut self, targets: &[SocketAddr]) -> Vec<Forged> {
        let place = targets.get(self.dice.index(targets.len())).copied();
        self.mirror = place.map(|place| (place, 1 + self.dice.index(MIRRORED_MAX)));
        Vec::new()
    }

    /// First packets from addresses that nobody has.
    fn flood(&mut self, targets: &[SocketAddr]) -> Vec<Forged> {
        let Some(&to) = targets.get(self.dice.index(targets.len())) else {
            return Vec::new();
        };
        (0..FLOOD)
            .map(|_| {
                let mut noise = [0; NOISE_FIRST_BYTES];
                self.dice.fill(&mut noise);
                let cookie = self.dice.chance(Chance::percent(20)).then(|| {
                    let mut cookie = [0; COOKIE_BYTES];
                    self.dice.fill(&mut cookie);
                    cookie
                });
                let source = self.dice.below(u64::MAX);
                let initial = Packet::Initial {
                    source,
                    cookie,
                    noise,
                };
                Forged {
                    from: nobody(&mut self.dice),
                    to,
                    bytes: initial.encode(),
                    origin: Origin::default(),
                }
            })
            .collect()
    }
}

/// An address of a network in which no client is.
fn nobody(dice: &mut Dice) -> SocketAddr {
    let byte = |value: u64| u8::try_from(value & 0xff).unwrap_or(0);
    let (third, fourth) = (byte(dice.below(256)), byte(dice.below(256)));
    ([172, 16, third, fourth], 4_000).into()
}

fn cut(dice: &mut Dice, mut datagram: Forged) -> Forged {
    datagram.bytes.truncate(dice.index(datagram.bytes.len()));
    datagram.origin = Origin::default();
    datagram
}

fn changed(dice: &mut Dice, mut datagram: Forged) -> Forged {
    let place = dice.index(datagram.bytes.len());
    let bit = dice.below(8);
    if let Some(byte) = datagram.bytes.get_mut(place) {
        *byte ^= 1 << bit;
    }
    datagram.origin = Origin::default();
    datagram
}
