//! What must always be so, by name, and what is said when it is not.
//!
//! The names are the contract's sentences; docs/GUARANTEES.md points here. How they are checked is `ledger.rs`'s and
//! `world.rs`'s business.
//! Invariant: a name, once published, keeps its meaning.

use std::fmt;

use crate::clock::Instant;

/// A sentence of the contract that the simulation checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A state is told, or recorded, only once it is so: "saved" after the registry's commit, "received" after the
    /// recipient's.
    CommittedFirst,
    /// A mailbox gives a message up only when its recipient has it, it has expired, or its recipient has refused it;
    /// and forgets how it ended only once the sender knows.
    KeptUntilKnown,
    /// A message is in one state, and goes from it only where it may: back to waiting only where there is another database, of
    /// the registry's or its sender's.
    OneState,
    /// A message is in its recipient's inbox at most once.
    OnceInInbox,
    /// A message is shown at most once, but for a line whose mark a crash cut off.
    OnceOnScreen,
    /// Messages of a conversation are shown in the order written; one is late, and says so, only if what overtook it had been
    /// held back for it.
    InOrder,
    /// What is shown was written by whom it says, when it says, to whom it was shown, and in these words; and came as it says.
    Authentic,
    /// An end comes for its reason: no message expires before its time, none is refused without cause.
    HonestEnd,
    /// Nobody is in a room but by his own asking, nor out of one but by his own or its owner's, or with its end; what people
    /// are told of being inside, and of others who are, was so.
    InOrOut,
    /// A member is shown what is posted to his room, or told how much of it he missed; and not that of anything that he has.
    ShownOrMissed,
    /// Every table, queue and window is within its bound.
    Bounded,
    /// An address that has proven nothing gets at most three times what was sent in its name.
    NoAmplification,
    /// No packet number is used twice with one key.
    FreshNumbers,
    /// What somebody without keys sends changes nothing: where nothing else goes wrong, no session is opened anew.
    ForgedInVain,
    /// Once all is well, everybody's table is the registry's, and so are the rooms in which he takes himself to be.
    SameTable,
    /// Timers make progress: a program does not turn without time passing.
    NoSpin,
    /// A program whose input has ended ends by itself, within a bound once nothing moves any more: not while a message may
    /// still be handed over, or mail that was kept before it began is not shown. What it leaves open it has told, and it
    /// says that the registry was not reached only if it was not.
    LeavesSettled,
    /// Once all is well, everything accepted comes to its end, and is told, within the bound; nobody helps programs along.
    ComesToAnEnd,
    /// Once everything has ended, nothing is sent but signs of life, and no program wakes but for them.
    GoesQuiet,
    /// No program panics, whatever comes.
    NoPanic,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::CommittedFirst,
        Self::KeptUntilKnown,
        Self::OneState,
        Self::OnceInInbox,
        Self::OnceOnScreen,
        Self::InOrder,
        Self::Authentic,
        Self::HonestEnd,
        Self::InOrOut,
        Self::ShownOrMissed,
        Self::Bounded,
        Self::NoAmplification,
        Self::FreshNumbers,
        Self::ForgedInVain,
        Self::SameTable,
        Self::NoSpin,
        Self::LeavesSettled,
        Self::ComesToAnEnd,
        Self::GoesQuiet,
        Self::NoPanic,
    ];

    /// Its name, as reports and documents have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommittedFirst => "committed-first",
            Self::KeptUntilKnown => "kept-until-known",
            Self::OneState => "one-state",
            Self::OnceInInbox => "once-in-inbox",
            Self::OnceOnScreen => "once-on-screen",
            Self::InOrder => "in-order",
            Self::Authentic => "authentic",
            Self::HonestEnd => "honest-end",
            Self::InOrOut => "in-or-out",
            Self::ShownOrMissed => "shown-or-missed",
            Self::Bounded => "bounded",
            Self::NoAmplification => "no-amplification",
            Self::FreshNumbers => "fresh-numbers",
            Self::ForgedInVain => "forged-in-vain",
            Self::SameTable => "same-table",
            Self::NoSpin => "no-spin",
            Self::LeavesSettled => "leaves-settled",
            Self::ComesToAnEnd => "comes-to-an-end",
            Self::GoesQuiet => "goes-quiet",
            Self::NoPanic => "no-panic",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something was not so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What should have been.
    pub invariant: Invariant,
    /// When.
    pub at: Instant,
    /// What was.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.invariant, self.at, self.what)
    }
}
