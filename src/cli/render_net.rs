//! The sessions and how their paths are, as lines.
//!
//! Pure. Invariant: as `render`'s; names and addresses hold nothing but what they are made of.

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::interface::{Net, Other, RegistryLink, SessionReport};

/// Where we stand with the server, then three lines for each session.
pub(super) fn list(net: &Net) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(net.registry.map(|link| registry(link).to_owned()));
    let peers = net
        .sessions
        .iter()
        .filter(|session| session.with != Other::Registry)
        .count()
        + net.others;
    lines.push(format!("[Sessions with others: {peers}]"));
    lines.extend(net.sessions.iter().flat_map(session));
    if net.others > 0 {
        lines.push(format!("[And {} more.]", net.others));
    }
    lines
}

const fn registry(link: RegistryLink) -> &'static str {
    match link {
        RegistryLink::Registered => "[The server has you.]",
        RegistryLink::Connecting => "[The server is being asked.]",
        RegistryLink::Silent => "[The server does not answer; it is tried again.]",
        RegistryLink::Offline => "[You have left the server; to come back: reg]",
    }
}

fn session(report: &SessionReport) -> [String; 3] {
    let SessionReport {
        with,
        address,
        age,
        heard,
        stats,
        rtt_recent,
    } = report;
    let counts = &stats.counts;
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    let who = match with {
        Other::Registry => format!("server  {address}"),
        Other::Person(name) => format!("{name}  {address}"),
        Other::Contact(contact) => match &contact.name {
            Some(name) => format!("{name}  {address}"),
            None => address.to_string(),
        },
        Other::Unknown(id) => format!("{:.9}…  {address}", id.fingerprint()),
    };
    let again = counts.retransmitted.saturating_add(counts.copies);
    [
        format!("{who}  up {}, heard {} ago", span(*age), span(*heard)),
        format!(
            "  round trip {}, least {}{}; loss {}.{} %, window {}",
            span(stats.rtt),
            span(stats.rtt_min),
            lately(rtt_recent),
            stats.path_loss / 10,
            stats.path_loss % 10,
            bytes(stats.congestion_window),
        ),
        format!(
            "  sent {} in {}, {again} again, {} lost; received {} in {}",
            bytes(counts.bytes_sent),
            packets(counts.packets_sent),
            counts.packets_lost,
            bytes(counts.bytes_received),
            packets(counts.packets_received),
        ),
    ]
}

fn packets(number: u64) -> String {
    format!("{number} {}", if number == 1 { "packet" } else { "packets" })
}

/// The heights that a sample may have.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A picture of the last samples, from nothing to the longest of them; one sample is no picture.
fn lately(samples: &[Duration]) -> String {
    let samples: Vec<u128> = samples.iter().map(Duration::as_micros).collect();
    let longest = samples.iter().copied().max().unwrap_or(0).max(1);
    if samples.len() < 2 {
        return String::new();
    }
    let top = BARS.len() - 1;
    let bar = |sample: &u128| {
        let height = usize::try_from(sample * BARS.len() as u128 / longest).unwrap_or(top);
        BARS.get(height.min(top)).copied().unwrap_or(' ')
    };
    let bars: String = samples.iter().map(bar).collect();
    format!(", lately {bars}")
}

/// As short as says enough: `412 µs`, `3.2 ms`, `250 ms`, `1.5 s`, `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub(super) fn span(span: Duration) -> String {
    let (micros, seconds) = (span.as_micros(), span.as_secs());
    match (micros, seconds) {
        (..1_000, _) => format!("{micros} µs"),
        (..10_000, _) => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        (..1_000_000, _) => format!("{} ms", micros / 1_000),
        (..10_000_000, _) => format!("{seconds}.{} s", micros % 1_000_000 / 100_000),
        (_, ..60) => format!("{seconds} s"),
        (_, ..3_600) => format!("{} min {} s", seconds / 60, seconds % 60),
        (_, ..86_400) => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// As short as says enough: `940 B`, `9.4 kB`, `120 kB`, `3.1 MB`, `2.0 GB`; a kB has 1,000.
fn bytes(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..10_000 => format!("{} kB", tenths(1_000)),
        10_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

#[cfg(test)]
pub(in crate::cli) mod tests {
    use super::*;
    use crate::client::interface::{Contact, Event};
    use crate::id::IdentityId;
    use crate::transport::{Counts, SessionStats};

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn stats() -> SessionStats {
        SessionStats {
            counts: Counts {
                packets_sent: 34,
                packets_received: 1,
                bytes_sent: 5_123,
                bytes_received: 999,
                retransmitted: 2,
                copies: 1,
                packets_lost: 2,
                ..Counts::default()
            },
            rtt: ms(42),
            rtt_min: Duration::from_micros(3_250),
            path_loss: 12,
            congestion_window: 12_000,
            ..SessionStats::default()
        }
    }

    fn report(with: Other) -> SessionReport {
        SessionReport {
            with,
            address: "[::ffff:192.0.2.7]:4000".parse().unwrap(),
            age: ms(200_000),
            heard: ms(1_500),
            stats: stats(),
            rtt_recent: Vec::new(),
        }
    }

    /// Each event, with its first line.
    pub(in crate::cli) fn faces() -> Vec<(Event, &'static str)> {
        let net = |registry, sessions, others| {
            Event::Net(Net {
                registry,
                sessions,
                others,
            })
        };
        let contact = |name: Option<&str>| {
            Other::Contact(Contact {
                address: "192.0.2.7:4000".parse().unwrap(),
                name: name.map(|name| name.parse().unwrap()),
            })
        };
        let all = [
            Other::Registry,
            Other::Person("bob".parse().unwrap()),
            contact(Some("carol")),
            contact(None),
            Other::Unknown(IdentityId([1; 32])),
        ];
        vec![
            (
                net(Some(RegistryLink::Registered), all.map(report).to_vec(), 2),
                "[The server has you.]",
            ),
            (
                net(Some(RegistryLink::Connecting), Vec::new(), 0),
                "[The server is being asked.]",
            ),
            (
                net(Some(RegistryLink::Silent), Vec::new(), 0),
                "[The server does not answer; it is tried again.]",
            ),
            (
                net(Some(RegistryLink::Offline), Vec::new(), 0),
                "[You have left the server; to come back: reg]",
            ),
            (net(None, Vec::new(), 0), "[Sessions with others: 0]"),
        ]
    }

    #[test]
    fn a_session_is_told_in_three_lines() {
        let (Event::Net(net), _) = faces().swap_remove(0) else {
            panic!("the first face is a net");
        };
        let lines = list(&net);
        assert_eq!(
            &lines[..5],
            [
                "[The server has you.]",
                "[Sessions with others: 6]",
                "server  192.0.2.7:4000  up 3 min 20 s, heard 1.5 s ago",
                "  round trip 42 ms, least 3.2 ms; loss 1.2 %, window 12 kB",
                "  sent 5.1 kB in 34 packets, 3 again, 2 lost; received 999 B in 1 packet",
            ]
        );
        let who: Vec<&str> = lines[5..]
            .iter()
            .step_by(3)
            .map(|line| line.split("  up").next().unwrap())
            .collect();
        assert_eq!(
            who,
            [
                "bob  192.0.2.7:4000",
                "carol  192.0.2.7:4000",
                "192.0.2.7:4000",
                "0101 0101…  192.0.2.7:4000",
                "[And 2 more.]",
            ]
        );
    }

    #[test]
    fn a_picture_goes_from_nothing_to_the_longest() {
        let picture = |samples: &[u64]| {
            let samples: Vec<Duration> = samples.iter().map(|sample| ms(*sample)).collect();
            lately(&samples)
        };
        assert_eq!(picture(&[]), "");
        assert_eq!(picture(&[7]), "", "one is no picture");
        assert_eq!(picture(&[1, 50, 100, 99]), ", lately ▁▅██");
        assert_eq!(picture(&[0, 0]), ", lately ▁▁");
    }

    #[test]
    fn spans_and_sizes_are_short() {
        let spans = [
            (Duration::from_micros(999), "999 µs"),
            (Duration::from_micros(9_990), "9.9 ms"),
            (ms(999), "999 ms"),
            (ms(9_999), "9.9 s"),
            (ms(59_999), "59 s"),
            (ms(3_599_000), "59 min 59 s"),
            (ms(86_399_000), "23 h 59 min"),
            (ms(90_000_000), "1 d 1 h"),
        ];
        for (at, text) in spans {
            assert_eq!(span(at), text);
        }
        let sizes = [
            (999, "999 B"),
            (9_999, "9.9 kB"),
            (999_999, "999 kB"),
            (3_150_000, "3.1 MB"),
            (u64::MAX, "18446744073.7 GB"),
        ];
        for (size, text) in sizes {
            assert_eq!(bytes(size), text);
        }
    }
}
