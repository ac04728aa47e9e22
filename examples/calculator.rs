//! A calculator with a session for everybody who writes to it, as many at once as like.
//!
//! ```text
//! udpchat -s 12345                                               a registry
//! cargo run --example calculator -- calculator 127.0.0.1:12345   this service, under the name calculator
//! udpchat -c alice 127.0.0.1 12345 0                             somebody who types: send calculator 12 + 42
//! ```
//!
//! A session begins with the first text and ends with `q`. Numbers are decimal and so is the arithmetic: 0.1 + 0.2 is 0.3,
//! what binary fractions do not give. It ends at Ctrl+C; who writes while it is away is answered when it is back.
//! Invariants: while it runs, each text has one answer, or it says why there is none; one that it has taken when Ctrl+C comes may
//! have none, one that it took just before a crash none, or two. Nobody's session depends on another's.

mod inbox;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use udpchat::chat::{Error, Event, Options};

use crate::inbox::Inbox;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(registry), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return complain("usage: calculator <name> <registry's host:port>");
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
    let mut sessions = Sessions::default();
    say(&format!("{name} is ready"));
    let mut inbox = Inbox::of(&chat);
    while let Some(event) = inbox.next() {
        match event {
            Event::Message(message) if message.room.is_none() => {
                let answer = sessions.answer(&message.from, &message.text);
                match inbox.send(&message.from, &answer) {
                    Ok(_) => say(&format!(
                        "{}: {} -> {answer}",
                        message.from,
                        message.text.escape_debug()
                    )),
                    // Of this one only: the others are to be served.
                    Err(why @ (Error::NotSent(_) | Error::Unread)) => {
                        say(&format!("{}: no answer: {why}", message.from));
                    }
                    Err(error) => return Err(error),
                }
            }
            Event::Trouble(sentence) => say(&sentence),
            _ => {}
        }
    }
    chat.close()
}

/// Sessions at once. Whoever comes then takes the place of who has been silent for longest.
const SESSIONS_MAX: usize = 10_000;

/// Everybody's session, by name.
#[derive(Debug, Default)]
struct Sessions {
    open: BTreeMap<String, Session>,
    texts: u64,
}

/// What is remembered of somebody.
#[derive(Debug, Default)]
struct Session {
    results: u64,
    /// The number of his last text, of everybody's.
    last: u64,
}

impl Sessions {
    /// What is answered to somebody's text.
    fn answer(&mut self, from: &str, text: &str) -> String {
        // Names that differ only in upper and lower case are the same.
        let from = from.to_ascii_lowercase();
        if text.trim() == "q" {
            let results = self.open.remove(&from).map_or(0, |session| session.results);
            say(&format!("{from}: session ended after {results} results"));
            return "Session ended".to_owned();
        }
        if !self.open.contains_key(&from) && self.open.len() >= SESSIONS_MAX {
            self.forget_one();
        }
        self.texts += 1;
        let session = self.open.entry(from).or_default();
        session.last = self.texts;
        match evaluate(text) {
            Ok(result) => {
                session.results += 1;
                result.to_string()
            }
            Err(warning) => format!("Warning: {warning}"),
        }
    }

    fn forget_one(&mut self) {
        let silent = self.open.iter().min_by_key(|(_, session)| session.last);
        if let Some(name) = silent.map(|(name, _)| name.clone()) {
            self.open.remove(&name);
        }
    }
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Warning {
    Format,
    DivisionByZero,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => write!(
                f,
                "write two numbers of at most {DIGITS_MAX} digits with +, -, * or / between, like 12 + 42; q ends"
            ),
            Self::DivisionByZero => write!(f, "division by zero"),
        }
    }
}

/// Works out `12 + 42` and the like. Spaces may be left out.
fn evaluate(text: &str) -> Result<Decimal, Warning> {
    let (left, rest) = number(text).ok_or(Warning::Format)?;
    let mut rest = rest.trim_start().chars();
    let operator = rest.next().ok_or(Warning::Format)?;
    let (right, rest) = number(rest.as_str()).ok_or(Warning::Format)?;
    if !rest.trim().is_empty() {
        return Err(Warning::Format);
    }
    match operator {
        '+' => Ok(left.plus(right)),
        '-' => Ok(left.plus(right.negative())),
        '*' => Ok(left.times(right)),
        '/' => left.divided_by(right).ok_or(Warning::DivisionByZero),
        _ => Err(Warning::Format),
    }
}

/// The number at the beginning of a text, and the rest.
fn number(text: &str) -> Option<(Decimal, &str)> {
    let text = text.trim_start();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (digits, rest) = unsigned.split_at_checked(end)?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if whole.is_empty() || fraction.is_empty() || whole.len() + fraction.len() > DIGITS_MAX + 1 {
        return None;
    }
    // A second point is no digit.
    let units = format!("{whole}{fraction}").parse().ok()?;
    let places = u32::try_from(fraction.len()).ok()?;
    let number = Decimal { units, places };
    let is_negative = text.starts_with('-');
    Some((if is_negative { number.negative() } else { number }, rest))
}

/// Digits of a number: with as many, all that is done here fits an `i128` with room to spare.
const DIGITS_MAX: usize = 12;

/// Places after the point of a quotient. The last is rounded.
const QUOTIENT_PLACES: u32 = 12;

/// `units` divided by ten, `places` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    units: i128,
    places: u32,
}

impl Decimal {
    /// As many units of a smaller kind.
    const fn units_of(self, places: u32) -> i128 {
        self.units * 10_i128.pow(places - self.places)
    }

    const fn negative(self) -> Self {
        Self {
            units: -self.units,
            ..self
        }
    }

    fn plus(self, other: Self) -> Self {
        let places = self.places.max(other.places);
        Self {
            units: self.units_of(places) + other.units_of(places),
            places,
        }
    }

    const fn times(self, other: Self) -> Self {
        Self {
            units: self.units * other.units,
            places: self.places + other.places,
        }
    }

    /// `None`: by zero.
    fn divided_by(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let (dividend, divisor) = (self.units_of(places), other.units_of(places));
        // One place more than is kept, to round by.
        let quotient = (dividend * 10_i128.pow(QUOTIENT_PLACES + 1)).checked_div(divisor)?;
        Some(Self {
            units: (quotient + 5 * quotient.signum()) / 10,
            places: QUOTIENT_PLACES,
        })
    }
}

impl fmt::Display for Decimal {
    /// Without a point where there is nothing after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(self.places);
        let (whole, part) = (self.units.unsigned_abs() / one, self.units.unsigned_abs() % one);
        let sign = if self.units < 0 { "-" } else { "" };
        let width = usize::try_from(self.places).unwrap_or_default();
        let number = format!("{sign}{whole}.{part:0width$}");
        f.write_str(number.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn say(line: &str) {
    // Whether or not anybody reads it, others are served.
    writeln!(io::stdout(), "{line}").unwrap_or_default();
}

fn complain(sentence: &str) -> ExitCode {
    writeln!(io::stderr(), "calculator: {sentence}").unwrap_or_default();
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(text: &str) -> String {
        match evaluate(text) {
            Ok(result) => result.to_string(),
            Err(warning) => format!("{warning:?}"),
        }
    }

    #[test]
    fn decimals_are_exact() {
        for (text, expected) in [
            ("12 + 42", "54"),
            ("3.24 - 45", "-41.76"),
            ("4.5 / -6", "-0.75"),
            ("0.1 + 0.2", "0.3"),
            ("1.10 * 3", "3.3"),
            ("-2 * -0.5", "1"),
            ("5 - 5", "0"),
            ("100 * 10", "1000"),
            ("-0.0 * 1", "0"),
            ("12+42", "54"),
            (" 3--2 ", "5"),
            ("007 / 7", "1"),
        ] {
            assert_eq!(result(text), expected, "{text}");
        }
    }

    #[test]
    fn quotients_without_end_are_rounded() {
        assert_eq!(result("1 / 3"), "0.333333333333");
        assert_eq!(result("-2 / 3"), "-0.666666666667");
        assert_eq!(result("1 / 999999999999"), "0.000000000001");
        assert_eq!(result("0 / 7"), "0");
    }

    #[test]
    fn the_largest_numbers_fit() {
        let most = "9".repeat(DIGITS_MAX);
        let least = format!("0.{}", "9".repeat(DIGITS_MAX));
        for operator in ["+", "-", "*", "/"] {
            for (left, right) in [(&most, &most), (&most, &least), (&least, &most), (&least, &least)] {
                assert!(evaluate(&format!("-{left} {operator} {right}")).is_ok());
            }
        }
        assert_eq!(result(&format!("{most}0 + 1")), "Format");
    }

    #[test]
    fn what_cannot_be_worked_out_is_warned_of() {
        for text in [
            "",
            "12",
            "12 +",
            "+ 42",
            "12 42",
            "12 ^ 2",
            "1 + 2 + 3",
            "1.2.3 + 4",
            ". + 1",
            "1. + 1",
            ".5 + 1",
            "NaN + 1",
            "1e3 + 1",
            "jürgen",
            "½ + 1",
        ] {
            assert_eq!(result(text), "Format", "{text:?}");
        }
        assert_eq!(result("1 / 0"), "DivisionByZero");
        assert_eq!(result("0 / 0.00"), "DivisionByZero");
    }

    #[test]
    fn everybody_has_a_session_of_his_own() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.answer("alice", "12 + 42"), "54");
        assert_eq!(sessions.answer("bob", "1 / 0"), "Warning: division by zero");
        assert_eq!(sessions.answer("Alice", "2 * 3"), "6");
        let results =
            |sessions: &Sessions, name: &str| sessions.open.get(name).map(|session| session.results);
        assert_eq!(results(&sessions, "alice"), Some(2));
        assert_eq!(results(&sessions, "bob"), Some(0));
        assert_eq!(sessions.answer("alice", " q "), "Session ended");
        assert_eq!(
            (results(&sessions, "alice"), results(&sessions, "bob")),
            (None, Some(0))
        );
        assert_eq!(sessions.answer("alice", "1 + 1"), "2", "another one begins");
    }

    #[test]
    fn sessions_are_bounded_and_the_most_silent_goes_first() {
        let mut sessions = Sessions::default();
        for number in 0..SESSIONS_MAX {
            sessions.answer(&format!("peer{number}"), "1 + 1");
        }
        sessions.answer("peer0", "1 + 1");
        sessions.answer("newcomer", "1 + 1");
        assert_eq!(sessions.open.len(), SESSIONS_MAX);
        assert!(sessions.open.contains_key("peer0") && !sessions.open.contains_key("peer1"));
    }
}
