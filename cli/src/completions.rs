//! `coroner completions SHELL`.

use std::io::Write as _;

use clap_complete::Shell;

use crate::program::Program;
use crate::{Error, Exit, args, output};

/// Flags of `coroner completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  source <(coroner completions bash)\n\n\
    As a plugin kubectl completes it by itself, where a link kubectl_complete-coroner to this program is on PATH.")]
pub(crate) struct Args {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Error> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    let mut command = args::command(Program::Coroner);
    clap_complete::generate(args.shell, &mut command, "coroner", &mut script);
    let mut out = output::stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Found)
}
