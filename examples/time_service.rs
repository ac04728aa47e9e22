//! A service that says what time it is: whoever sends it `SEND_DATE` or `SEND_TIME` is answered.
//!
//! ```text
//! udpchat -s 12345                                            a registry
//! cargo run --example time_service -- clock 127.0.0.1:12345   this service, under the name clock
//! udpchat -c alice 127.0.0.1 12345 0                          somebody who types: send clock SEND_TIME
//! ```
//!
//! It ends at Ctrl+C. A question that is asked while it is away waits at the registry, and is answered when it is back.
//! Invariant: while it runs, each question has one answer, or it says why there is none. One that it has taken when Ctrl+C comes
//! may have none; one that it took just before a crash may have none, or two.

mod inbox;

use std::io::{self, Write};
use std::process::ExitCode;

use time::OffsetDateTime;
use time::macros::format_description;
use udpchat::chat::{Error, Event, Message, Options};

use crate::inbox::Inbox;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(registry), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return complain("usage: time_service <name> <registry's host:port>");
    };
    match serve(&name, &registry) {
        // The end that Ctrl+C has asked for, also where it came before an answer.
        Ok(()) | Err(Error::Ended) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

/// Answers until somebody presses Ctrl+C, or the client cannot go on.
fn serve(name: &str, registry: &str) -> Result<(), Error> {
    let chat = Options::new(name, registry).until_interrupted().connect()?;
    say(&format!("{name} is ready"));
    let mut inbox = Inbox::of(&chat);
    while let Some(event) = inbox.next() {
        match event {
            Event::Message(message) if message.room.is_none() => reply(&mut inbox, &message)?,
            Event::Trouble(sentence) => say(&sentence),
            _ => {}
        }
    }
    chat.close()
}

fn reply(inbox: &mut Inbox<'_>, message: &Message) -> Result<(), Error> {
    let answer = answer(&message.text, now());
    match inbox.send(&message.from, &answer) {
        Ok(_) => say(&format!("{} is told {answer}", message.from)),
        // Of this one only: the others are to be served.
        Err(why @ (Error::NotSent(_) | Error::Unread)) => {
            say(&format!("{} is told nothing: {why}", message.from));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// What is answered to a text at this moment.
fn answer(text: &str, now: OffsetDateTime) -> String {
    let answer = match text.trim() {
        "SEND_DATE" => now.format(format_description!("[year]-[month]-[day]")),
        "SEND_TIME" => now.format(format_description!("[hour]:[minute]:[second]")),
        _ => return "Ask me for SEND_DATE or SEND_TIME.".to_owned(),
    };
    answer.unwrap_or_else(|error| format!("My clock cannot be read: {error}"))
}

/// Local time; UTC where the machine has no zone.
#[expect(clippy::disallowed_methods, reason = "to tell the time is what it is for")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_local().unwrap_or_else(|_| OffsetDateTime::now_utc())
}

fn say(line: &str) {
    // Whether or not anybody reads it, others are served.
    writeln!(io::stdout(), "{line}").unwrap_or_default();
}

fn complain(sentence: &str) -> ExitCode {
    writeln!(io::stderr(), "time_service: {sentence}").unwrap_or_default();
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn both_questions_are_answered_and_all_else_with_a_hint() {
        let now = datetime!(2026-11-02 07:05:09 +1);
        assert_eq!(answer("SEND_DATE", now), "2026-11-02");
        assert_eq!(answer(" SEND_TIME\n", now), "07:05:09");
        for other in ["", "send_date", "SEND_DATE SEND_TIME", "hello"] {
            assert_eq!(answer(other, now), "Ask me for SEND_DATE or SEND_TIME.");
        }
    }
}
