//! What is told about those who are named by address, as lines.
//!
//! Spelled as the same things are of people whom a registry knows; where there is no server, none is spoken of.
//! Invariant: names and addresses have nothing to escape.

use std::net::SocketAddr;

use super::render::{OffsetAt, refusal, timestamp};
use super::render_people;
use crate::client::interface::{Contact, ContactEvent};
use crate::clock::WallTime;
use crate::id::{IdentityId, Name};

pub(super) fn lines(event: &ContactEvent, offset_at: OffsetAt) -> Vec<String> {
    let time = |at: &WallTime| timestamp(*at, offset_at);
    let line = match event {
        ContactEvent::Listening { port, contacts } => listening(*port, contacts),
        ContactEvent::Met { who, id } => return met(who, id),
        ContactEvent::Received { to } => format!("[Message received by {to}.]"),
        ContactEvent::ReceivedLater { to, sent_at } => {
            format!("[Message of {} received by {to}.]", time(sent_at))
        }
        ContactEvent::Waiting { to, listed: true } => {
            format!("[Message to {to} is waiting; it will be sent when {to} can be reached.]")
        }
        ContactEvent::Waiting { to, listed: false } => format!(
            "[Message to {to} is waiting; it will be sent when {} is listed again and can be reached.]",
            to.address
        ),
        ContactEvent::Refused { to, sent_at, reason } => format!(
            "[Message of {} to {to} was refused: {}]",
            time(sent_at),
            refusal(reason, to)
        ),
        ContactEvent::Expired { to, sent_at } => format!(
            "[Message of {} to {to} has expired: it could not be delivered in time and is not tried any more.]",
            time(sent_at)
        ),
        ContactEvent::Changed { who, known, found } => return changed(who, known, found),
        ContactEvent::NameTaken { address, name } => name_taken(*address, name),
        ContactEvent::Renamed { who, was } => format!("[{was} at {} is called {who} now.]", who.address),
        ContactEvent::NotListed { by } => format!(
            "[{by} does not let you in: what is for {by} waits. Ask {by} to list your address and port or to trust \
             your new identity; or the server of {by} is away, or another has your name there.]"
        ),
        ContactEvent::Trusted { who } => {
            format!("[The new identity of {who} is trusted; what waits for {who} is sent.]")
        }
    };
    vec![line]
}

fn listening(port: u16, contacts: &[Contact]) -> String {
    let all: Vec<String> = contacts.iter().map(at).collect();
    format!(
        "[Listening on port {port}. What you type goes to {}.]",
        all.join(", ")
    )
}

/// With the name before the address, if there is one.
pub(super) fn at(contact: &Contact) -> String {
    match &contact.name {
        Some(name) => format!("{name} at {}", contact.address),
        None => contact.address.to_string(),
    }
}

fn met(who: &Contact, id: &IdentityId) -> Vec<String> {
    vec![
        format!("[First met: {}.]", at(who)),
        format!("  fingerprint: {}", id.fingerprint()),
    ]
}

fn changed(who: &Contact, known: &IdentityId, found: &IdentityId) -> Vec<String> {
    render_people::changed(
        format!(
            "[The identity of {} is not the one you know; nothing is sent there.]",
            at(who)
        ),
        (known, found),
        &who.to_string(),
        &format!(":trust {}", who.address),
    )
}

fn name_taken(address: SocketAddr, name: &Name) -> String {
    format!(
        "[Whoever is at {address} goes by the name {name}, which is another's, your own or the \
         program's; what is for that address waits. One of the two has to start under another name.]"
    )
}

#[cfg(test)]
#[path = "render_contacts_tests.rs"]
pub(super) mod tests;
