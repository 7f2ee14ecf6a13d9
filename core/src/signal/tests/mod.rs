//! The trace of real kernels, hostile names, and every way of sending SIGKILL.

mod forks;
mod layouts;
mod lines;
mod origins;
mod pairs;
mod properties;

use super::{Layout, Layouts, Reader, TraceEvent};

pub(super) const KERNELS: [(&str, &str, &str); 4] = [
    ("5.10", include_str!("data/formats-5.10"), include_str!("data/signals-5.10")),
    ("6.1", include_str!("data/formats-6.1"), include_str!("data/signals-6.1")),
    ("6.12", include_str!("data/formats-6.12"), include_str!("data/signals-6.12")),
    ("7.2", include_str!("data/formats-7.2"), include_str!("data/signals-7.2")),
];

/// A recording of format files, as the two it is made of.
pub(super) fn layouts(formats: &str) -> Layouts {
    let at = formats.find("name: signal_generate").unwrap();
    let (marked, generated) = formats.split_at(at);
    Layouts {
        generated: Some(Layout::parse(generated, &["sig", "code", "pid"]).unwrap()),
        marked: Some(Layout::parse(marked, &["pid"]).unwrap()),
        ..Layouts::default()
    }
}

pub(super) fn newest() -> Layouts {
    layouts(KERNELS[3].1)
}

/// The events of a text; the head of a `trace` file is no part of `trace_pipe`.
pub(super) fn events(text: &[u8], layouts: Layouts) -> Vec<TraceEvent> {
    let begin = text.windows(11).position(|bytes| bytes == b"  FUNCTION\n").and_then(|at| {
        text[at + 11..].iter().position(|byte| *byte == b'\n').map(|end| at + 12 + end)
    });
    let mut out = Vec::new();
    let mut reader = Reader::new(layouts);
    reader.feed(&text[begin.unwrap_or(0)..], |event| out.push(event));
    assert_eq!(reader.take_not_understood(), 0);
    out
}
