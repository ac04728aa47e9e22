//! `udpchat simulate`: what to simulate, from the command line, and what came of it, for a person or a program.
//!
//! Opens nothing; the worlds are in `simulation`, the threads in `runtime`.
//! Invariant: the seed is printed before anything else, and with the same arguments it repeats the run to the byte. With
//! `--json` it goes to standard error: standard output is one object.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::cli::figures;
use crate::cli::streams::{self, write_out};
use crate::client::Receipts;
use crate::limits::{ATTEMPT, ATTEMPTS};
use crate::runtime::seeds::harvest;
use crate::runtime::start::{Exit, Fault, random};
use crate::simulation::{
    CLIENTS_MAX, Chance, MINUTES_MAX, Plan, Profile, Report, Trace, Weather, WorldFault, run,
};

/// What is asked for, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct SimulateFlags {
    /// The seed of the first run; the same one repeats a run to the byte (default: drawn)
    #[arg(long, value_name = "NUMBER")]
    seed: Option<String>,

    /// How many seeds to run, from that one on
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    seeds: String,

    /// A network that has a name: lan, wifi, mobile, satellite, mesh or hell
    #[arg(long, value_name = "NAME", default_value = "mobile")]
    profile: String,

    /// Clients, 2 to 50
    #[arg(long, value_name = "NUMBER")]
    clients: Option<String>,

    /// Minutes of virtual time, before all is well again
    #[arg(long, value_name = "NUMBER")]
    minutes: Option<String>,

    /// Messages of each client a minute
    #[arg(long, value_name = "NUMBER")]
    messages: Option<String>,

    /// Texts that each client posts to rooms a minute
    #[arg(long, value_name = "NUMBER")]
    posts: Option<String>,

    /// Deeds about rooms a minute, where something is posted: made, entered, left, people put out; and as many questions
    #[arg(long, value_name = "NUMBER")]
    rooms: Option<String>,

    /// How often somebody asks for `status`, a minute
    #[arg(long, value_name = "NUMBER")]
    status: Option<String>,

    /// Messages and posts are handled before they are receipted, as with `--recv`
    #[arg(long)]
    handled: bool,

    /// No registry: clients list each other by address, and some are not listed by those whom they list
    #[arg(long, conflicts_with_all = ["posts", "rooms"])]
    no_registry: bool,

    /// Datagrams that are lost, in percent
    #[arg(long, value_name = "PERCENT")]
    loss: Option<String>,

    /// The shortest time one way, in milliseconds
    #[arg(long, value_name = "MS")]
    delay: Option<String>,

    /// Up to so many milliseconds more
    #[arg(long, value_name = "MS")]
    jitter: Option<String>,

    /// Datagrams that arrive twice, in percent; some of them minutes late
    #[arg(long, value_name = "PERCENT")]
    duplicate: Option<String>,

    /// Datagrams that are overtaken, in percent
    #[arg(long, value_name = "PERCENT")]
    reorder: Option<String>,

    /// Datagrams that arrive changed or cut short, in percent
    #[arg(long, value_name = "PERCENT")]
    corrupt: Option<String>,

    /// Paths that are cut, a minute
    #[arg(long, value_name = "NUMBER")]
    partition: Option<String>,

    /// Programs that are killed and started again, a minute
    #[arg(long, value_name = "NUMBER")]
    crash: Option<String>,

    /// Deeds of an attacker on the path, a minute: forged, replayed, changed datagrams, floods
    #[arg(long, value_name = "NUMBER")]
    attack: Option<String>,

    /// Bits a second of each client's line: 10k, 2M
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,

    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,

    /// Print the history before the figures, a line an event
    #[arg(long, conflicts_with = "json")]
    trace: bool,
}

/// What is asked for, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulateOptions {
    seed: Option<u64>,
    seeds: u64,
    profile: Profile,
    changes: SimulateFlags,
    json: bool,
    trace: bool,
}

/// Seeds of one call, at most: more than any machine will live through.
const SEEDS_MAX: u64 = 1_000_000_000;
/// Events a minute, at most.
const RATE_MAX: u32 = 10_000;
/// Bytes of an Initial and of the Response (PROTOCOL §3.1, §3.3).
const FIRST_BYTES: u64 = 1_200 + 300;
/// The longest path that makes sense.
const DELAY_MS_MAX: u32 = 60_000;
/// Exit code after a broken promise.
const BROKEN: u8 = 1;
/// Lines of the history that are shown of a run that found something.
const LAST_LINES: usize = 60;

impl SimulateFlags {
    /// Checks what was typed.
    pub(super) fn check(self) -> Result<SimulateOptions, String> {
        let options = SimulateOptions {
            seed: self
                .seed
                .as_deref()
                .map(|text| number("--seed", text, 0..u64::MAX))
                .transpose()?,
            seeds: number("--seeds", &self.seeds, 1..SEEDS_MAX + 1)?,
            profile: profile(&self.profile)?,
            json: self.json,
            trace: self.trace,
            changes: self,
        };
        if options.changes.rooms.is_some() && options.changes.posts.is_none() {
            return Err("--rooms needs --posts: there are rooms where something is posted".to_owned());
        }
        if options.trace && options.seeds > 1 {
            return Err("--trace shows one run; leave --seeds away".to_owned());
        }
        options.plan(0)?;
        Ok(options)
    }

    /// The profile's plan, with what was asked for instead.
    fn change(&self, plan: &mut Plan) -> Result<(), String> {
        let (weather, trouble) = (&mut plan.weather, &mut plan.trouble);
        set("--loss", self.loss.as_deref(), &mut weather.loss, chance)?;
        if self.loss.is_some() {
            // Whoever names the loss means all of it.
            weather.bursts = None;
        }
        set("--delay", self.delay.as_deref(), &mut weather.delay, millis)?;
        set("--jitter", self.jitter.as_deref(), &mut weather.jitter, millis)?;
        set(
            "--duplicate",
            self.duplicate.as_deref(),
            &mut weather.duplicate,
            chance,
        )?;
        set("--reorder", self.reorder.as_deref(), &mut weather.reorder, chance)?;
        set("--corrupt", self.corrupt.as_deref(), &mut weather.corrupt, chance)?;
        set("--rate", self.rate.as_deref(), &mut weather.rate, bits)?;
        set(
            "--messages",
            self.messages.as_deref(),
            &mut trouble.messages,
            a_minute,
        )?;
        set("--posts", self.posts.as_deref(), &mut trouble.posts, a_minute)?;
        if self.rooms.is_some() {
            set("--rooms", self.rooms.as_deref(), &mut trouble.rooms, a_minute)?;
            trouble.quarters.asks = trouble.rooms;
        }
        set(
            "--status",
            self.status.as_deref(),
            &mut trouble.questions,
            a_minute,
        )?;
        if self.handled {
            trouble.receipts = Receipts::Handled;
        }
        set(
            "--partition",
            self.partition.as_deref(),
            &mut trouble.partitions,
            a_minute,
        )?;
        set("--attack", self.attack.as_deref(), &mut trouble.attacks, a_minute)?;
        set("--crash", self.crash.as_deref(), &mut trouble.crashes, a_minute)?;
        let clients = u64::try_from(CLIENTS_MAX).unwrap_or(u64::MAX);
        set(
            "--clients",
            self.clients.as_deref(),
            &mut plan.clients,
            |what, text| {
                usize::try_from(number(what, text, 2..clients + 1)?).map_err(|error| error.to_string())
            },
        )?;
        set(
            "--minutes",
            self.minutes.as_deref(),
            &mut plan.minutes,
            |what, text| small(what, text, 1..u64::from(MINUTES_MAX) + 1),
        )?;
        if self.no_registry {
            *plan = plan.without_registry();
        }
        may_begin(&plan.weather)
    }
}

/// Whether a registry can answer as soon as a program that begins waits for it.
fn may_begin(weather: &Weather) -> Result<(), String> {
    let bits = weather.rate.unwrap_or(u64::MAX);
    let line = Duration::from_micros(FIRST_BYTES * 8 * 1_000_000 / bits.max(1));
    let answer = weather.delay * 2 + line;
    let longest = ATTEMPT * ATTEMPTS;
    if answer < longest {
        return Ok(());
    }
    Err(format!(
        "a registry would answer after {} ms on such a line; a program begins only where it does within {} ms \
         (--delay, --rate)",
        answer.as_millis(),
        longest.as_millis()
    ))
}

impl SimulateOptions {
    fn plan(&self, seed: u64) -> Result<Plan, String> {
        let mut plan = self.profile.plan(seed);
        self.changes.change(&mut plan)?;
        Ok(plan)
    }

    /// `plan`, after it was checked.
    fn checked_plan(&self, seed: u64) -> Plan {
        self.plan(seed).unwrap_or_else(|_| self.profile.plan(seed))
    }
}

/// Runs what was asked for, and prints it.
pub(super) fn simulate(options: &SimulateOptions) -> Result<u8, Fault> {
    let first = match options.seed {
        Some(seed) => seed,
        None => u64::from(u32::from_le_bytes(random()?)),
    };
    let seeds = first..first.saturating_add(options.seeds);
    let heading = format!("{}\n", heading(options, &seeds));
    if options.json {
        streams::write_err(&heading);
    } else {
        say(&heading)?;
    }
    let (report, found) = if options.trace {
        let report = run(options.checked_plan(first), Trace::to(Box::new(print_line)))
            .map_err(|fault| memory(&fault))?;
        let found = (!report.violations.is_empty()).then_some(first);
        (report, found)
    } else {
        let harvest =
            harvest(seeds.clone(), |seed| options.checked_plan(seed)).map_err(|fault| memory(&fault))?;
        (harvest.report, harvest.found)
    };
    let end = found.map(|seed| End::of(options, seed)).transpose()?;
    if options.json {
        let last = end.as_ref().map(|end| (end.seed, &*end.lines));
        say(&format!(
            "{}\n",
            figures::json(&report, options.profile, &seeds, last)
        ))?;
    } else {
        say(&figures::table(&report))?;
        if let Some(end) = &end {
            say(&end.words(options.trace))?;
        }
    }
    Ok(if end.is_some() { BROKEN } else { Exit::Done as u8 })
}

fn heading(options: &SimulateOptions, seeds: &Range<u64>) -> String {
    let plan = options.checked_plan(seeds.start);
    let which = if options.seeds == 1 {
        format!("seed {}", seeds.start)
    } else {
        format!("seeds {} to {}", seeds.start, seeds.end.saturating_sub(1))
    };
    format!(
        "{which}, profile {}, {} clients, {} minutes{}",
        options.profile.name(),
        plan.clients,
        plan.minutes,
        if plan.registry { "" } else { ", no registry" }
    )
}

/// What led to what was found: the end of that run's history.
struct End {
    seed: u64,
    report: Report,
    lines: Vec<String>,
}

impl End {
    /// Lives that run again.
    fn of(options: &SimulateOptions, seed: u64) -> Result<Self, Fault> {
        let lines = Rc::new(RefCell::new(VecDeque::new()));
        let sink = Rc::clone(&lines);
        let trace = Trace::to(Box::new(move |line| {
            let mut lines = sink.borrow_mut();
            if lines.len() == LAST_LINES {
                lines.pop_front();
            }
            lines.push_back(line.to_owned());
        }));
        let report = run(options.checked_plan(seed), trace).map_err(|fault| memory(&fault))?;
        let lines = lines.take().into();
        Ok(Self { seed, report, lines })
    }

    /// All of it, or what was found alone where the history was shown.
    fn words(&self, was_shown: bool) -> String {
        let mut text = format!("\nseed {}:\n", self.seed);
        for violation in &self.report.violations {
            text.push_str(&format!("  {violation}\n"));
        }
        if !was_shown {
            text.push_str("its last events (all of them: --trace):\n");
            for line in &self.lines {
                text.push_str(&format!("  {line}\n"));
            }
        }
        text
    }
}

fn say(text: &str) -> Result<(), Fault> {
    streams::judge(write_out(text))
}

fn print_line(line: &str) {
    if let Err(error) = write_out(&format!("{line}\n")) {
        tracing::debug!(%error, "nobody reads standard output");
    }
}

fn memory(fault: &WorldFault) -> Fault {
    Fault {
        exit: Exit::Storage,
        sentence: fault.to_string(),
    }
}

/// Reads a value, if one was given.
fn set<T>(
    what: &str,
    text: Option<&str>,
    value: &mut T,
    read: impl FnOnce(&str, &str) -> Result<T, String>,
) -> Result<(), String> {
    if let Some(text) = text {
        *value = read(what, text)?;
    }
    Ok(())
}

fn number(what: &str, text: &str, range: Range<u64>) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|value| range.contains(value))
        .ok_or_else(|| {
            format!(
                "{what} is a whole number from {} to {}, not '{text}'",
                range.start,
                range.end.saturating_sub(1)
            )
        })
}

fn small(what: &str, text: &str, range: Range<u64>) -> Result<u32, String> {
    number(what, text, range).and_then(|value| u32::try_from(value).map_err(|error| error.to_string()))
}

fn a_minute(what: &str, text: &str) -> Result<u32, String> {
    small(what, text, 0..u64::from(RATE_MAX) + 1)
}

fn millis(what: &str, text: &str) -> Result<Duration, String> {
    small(what, text, 0..u64::from(DELAY_MS_MAX) + 1).map(|ms| Duration::from_millis(u64::from(ms)))
}

fn chance(what: &str, text: &str) -> Result<Chance, String> {
    Chance::from_str(text).map_err(|error| format!("{what}: {error}"))
}

fn bits(what: &str, text: &str) -> Result<Option<u64>, String> {
    let (digits, factor) = match text.as_bytes().last() {
        Some(b'k') => (text.trim_end_matches('k'), 1_000),
        Some(b'M') => (text.trim_end_matches('M'), 1_000_000),
        _ => (text, 1),
    };
    let rate: Option<u64> = digits.parse().ok().and_then(|rate: u64| rate.checked_mul(factor));
    match rate {
        Some(rate) if (1_000..=10_000_000_000).contains(&rate) => Ok(Some(rate)),
        _ => Err(format!(
            "{what} is a whole number of bits a second from 1k to 10000M, like 10k or 2M, not '{text}'"
        )),
    }
}

fn profile(text: &str) -> Result<Profile, String> {
    Profile::ALL
        .into_iter()
        .find(|profile| profile.name() == text)
        .ok_or_else(|| "--profile is lan, wifi, mobile, satellite, mesh or hell".to_owned())
}

#[cfg(test)]
#[path = "simulate_tests.rs"]
mod tests;
