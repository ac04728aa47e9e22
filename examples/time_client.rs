//! Asks the time service for the date or the time, at random, every one to two seconds, and prints the answers.
//!
//! ```text
//! cargo run --example time_client -- alice 127.0.0.1:12345 clock              until Ctrl+C
//! cargo run --example time_client -- alice 127.0.0.1:12345 clock --count 5    until five answers have come
//! ```
//!
//! Knows nothing of how the service answers. Invariant: what is printed has come from the service that was asked.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use udpchat::chat::{Error, Event, Options};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (name, registry, service, count) = match words.as_slice() {
        [name, registry, service] => (name, registry, service, None),
        [name, registry, service, "--count", count] => match count.parse() {
            Ok(count) => (name, registry, service, Some(count)),
            Err(_) => return complain("--count needs a number"),
        },
        _ => {
            return complain(
                "usage: time_client <name> <registry's host:port> <service> [--count <answers>]",
            );
        }
    };
    match run(name, registry, service, count) {
        // The end that Ctrl+C has asked for.
        Ok(()) | Err(Error::Ended) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

/// Asks until so many answers have come; for ever if there is no such number.
fn run(name: &str, registry: &str, service: &str, count: Option<u64>) -> Result<(), Error> {
    let chat = Options::new(name, registry).until_interrupted().connect()?;
    let mut answers = 0;
    loop {
        chat.send(service, question(random()))?;
        let next = now() + pause(random());
        // What comes is printed until the next is to be asked.
        while let Some(left) = next.checked_duration_since(now()) {
            let Some(event) = chat.recv_timeout(left)? else {
                break;
            };
            answers += u64::from(show(&event, service));
            if count.is_some_and(|count| answers >= count) {
                return chat.close();
            }
        }
    }
}

/// Says what is to be said of an event. Whether it was an answer.
fn show(event: &Event, service: &str) -> bool {
    match event {
        Event::Message(message) if message.from.eq_ignore_ascii_case(service) => {
            say(&format!("{}: {}", message.from, message.text));
            true
        }
        Event::Trouble(sentence) => {
            say(sentence);
            false
        }
        _ => false,
    }
}

const fn question(random: u32) -> &'static str {
    if random.is_multiple_of(2) {
        "SEND_DATE"
    } else {
        "SEND_TIME"
    }
}

/// One to two seconds.
fn pause(random: u32) -> Duration {
    Duration::from_millis(1_000 + u64::from(random % 1_001))
}

#[expect(clippy::disallowed_methods, reason = "to ask every so often needs a clock")]
fn now() -> Instant {
    Instant::now()
}

/// The system's randomness; without it, always the same.
fn random() -> u32 {
    getrandom::u32().unwrap_or(0)
}

fn say(line: &str) {
    // Whoever does not read the answers gets them all the same.
    writeln!(io::stdout(), "{line}").unwrap_or_default();
}

fn complain(sentence: &str) -> ExitCode {
    writeln!(io::stderr(), "time_client: {sentence}").unwrap_or_default();
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_questions_are_asked_and_no_pause_is_shorter_or_longer() {
        assert_eq!((question(4), question(7)), ("SEND_DATE", "SEND_TIME"));
        let pauses: Vec<u128> = [0, 1_000, 1_001, u32::MAX]
            .map(|random| pause(random).as_millis())
            .into();
        assert!(
            pauses.iter().all(|pause| (1_000..=2_000).contains(pause)),
            "{pauses:?}"
        );
        assert_eq!(pauses.first().zip(pauses.get(1)), Some((&1_000, &2_000)));
    }
}
