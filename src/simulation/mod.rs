//! A world of our own making: the real engines, transport and stores on a virtual network, clock and disk.
//!
//! It shows what the protocol does under loss, and it is the proof of the delivery contract: everything that is
//! committed anywhere is checked against [`Invariant`]s at that moment. Nothing here does I/O, sleeps or reads a clock.
//!
//! | file | holds |
//! |---|---|
//! | `plan`, `quarters`, `dice` | what is simulated, and all chance in it |
//! | `network`, `bursts`, `disk`, `disasters`, `attacker` | what can go wrong |
//! | `machine`, `programs` | programs, and what can happen to one |
//! | `world` | the time and the datagrams between them |
//! | `circle`, `alone` | who knows whom by address, where there is no registry |
//! | `life`, `rooms`, `farewells`, `healing`, `rest` | what people do, until nothing more is typed, and trouble; then healing, and quiet |
//! | `letter`, `post`, `ledger`, `screen`, `amplification`, `invariant` | the truth, and what must be true |
//! | `report`, `trace` | what is said of it |
//!
//! Invariant: one [`Plan`] gives one history, to the byte, on every machine.

mod alone;
mod amplification;
mod attacker;
mod audit;
mod bursts;
mod circle;
mod dice;
mod disasters;
mod disk;
mod farewells;
mod healing;
mod invariant;
mod ledger;
mod letter;
mod life;
mod machine;
mod network;
mod plan;
mod post;
mod programs;
mod quarters;
mod report;
mod rest;
mod rooms;
mod screen;
mod trace;
mod world;

pub use bursts::Bursts;
pub use dice::{Chance, ChanceError, Dice};
pub use disk::Mood;
pub use invariant::{Invariant, Violation};
pub use network::{LATE, Traffic, Weather};
pub use plan::{CLIENTS_MAX, MINUTES_MAX, Plan, Profile, Trouble};
pub use quarters::Quarters;
pub use report::{Report, Spans};
pub use trace::{Sink, Trace};
pub use world::WorldFault;

/// Lives a plan to its end.
///
/// # Errors
/// The world could not be made: no memory for its databases.
pub fn run(plan: Plan, trace: Trace) -> Result<Report, WorldFault> {
    Ok(life::Life::new(plan, trace)?.live())
}
