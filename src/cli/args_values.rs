//! The values of arguments: names, ports, addresses, spans and sizes, each with the sentence that says what it should be.
//!
//! Knows the form of a value and not which options there are. Nothing is looked up or opened here.
//! Invariant: what was typed appears in a sentence only as [`shown`] leaves it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::cli::args::Host;
use crate::cli::manual;
use crate::client::is_somebodys;
use crate::id::Name;
use crate::limits;
use crate::reserved::is_reserved;

/// Rooms that the registry makes may have names that nobody else may.
pub(super) fn parse_room(text: &str) -> Result<Name, String> {
    Name::from_str(text).map_err(|error| format!("'{}' is no name of a room: {error}", shown(text)))
}

/// The name of somebody else, or of a room: which there are is the registry's to know.
pub(super) fn parse_other(text: &str) -> Result<Name, String> {
    Name::from_str(text).map_err(|error| format!("'{}' is no name: {error}", shown(text)))
}

pub(super) fn parse_name(text: &str) -> Result<Name, String> {
    let name = parse_other(text)?;
    if is_reserved(&name) {
        return Err(format!(
            "the name '{name}' is reserved for the program itself; choose another one"
        ));
    }
    Ok(name)
}

pub(super) fn parse_port(text: &str, what: &str, least: u16) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port >= least => Ok(port),
        _ => {
            let any = if least == 0 { " (0: any free port)" } else { "" };
            Err(format!(
                "{what} is a number from {least} to 65535{any}, not '{}'",
                shown(text)
            ))
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

pub(super) fn parse_bind(text: &str) -> Result<IpAddr, String> {
    unbracketed(text).parse().map_err(|_| {
        format!(
            "--bind needs an IPv4 or IPv6 address of this machine, not '{}'",
            shown(text)
        )
    })
}

/// An address, or what may be a host name: whether it has an address is found out later.
pub(super) fn parse_host(text: &str) -> Result<Host, String> {
    if let Ok(address) = unbracketed(text).parse() {
        return Ok(Host::Address(address));
    }
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let dotted_digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let scoped = text
        .split_once('%')
        .is_some_and(|(address, zone)| address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty());
    if scoped
        || (!text.is_empty() && text.len() <= HOST_BYTES_MAX && !dotted_digits && text.bytes().all(named))
    {
        Ok(Host::Name(text.to_owned()))
    } else {
        Err(format!(
            "the server is an IPv4 or IPv6 address or a host name, not '{}'",
            shown(text)
        ))
    }
}

/// Addresses to talk to: each counts once, in the order given.
pub(super) fn parse_peers(texts: &[String]) -> Result<Vec<SocketAddr>, String> {
    let mut peers = Vec::new();
    for text in texts {
        let peer = parse_peer(text)?;
        if !peers.contains(&peer) {
            peers.push(peer);
        }
    }
    match peers.len() {
        0 => Err(format!(
            "nobody is listed, so nothing could be sent and nobody would be heard: give {}",
            manual::PEERS_VALUES
        )),
        1..=limits::LISTED_MAX => Ok(peers),
        many => Err(format!(
            "{many} peers are too many: each line goes to each of them, and {} is the most",
            limits::LISTED_MAX
        )),
    }
}

pub(super) fn parse_peer(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<SocketAddr>().ok().filter(|address| match address {
        SocketAddr::V4(_) => true,
        SocketAddr::V6(address) => address.scope_id() == 0,
    });
    address
        .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
        .filter(|address| is_somebodys(*address))
        .ok_or_else(|| {
            format!(
                "a peer is somebody's address and port, like 192.0.2.7:4000 or [2001:db8::7]:4000, not '{}'",
                shown(text)
            )
        })
}

/// A host name in the DNS (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 255;

fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text)
}

pub(super) const TTL_MIN: Duration = limits::TIME_TO_LIVE_MIN;
pub(super) const TTL_MAX: Duration = limits::TIME_TO_LIVE;

pub(super) fn parse_span(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    scaled(text, &units)
        .map(Duration::from_secs)
        .filter(|span| (TTL_MIN..=TTL_MAX).contains(span))
        .ok_or_else(|| {
            format!(
                "--ttl needs a span from 10s to 30d, like 90s, 15m or 12h, not '{}'",
                shown(text)
            )
        })
}

/// The shortest: what is said now is there while it is talked about.
const KEPT_MIN: Duration = Duration::from_secs(3_600);
/// Longer than anybody keeps a machine.
const KEPT_MAX: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How long what was said is kept; `None`: for ever.
pub(super) fn parse_kept(text: &str) -> Result<Option<Duration>, String> {
    if text == "all" {
        return Ok(None);
    }
    let units = [
        ("h", 3_600),
        ("d", 86_400),
        ("w", 7 * 86_400),
        ("y", 365 * 86_400),
    ];
    scaled(text, &units)
        .map(Duration::from_secs)
        .filter(|span| (KEPT_MIN..=KEPT_MAX).contains(span))
        .map(Some)
        .ok_or_else(|| {
            format!(
                "--keep-history needs 'all', or a span of an hour or more, like 12h, 30d or 1y, not '{}'",
                shown(text)
            )
        })
}

/// How long a script may wait.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let units = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    scaled(text, &units)
        .map(Duration::from_millis)
        .filter(|span| *span <= TTL_MAX)
        .ok_or_else(|| {
            format!(
                "--timeout needs a span of up to 30d, like 500ms, 10s or 5m, not '{}'",
                shown(text)
            )
        })
}

pub(super) fn parse_count(text: &str) -> Result<u64, String> {
    scaled(text, &[("", 1)])
        .filter(|count| *count > 0)
        .ok_or_else(|| {
            format!(
                "--count needs a number of messages, 1 or more, not '{}'",
                shown(text)
            )
        })
}

pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let units = [
        ("", 1),
        ("K", 1 << 10),
        ("M", 1 << 20),
        ("G", 1 << 30),
        ("T", 1 << 40),
    ];
    let least = u64::try_from(limits::ENVELOPE_BYTES_MAX).unwrap_or(u64::MAX);
    let most = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
    scaled(text, &units)
        .filter(|size| (least..=most).contains(size))
        .ok_or_else(|| {
            format!(
                "--mail-bytes needs a size of {least} bytes or more, like 500M or 4G, not '{}'",
                shown(text)
            )
        })
}

pub(super) fn parse_new_names(text: &str) -> Result<u32, String> {
    scaled(text, &[("", 1)])
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (1..=NEW_NAMES_MAX).contains(number))
        .ok_or_else(|| {
            format!(
                "--new-names needs a number from 1 to {NEW_NAMES_MAX}, not '{}'",
                shown(text)
            )
        })
}

/// As many as a registry keeps at all make no limit.
const NEW_NAMES_MAX: u32 = 100_000;

/// Digits and one of the units.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at_checked(end)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

/// What was typed, fit for a message: without control characters, and not too long.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let clean = crate::cli::sanitise::escape(text);
    match clean.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean.into_owned(),
    }
}
