//! `coroner`: reads the command line, runs the command, and turns its end into an exit status.

use std::process::ExitCode;

use clap::Parser as _;
use coroner_cli::args::Cli;
use coroner_cli::{Exit, run};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(Exit::Found) => ExitCode::SUCCESS,
        Ok(Exit::Nothing) => ExitCode::from(1),
        Ok(Exit::Partly) => ExitCode::from(2),
        // Whoever read our output has seen enough.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(2)
        }
    }
}
