//! Where logs go: standard error, as much of it as was asked for.
//!
//! `UDPCHAT_LOG` (like `RUST_LOG`: `debug`, `udpchat::transport=trace`) wins over `--verbose`. Knows nothing of what
//! is logged.
//! Invariant: a client says nothing unless asked: its terminal belongs to the conversation.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// The variable.
const VARIABLE: &str = "UDPCHAT_LOG";

/// The levels, from what is logged without `--verbose` on.
pub const REGISTRY: [LevelFilter; 3] = [LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE];
/// As `REGISTRY`, for clients.
pub const CLIENT: [LevelFilter; 3] = [LevelFilter::OFF, LevelFilter::INFO, LevelFilter::DEBUG];

/// Begins logging. `verbosity` counts the times that `--verbose` was given.
pub fn start(levels: [LevelFilter; 3], verbosity: u8) {
    let [_, _, most] = levels;
    let level = levels.into_iter().nth(verbosity.into()).unwrap_or(most);
    let filter = EnvFilter::builder()
        .with_default_directive(level.into())
        .with_env_var(VARIABLE)
        .from_env_lossy();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        // What cannot be written is lost: the log of a full disk must not end the program.
        .log_internal_errors(false)
        .with_target(level > LevelFilter::INFO)
        .try_init();
    if let Err(error) = started {
        // Somebody who uses this as a library has begun already.
        tracing::debug!(%error, "logging goes on as it was");
    }
}
