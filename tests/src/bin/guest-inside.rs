//! Runs inside a guest kernel: acts the cases out and writes what was answered to the serial port named by its argument.

use std::process::ExitCode;

fn main() -> ExitCode {
    let port = std::env::args().nth(1).unwrap_or_else(|| "/dev/ttyS1".to_owned());
    match coroner_tests::guest::inside::run(&port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
