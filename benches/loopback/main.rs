//! `cargo bench --bench loopback`: the program's parts on this machine's loopback, each beside its floor.
//!
//! Runs everything once, in one process but for the registry whose memory is measured, and prints one table. Each
//! part is a file beside this one; `host` and `load` are what they measure with. `-- --quick` does a little of
//! everything in seconds, `-- deposits replay` only those parts.
//! Invariant: the table says below itself whose limits are lifted, and nothing is measured that a user would not get.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark talks to a person at a terminal, and one that cannot go on has nothing to save; the floors have \
              bare sockets and threads"
)]

mod deposits;
mod floor;
mod host;
mod load;
mod mail;
mod memory;
mod person;
mod presence;
mod receipt;
mod replay;
mod rooms;
mod table;
mod usage;

use std::path::{Path, PathBuf};

use table::Table;

/// How much of everything is done.
pub(crate) struct Size {
    /// Messages from a client to another.
    pub(crate) messages: usize,
    /// Deposits in a round.
    pub(crate) deposits: usize,
    /// Stored messages that are replayed.
    pub(crate) replayed: usize,
    /// Idle clients: some, and many.
    pub(crate) idle: [usize; 2],
    /// Members of a room.
    pub(crate) members: [u32; 3],
    /// Posts while all of them are away.
    pub(crate) posts: usize,
    /// Rooms of each owner, of as many as half the members.
    pub(crate) rooms: usize,
    /// Rounds of which the median counts.
    pub(crate) rounds: usize,
}

const WHOLE: Size = Size {
    messages: 300,
    deposits: 40_000,
    replayed: 20_000,
    idle: [1_000, 10_000],
    members: [10, 100, 1_000],
    posts: 1_000,
    rooms: 20,
    rounds: 3,
};

const QUICK: Size = Size {
    messages: 20,
    deposits: 2_000,
    replayed: 1_000,
    idle: [40, 100],
    members: [5, 10, 20],
    posts: 50,
    rooms: 5,
    rounds: 1,
};

const PARTS: [&str; 5] = ["receipt", "deposits", "replay", "rooms", "idle"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [role, folder] = args.as_slice()
        && role == host::CHILD
    {
        host::serve(Path::new(folder));
        return;
    }
    // `cargo test --all-targets` runs this too, but does not ask for a benchmark.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    let size = if args.iter().any(|arg| arg == "--quick") {
        QUICK
    } else {
        WHOLE
    };
    let wanted = |part: &str| {
        !args.iter().any(|arg| PARTS.contains(&arg.as_str())) || args.iter().any(|arg| arg == part)
    };
    let began = udpchat::runtime::clock::now().at;
    let mut table = Table::default();
    if wanted("receipt") {
        receipt::measure(&size, &mut table);
    }
    if wanted("deposits") {
        deposits::measure(&size, &mut table);
    }
    if wanted("replay") {
        replay::measure(&size, &mut table);
    }
    if wanted("rooms") {
        rooms::measure(&size, &mut table);
    }
    if wanted("idle") {
        memory::measure(&size, &mut table);
    }
    table.note(
        "The registry's limits on what clients may ask are lifted for every row (`Config::unlimited`); a client's are as \
         users have them."
            .into(),
    );
    let took = udpchat::runtime::clock::now().at.since(began);
    table.print(took);
}

/// A new folder on the disk that the build is on; gone when dropped.
pub(crate) fn folder() -> tempfile::TempDir {
    let parent = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&parent).expect("a folder for databases");
    tempfile::tempdir_in(parent).expect("a folder for databases")
}
