//! Measures what `docs/performance.md` shows. `measure` without arguments says what there is to measure.
//!
//! Real kills, the real programs as processes, and a bare reader of `/dev/kmsg` beside them in the same run. It prints
//! figures and judges nothing: a slow machine is no failure.

#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::expect_used,
    reason = "a tool for one who watches it"
)]

mod chaos;
mod flood;
mod idle;
mod kubernetes;
mod latency;
mod pages;
mod storm;

use std::process::ExitCode;

const USAGE: &str = "usage: measure latency [KILLS]
       measure idle [SECONDS [PODS]]
       measure storm [SECONDS [KILLS_A_MINUTE [WITHOUT]]]
       measure chaos [SECONDS [GROUPS_A_SECOND]]
       measure flood [RECORDS_A_SECOND [SECONDS]]
       measure kubernetes [PODS [ENDS]]
       measure pages [INCIDENTS [DAYS]]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, or: u64| args.get(at).and_then(|a| a.parse().ok()).unwrap_or(or);
    match args.first().map(String::as_str) {
        Some("latency") => latency::latency(number(1, 100)),
        Some("idle") => idle::idle(number(1, 60), number(2, 125)),
        Some("storm") => {
            storm::storm(number(1, 60), number(2, 4_500), args.get(3).map(String::as_str));
        }
        Some("chaos") => chaos::chaos(number(1, 10), number(2, 500)),
        Some("kubernetes") => kubernetes::kubernetes(number(1, 50_000), number(2, 200)),
        Some("pages") => {
            pages::pages(number(1, 100_000), i64::try_from(number(2, 30)).unwrap_or(30));
        }
        Some("flood") => flood::flood(number(1, 20_000), number(2, 10)),
        _ => {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
