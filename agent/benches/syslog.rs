//! What a reading of `syslog(2)` costs when little is new, beside a reading of the whole ring in the same run, as it was
//! done before and as everybody does it. `docs/performance.md` says how to run it and holds the figures.
//!
//! Once with a full ring of a mebibyte of our own, which shows what the agent does, and once with this machine's, which
//! shows what the kernel does besides (needs CAP_SYSLOG).

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark fails by a panic")]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the agent's own modules, of which less is used here"
)]

#[path = "../src/kernel_log/news.rs"]
mod news;
#[path = "../src/position.rs"]
mod position;
#[path = "../src/kernel_log/syslog.rs"]
mod syslog;

use std::hint::black_box;

use divan::Bencher;
use news::Follow;
use syslog::{Klogctl, Ring, Source, SyslogError};

/// Lines that come between two readings.
const NEW: usize = 10;

fn main() {
    divan::main();
}

/// A full ring, in which some lines come at each reading.
struct Full {
    text: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// How many lines were printed so far.
    printed: usize,
}

impl Full {
    fn new(size: usize) -> Self {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        // Twice as much as the ring holds, and more: the ring moves along it.
        for n in 0.. {
            if text.len() > 4 * size {
                break;
            }
            let (s, us) = (n / 1000, n % 1000 * 1000);
            let line =
                format!("<6>[{s:5}.{us:06}] cbr0: port 7(veth9a8b7c6d) entered blocking state\n");
            text.extend_from_slice(line.as_bytes());
            ends.push(text.len());
        }
        let printed = ends.iter().position(|end| *end > size * 2).unwrap();
        Self { text, ends, printed }
    }
}

impl Source for Full {
    fn size(&mut self) -> Result<usize, SyslogError> {
        Ok(1 << 20)
    }

    fn newest(&mut self, buffer: &mut [u8]) -> Result<usize, SyslogError> {
        // What a mebibyte of ring holds as text.
        let room = buffer.len().min(1_400_000);
        self.printed =
            if self.printed + NEW < self.ends.len() { self.printed + NEW } else { self.printed };
        let end = self.ends[self.printed];
        let line = self.ends[1] - self.ends[0];
        let begin = end - room / line * line;
        buffer[..end - begin].copy_from_slice(&self.text[begin..end]);
        Ok(end - begin)
    }
}

/// A reading as it was before: into one buffer that is made large enough each time.
fn whole<S: Source>(source: &mut S, follow: &mut Follow, buffer: &mut Vec<u8>) -> usize {
    let size = source.size().unwrap();
    buffer.resize(size * 2, 0);
    let read = source.newest(buffer).unwrap();
    buffer.truncate(read);
    follow.whole(buffer).lines.len()
}

#[divan::bench(sample_count = 500)]
fn of_1_mib_the_whole(bencher: Bencher<'_, '_>) {
    let (mut ring, mut follow, mut buffer) = (Full::new(1 << 20), Follow::default(), Vec::new());
    whole(&mut ring, &mut follow, &mut buffer);
    bencher.bench_local(|| black_box(whole(&mut ring, &mut follow, &mut buffer)));
}

#[divan::bench(sample_count = 500)]
fn of_1_mib_what_is_new(bencher: Bencher<'_, '_>) {
    let mut ring = Ring::new(Full::new(1 << 20));
    ring.read().unwrap();
    bencher.bench_local(|| black_box(ring.read().unwrap().lines.len()));
}

#[divan::bench(sample_count = 200)]
fn of_this_machine_the_whole(bencher: Bencher<'_, '_>) {
    let (mut follow, mut buffer) = (Follow::default(), Vec::new());
    whole(&mut Klogctl, &mut follow, &mut buffer);
    bencher.bench_local(|| black_box(whole(&mut Klogctl, &mut follow, &mut buffer)));
}

#[divan::bench(sample_count = 200)]
fn of_this_machine_what_is_new(bencher: Bencher<'_, '_>) {
    let mut ring = Ring::new(Klogctl);
    ring.read().unwrap();
    bencher.bench_local(|| black_box(ring.read().unwrap().lines.len()));
}
