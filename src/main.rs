//! The program: arguments in, exit code out. Everything else is the library's.

use std::process::ExitCode;

use udpchat::cli::surroundings::Here;
use udpchat::cli::{args, start};

fn main() -> ExitCode {
    ExitCode::from(match args::parse(std::env::args_os(), &Here) {
        Ok(invocation) => start::run(invocation),
        Err(usage) => start::explain(&usage),
    })
}
