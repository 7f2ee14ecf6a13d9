//! `coroner`, which is `kubectl coroner` too: reads the command line, runs the command, and turns its end into an exit
//! status.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use coroner_cli::args::{self, Cli};
use coroner_cli::program::Program;
use coroner_cli::{Exit, FAILED, complete, run};

fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let program = Program::of(typed.first().map(OsString::as_os_str));
    if program == Program::Completer {
        return completions(&typed);
    }
    let cli: Cli = match args::parse(program, typed) {
        Ok(cli) => cli,
        // Help and the version come this way as well. Where they cannot be printed nobody reads.
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS };
        }
    };
    match run(cli) {
        Ok(exit) => ExitCode::from(Exit::status(exit)),
        // Whoever read our output has seen enough.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(FAILED)
        }
    }
}

/// What kubectl offers to who is typing.
fn completions(typed: &[OsString]) -> ExitCode {
    let words: Vec<String> =
        typed.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let mut lines = complete::lines(&args::command(Program::Completer), &words).join("\n");
    lines.push('\n');
    // A shell that does not wait for it has no use for it.
    let _ = std::io::stdout().write_all(lines.as_bytes());
    ExitCode::SUCCESS
}
