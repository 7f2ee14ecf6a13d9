//! A fuzz target that runs as a plain test: a fixed number of damaged logs, the same in every run.
//!
//! `CORONER_FUZZ_CASES=1000000 cargo test --release -p coroner-core --test fuzz` runs it for longer, and
//! `CORONER_FUZZ_SEED` elsewhere. A failing case is printed with its seed, which alone makes it again.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests may fail")]

mod raw;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use raw::events_of_records;
use support::{account, events, events_of_chunks, fixtures};

const CASES: u64 = 3_000;

/// No damaged log may take longer, on a busy machine and without optimisation.
const SLOWEST: Duration = Duration::from_secs(5);

/// splitmix64: small, good enough, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, or 0.
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }
}

/// What the parser listens to, to be put anywhere.
const WORDS: [&str; 18] = [
    " invoked oom-killer: gfp_mask=",
    "Killed process ",
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=",
    ",task_memcg=/",
    ",task=",
    ",pid=",
    ") total-vm:",
    "Tasks in ",
    " are going to be killed due to memory.oom.group set",
    "[  pid  ]",
    "\\x0a",
    "#012",
    "{\"MESSAGE\":",
    "kernel: ",
    "\r\n",
    "\n--\n",
    "\n \n",
    "18446744073709551615",
];

fn damaged(logs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut text = logs[random.below(logs.len())].clone();
    for _ in 0..=random.below(8) {
        let at = random.below(text.len());
        let end = (at + random.below(400)).min(text.len());
        match random.below(7) {
            0 if !text.is_empty() => text[at] = u8::try_from(random.next() & 0xff).unwrap(),
            1 => drop(text.drain(at..end)),
            2 => {
                let piece = text[at..end].to_vec();
                let to = random.below(text.len());
                text.splice(to..to, piece);
            }
            3 => {
                let other = &logs[random.below(logs.len())];
                let from = random.below(other.len());
                let piece = other[from..(from + random.below(2_000)).min(other.len())].to_vec();
                text.splice(at..at, piece);
            }
            4 => text.truncate(end),
            5 => text.retain(|&b| b != b'\n' || !random.next().is_multiple_of(8)),
            _ => drop(text.splice(at..at, WORDS[random.below(WORDS.len())].bytes())),
        }
    }
    text
}

/// What must hold whatever the text is.
fn target(text: &[u8], cut: usize) {
    let began = Instant::now();
    let whole = events(text);
    assert!(began.elapsed() < SLOWEST, "took {:?} for {} bytes", began.elapsed(), text.len());
    assert_eq!(whole, events_of_chunks(text.chunks(cut)), "cut into pieces of {cut} bytes");
    events_of_records(text);
    // A number may be broken by a terminal's or a mailer's line end, and is one number all the same.
    let unbroken: Vec<u8> =
        text.iter().copied().filter(|b| !b.is_ascii_whitespace() && *b != b'>').collect();
    for kill in account(whole)["kills"].as_array().unwrap() {
        let pid = kill["pid"].to_string();
        assert!(memchr::memmem::find(&unbroken, pid.as_bytes()).is_some(), "invented {kill}");
    }
}

fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap_or_else(|e| panic!("{name}={n}: {e}")))
}

#[test]
fn damaged_logs_are_read_to_the_end_and_make_nobody_up() {
    let all = fixtures("kernel").into_iter().chain(fixtures("text"));
    let logs: Vec<Vec<u8>> = all.filter(|f| f.log.len() < 12_000).map(|f| f.log).collect();
    let first = number_from_environment("CORONER_FUZZ_SEED").unwrap_or(1);
    let cases = number_from_environment("CORONER_FUZZ_CASES").unwrap_or(CASES);
    for seed in first..first + cases {
        let mut random = Random(seed);
        let text = damaged(&logs, &mut random);
        let cut = 1 + random.below(300);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&text, cut))) {
            eprintln!("CORONER_FUZZ_SEED={seed} CORONER_FUZZ_CASES=1 makes it again");
            std::panic::resume_unwind(panic);
        }
    }
}
