//! What a program is given of a message, with `--exec` or `--on-message`: the text, or the message as an object, and in its
//! environment who wrote it.
//!
//! Pure. Invariant: as README.md says; what others have written is never a part of a command.

use crate::cli::format::Format;
use crate::cli::json_objects::timestamp;
use crate::cli::render;
use crate::client::interface::{Event, Incoming, Notice, Road};

/// What it reads on its standard input.
pub(super) fn input(format: Format, message: &Incoming) -> String {
    match format {
        Format::Lines => message.text.clone(),
        Format::Json => {
            let notice = Notice::from(Event::Incoming(message.clone()));
            format.notice(&notice, render::local_offset).join("\n")
        }
    }
}

/// Its variables.
pub(super) fn environment(message: &Incoming) -> [(&'static str, Option<String>); 5] {
    let room = match &message.road {
        Road::Room { name, .. } => Some(name.to_string()),
        _ => None,
    };
    [
        ("UDPCHAT_FROM", Some(message.from.to_string())),
        ("UDPCHAT_ID", Some(message.id.to_string())),
        ("UDPCHAT_SENT_AT", Some(timestamp(message.sent_at))),
        ("UDPCHAT_SEQ", Some(message.id.slot.sequence.0.to_string())),
        ("UDPCHAT_ROOM", room),
    ]
}
