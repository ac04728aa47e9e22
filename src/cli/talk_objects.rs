//! Objects that a program sends where there is no registry: texts, and the words of `talk` as operations.
//!
//! Invariant: an object asks for what a line could, and nothing else; what does not belong to an operation is an error.

use serde::Deserialize;

use super::commands::{Parsed, Typist};
use super::grammar::ALL;
use super::{json_input, talk};
use crate::cli::args_values::parse_peer;
use crate::client::interface::Command;
use crate::id::Name;

/// An object, as it is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    message: Option<String>,
    operation: Option<String>,
    user: Option<Name>,
    address: Option<String>,
    fingerprint: Option<String>,
    id: Option<String>,
    count: Option<u32>,
    words: Option<String>,
    on: Option<bool>,
    tag: Option<u64>,
}

/// What there can be in one.
const FORM: &str = "An object has a message, perhaps with an address and a tag; or an operation: status, net, fingerprint, help, quit, \
                    blocked, history (perhaps with a user or an address, and a count), search with words, forget, block, unblock or verify \
                    (perhaps with a fingerprint) with a user or an address, trace (perhaps with an id, a user or an address), trust with \
                    an address and a fingerprint, or dnd with on.";

/// Reads one.
pub(super) fn read(line: &str, typist: Typist<'_>) -> Parsed {
    match serde_json::from_str::<Asked>(line) {
        Ok(asked) => asked
            .read(typist)
            .unwrap_or_else(|| Parsed::Wrong(FORM.to_owned())),
        Err(error) => Parsed::Wrong(format!("The object cannot be read: {error}.")),
    }
}

impl Asked {
    fn read(mut self, typist: Typist<'_>) -> Option<Parsed> {
        match (self.message.take(), self.operation.take()) {
            (Some(text), None) => {
                let (address, tag) = (self.address.take(), self.tag.take());
                self.is_read().then(|| match address {
                    Some(address) => json_input::written_at(&address, text, tag),
                    None => json_input::written(text, tag, |text| Command::Say { text }),
                })
            }
            (None, Some(operation)) => {
                let line = self.line(&operation)?;
                let line = match line {
                    Ok(line) => line,
                    Err(sentence) => return Some(Parsed::Wrong(sentence)),
                };
                self.is_read().then(|| talk::parse(&line, typist))
            }
            _ => None,
        }
    }

    /// The line that asks for the same; `None` if something is missing.
    fn line(&mut self, operation: &str) -> Option<Result<String, String>> {
        Some(Ok(match operation {
            "status" | "net" | "fingerprint" | "blocked" => format!(":{operation}"),
            "dnd" => format!(":dnd {}", if self.on.take()? { "on" } else { "off" }),
            "help" | "quit" => operation.to_owned(),
            "search" => format!(":search {}", self.words.take()?),
            "history" => match self.whose()? {
                Ok(whose) => {
                    let whose = whose.unwrap_or_else(|| ALL.to_owned());
                    let count = self.count.take();
                    let count = count.map_or_else(String::new, |count| format!(" {count}"));
                    format!(":history {whose}{count}")
                }
                Err(sentence) => return Some(Err(sentence)),
            },
            "forget" | "verify" | "block" | "unblock" => match self.whose()? {
                Ok(whose) => {
                    let digits = (operation == "verify").then(|| self.fingerprint.take());
                    let digits = digits.flatten().map(|digits| format!(" {digits}"));
                    format!(":{operation} {}{}", whose?, digits.unwrap_or_default())
                }
                Err(sentence) => return Some(Err(sentence)),
            },
            "trace" => {
                let whose = match self.whose()? {
                    Ok(whose) => whose,
                    Err(sentence) => return Some(Err(sentence)),
                };
                // Not both: it is one message.
                let whose = match (self.id.take(), whose) {
                    (Some(_), Some(_)) => return None,
                    (id, whose) => id.or(whose),
                };
                format!(":trace {}", whose.unwrap_or_default())
            }
            "trust" => match self.address.as_deref().map(parse_peer)? {
                Ok(address) => {
                    self.address = None;
                    format!(":trust {address} {}", self.fingerprint.take()?)
                }
                Err(sentence) => return Some(Err(sentence)),
            },
            _ => return None,
        }))
    }

    /// With whom, if that is said: once.
    fn whose(&mut self) -> Option<Result<Option<String>, String>> {
        match (self.user.take(), self.address.take()) {
            (Some(_), Some(_)) => None,
            // A name may be all digits, and look like a number.
            (Some(user), None) => Some(Ok(Some(format!("@{user}")))),
            (None, Some(address)) => Some(parse_peer(&address).map(|address| Some(address.to_string()))),
            (None, None) => Some(Ok(None)),
        }
    }

    /// Whether nothing is left that belongs to something else.
    const fn is_read(&self) -> bool {
        let Self {
            message,
            operation,
            user,
            address,
            fingerprint,
            id,
            count,
            words,
            on,
            tag,
        } = self;
        message.is_none()
            && operation.is_none()
            && user.is_none()
            && address.is_none()
            && fingerprint.is_none()
            && id.is_none()
            && count.is_none()
            && words.is_none()
            && on.is_none()
            && tag.is_none()
    }
}
