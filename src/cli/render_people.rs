//! Whose key it is, and who is not heard, as lines.
//!
//! What a changed key may mean is said here, and what to do. Pure. Invariant: names and fingerprints have nothing to escape.

use super::render::{OffsetAt, timestamp};
use super::render_contacts;
use super::table::aligned;
use crate::client::interface::{Blocked, NotVerified, PeopleEvent, Trust, Whose};
use crate::id::{IdentityId, Name};

pub(super) fn lines(event: &PeopleEvent, offset_at: OffsetAt) -> Vec<String> {
    match event {
        PeopleEvent::Verified { whose, id } => vec![
            format!("[The key of {} is verified.]", who(whose)),
            format!("  {}", id.fingerprint()),
        ],
        PeopleEvent::NotVerified { whose, id, why, .. } => not_verified(whose, id, why),
        PeopleEvent::Blocked { name } => vec![
            format!("[{name} is blocked: nothing of what {name} writes is shown.]"),
            format!(
                "  {name} is not told; messages from {name} wait at the server, or with {name}, until their time is over."
            ),
            format!("  To hear {name} again: unblock {name}"),
        ],
        PeopleEvent::Unblocked { name } => vec![
            format!("[{name} is not blocked any more.]"),
            format!(
                "  What of {name} still waits comes within some minutes; what came before, or was posted to rooms, is in the history."
            ),
        ],
        PeopleEvent::All(blocked) => list(blocked, offset_at),
    }
}

fn not_verified(whose: &Whose, known: &IdentityId, why: &NotVerified) -> Vec<String> {
    let who = who(whose);
    let digits = known.fingerprint();
    let known = format!("  known: {digits}");
    match why {
        NotVerified::Differs(given) => vec![
            format!("[That is not the fingerprint of {who}: nothing is verified.]"),
            known,
            format!("  given: {given}"),
            format!(
                "  Compare once more. If it is another again, somebody may stand between you, or have taken the name: send {who} \
                 nothing that others may not read until you know."
            ),
        ],
        NotVerified::Changed(found) => vec![
            format!(
                "[{who} is not verified: another key has turned up, and you have not decided which to believe.]"
            ),
            known,
            format!("  found: {}", found.fingerprint()),
            format!(
                "  If {who} confirms the one found by another way: {} {}",
                command("trust", whose),
                found.fingerprint()
            ),
        ],
        NotVerified::Listed => vec![
            format!(
                "[{who} is not verified: you have written nothing to {who} yet, so it is not fixed which key is meant.]"
            ),
            format!("  The server says this one now: {digits}"),
            format!(
                "  If {who} confirms it by another way: {} {digits}",
                command("verify", whose)
            ),
        ],
    }
}

fn list(blocked: &[Blocked], offset_at: OffsetAt) -> Vec<String> {
    if blocked.is_empty() {
        return vec!["[Nobody is blocked.]".to_owned()];
    }
    let row = |blocked: &Blocked| [blocked.name.to_string(), timestamp(blocked.at, offset_at)];
    let mut lines = vec![format!("[Blocked: {}]", blocked.len())];
    lines.extend(aligned(["name", "since"], blocked.iter().map(row)));
    lines
}

/// A fingerprint, and what it is worth.
pub(super) fn fingerprint(whose: &Whose, id: Option<&IdentityId>, trust: Trust) -> Vec<String> {
    let who = who(whose);
    let Some(id) = id.map(IdentityId::fingerprint) else {
        return vec![format!("[No identity of {who} is known yet.]")];
    };
    let said = match whose {
        Whose::Own => "yourself".to_owned(),
        Whose::Listed(_) => format!("{who}, as the server says"),
        Whose::Person(_) | Whose::Contact(_) => who,
    };
    let worth = match (whose, trust) {
        (Whose::Own, _) => None,
        (Whose::Listed(name), Trust::Changed) => Some(format!(
            "changed: this is another key than the one you know. If {name} confirms it by another way: trust {name} {id}"
        )),
        (_, Trust::Changed) => Some("changed: this is the one you know, and another one was seen".to_owned()),
        (_, Trust::Verified) => Some("verified: you have compared it".to_owned()),
        // What the server says may change meanwhile.
        (Whose::Listed(name), Trust::Known | Trust::New) => Some(format!(
            "not compared yet. When you have, by another way: verify {name} {id}"
        )),
        (_, Trust::Known | Trust::New) => Some(format!(
            "not compared yet. When you have, by another way: {}",
            command("verify", whose)
        )),
    };
    let worth = worth.map(|worth| format!("  {worth}"));
    [Some(format!("[Fingerprint of {said}: {id}]")), worth]
        .into_iter()
        .flatten()
        .collect()
}

/// A command about somebody, as it is typed.
fn command(word: &str, whose: &Whose) -> String {
    match whose {
        Whose::Contact(contact) => format!(":{word} {}", contact.address),
        _ => format!("{word} {}", who(whose)),
    }
}

fn who(whose: &Whose) -> String {
    match whose {
        Whose::Own => "you".to_owned(),
        Whose::Person(name) | Whose::Listed(name) => name.to_string(),
        Whose::Contact(contact) => render_contacts::at(contact),
    }
}

/// What may have happened where a key has changed, and what to do. `what`: whoever it is, as he is called; `trust`: the command.
pub(super) fn changed(
    heading: String,
    (known, found): (&IdentityId, &IdentityId),
    what: &str,
    trust: &str,
) -> Vec<String> {
    vec![
        heading,
        format!("  known: {}", known.fingerprint()),
        format!("  found: {}", found.fingerprint()),
        format!(
            "  What may have happened: {what} has begun anew, without the old data folder; or somebody has taken over the name or \
             the address; or somebody stands in between, who would read what you write to {what}."
        ),
        format!(
            "  What you have written to {what} waits on your disk, and so does what you write now, until its time is over."
        ),
        format!(
            "  Ask {what} by another way, on the telephone or in person, which key is right: whoami says it there."
        ),
        format!(
            "  If {what} confirms the one found by another way: {trust} {}",
            found.fingerprint()
        ),
    ]
}

pub(super) fn changed_identity(name: &Name, known: &IdentityId, found: &IdentityId) -> Vec<String> {
    changed(
        format!("[The identity of {name} is not the one you know; nothing is sent to {name}.]"),
        (known, found),
        name.as_str(),
        &format!("trust {name}"),
    )
}

#[cfg(test)]
#[path = "render_people_tests.rs"]
pub(super) mod tests;
