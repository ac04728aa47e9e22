//! The object that `net` is answered with: the sessions in figures. What each means is in `docs/json.schema.json`.
//!
//! Invariant: as `json`'s.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::client::interface::{Net, Other, RegistryLink, SessionReport};
use crate::id::Name;

/// The sessions, and where we stand with the registry.
#[derive(Debug, Serialize)]
pub(super) struct Paths<'a> {
    server: Option<&'static str>,
    sessions: Vec<Session<'a>>,
    others: usize,
}

/// A session. Times are in milliseconds.
#[derive(Debug, Serialize)]
struct Session<'a> {
    with: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    address: SocketAddr,
    age_ms: f64,
    heard_ms: f64,
    rtt_ms: f64,
    rtt_min_ms: f64,
    rtt_recent_ms: Vec<f64>,
    loss_permille: u64,
    window_bytes: u64,
    packets_sent: u64,
    packets_received: u64,
    bytes_sent: u64,
    bytes_received: u64,
    retransmitted: u64,
    copies: u64,
    packets_lost: u64,
    spurious_losses: u64,
    probes: u64,
}

impl<'a> Paths<'a> {
    pub(super) fn of(net: &'a Net) -> Self {
        Self {
            server: net.registry.map(server),
            sessions: net.sessions.iter().map(Session::of).collect(),
            others: net.others,
        }
    }
}

const fn server(link: RegistryLink) -> &'static str {
    match link {
        RegistryLink::Registered => "registered",
        RegistryLink::Connecting => "connecting",
        RegistryLink::Silent => "silent",
        RegistryLink::Offline => "offline",
    }
}

impl<'a> Session<'a> {
    fn of(report: &'a SessionReport) -> Self {
        let (with, user, fingerprint) = match &report.with {
            Other::Registry => ("server", None, None),
            Other::Person(name) => ("user", Some(name), None),
            Other::Contact(contact) => ("peer", contact.name.as_ref(), None),
            Other::Unknown(id) => ("unknown", None, Some(id.fingerprint())),
        };
        let (stats, counts) = (&report.stats, &report.stats.counts);
        Self {
            with,
            user,
            fingerprint,
            address: SocketAddr::new(report.address.ip().to_canonical(), report.address.port()),
            age_ms: ms(report.age),
            heard_ms: ms(report.heard),
            rtt_ms: ms(stats.rtt),
            rtt_min_ms: ms(stats.rtt_min),
            rtt_recent_ms: report.rtt_recent.iter().copied().map(ms).collect(),
            loss_permille: stats.path_loss,
            window_bytes: stats.congestion_window,
            packets_sent: counts.packets_sent,
            packets_received: counts.packets_received,
            bytes_sent: counts.bytes_sent,
            bytes_received: counts.bytes_received,
            retransmitted: counts.retransmitted,
            copies: counts.copies,
            packets_lost: counts.packets_lost,
            spurious_losses: counts.spurious_losses,
            probes: counts.probes,
        }
    }
}

pub(super) fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}
