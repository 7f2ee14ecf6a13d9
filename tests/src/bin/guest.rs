//! Boots real kernels with the real programs inside and prints a table, case by kernel: see `guest/mod.rs`.
//!
//! `guest [--kernels all|5.10,6.1,...] [--cgroup v1|v2] [--cases NAME,...] [--without all|nothing|SOURCE,...]
//! [--brief] [--refresh] [--keep DIR] [--jobs N]`. It fails when anything is wrong or could not be shown.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for one who watches it")]

use std::process::ExitCode;

use coroner_tests::guest::run::{Options, run};

fn main() -> ExitCode {
    match Options::read(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(report) => {
            println!("{}", report.text);
            ExitCode::from(u8::from(!report.right))
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}
