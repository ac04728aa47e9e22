//! The program: arguments in, exit code out. Everything else is the library's.

use std::process::ExitCode;

use udpchat::cli::{args, start};

fn main() -> ExitCode {
    match args::parse(std::env::args_os()) {
        Ok(invocation) => ExitCode::from(start::run(invocation)),
        Err(usage) => {
            // With nobody to read it, the code still says it.
            let printed = usage.print();
            if printed.is_err() || usage.code() != 0 {
                return ExitCode::from(usage.code());
            }
            ExitCode::SUCCESS
        }
    }
}
