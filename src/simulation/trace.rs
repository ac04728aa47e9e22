//! The history of a run, a dense line an event, to whoever wants it.
//!
//! Says what happened and decides nothing.
//! Invariant: a run with a trace is the run without it.

use std::fmt::Debug;
use std::net::SocketAddr;

use crate::client::interface::Event;
use crate::clock::Instant;
use crate::engine::StoreFault;
use crate::wire::packet::Packet;

/// Takes a line.
pub type Sink = Box<dyn FnMut(&str)>;

/// Where lines go, if anywhere.
#[derive(Default)]
pub struct Trace(Option<Sink>);

impl Trace {
    /// To nobody: a run costs nothing more.
    pub const OFF: Self = Self(None);

    /// To this sink.
    pub fn to(sink: Sink) -> Self {
        Self(Some(sink))
    }

    pub(super) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Something happens; said only if somebody listens.
    pub(super) fn note(&mut self, at: Instant, who: &str, what: impl FnOnce() -> String) {
        if let Some(sink) = &mut self.0 {
            sink(&format!("{at} {who:<8} {}", what()));
        }
    }
}

/// A datagram, in a few words.
pub(super) fn describe(from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> String {
    let kind = match Packet::parse(bytes) {
        Ok(Packet::Initial { cookie: None, .. }) => "Initial".to_owned(),
        Ok(Packet::Initial { .. }) => "Initial, cookie".to_owned(),
        Ok(Packet::Retry { .. }) => "Retry".to_owned(),
        Ok(Packet::Response { .. }) => "Response".to_owned(),
        Ok(Packet::Finish { .. }) => "Finish".to_owned(),
        Ok(Packet::Data { number, .. }) => format!("Data {number}"),
        Ok(Packet::Reset { .. }) => "Reset".to_owned(),
        Err(error) => format!("bytes ({error})"),
    };
    format!("{from} > {to} {kind}, {} B", bytes.len())
}

/// A commit and what came of it, cut to a line.
pub(super) fn committed<Rq: Debug, Rp: Debug>(request: &Rq, reply: &Result<Rp, StoreFault>) -> String {
    match reply {
        Ok(reply) => format!(
            "commits {:.90} = {:.60}",
            format!("{request:?}"),
            format!("{reply:?}")
        ),
        Err(fault) => format!("commits nothing ({fault}): {:.90}", format!("{request:?}")),
    }
}

/// An event, without long texts.
pub(super) fn brief(event: &Event) -> String {
    match event {
        Event::Incoming(message) => format!("{:.7} from {} ({:?})", message.text, message.from, message.road),
        Event::Status(status) => {
            let standings = status.messages.iter().map(|message| message.standing);
            let (standings, earlier, early) = (standings.collect::<Vec<_>>(), status.earlier, status.early);
            format!("Status: {standings:?}, {earlier} before them, {early} not accepted yet")
        }
        Event::History(history) => format!("History of {:?}: {}", history.subject, history.messages.len()),
        Event::Forgotten(forgotten) => format!("Forgotten: {}, {} stay", forgotten.removed, forgotten.kept),
        other => format!("{other:?}"),
    }
}
