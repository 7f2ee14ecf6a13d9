//! A recorded trace as signals, each with the OOM killer's mark if it had one.

use coroner_core::signal::{Layout, Layouts, Paired, Pairing, Reader, TraceEvent};

/// Kernels, and how they print an event.
pub(super) const FORMATS: [(&str, &str); 4] = [
    ("5.10", include_str!("../../src/signal/tests/data/formats-5.10")),
    ("6.1", include_str!("../../src/signal/tests/data/formats-6.1")),
    ("6.12", include_str!("../../src/signal/tests/data/formats-6.12")),
    ("7.2", include_str!("../../src/signal/tests/data/formats-7.2")),
];

/// The signals of a recorded trace, each with its mark.
pub(super) fn signals(text: &[u8], formats: &str) -> Vec<Paired<()>> {
    let at = formats.find("name: signal_generate").unwrap();
    let (marked, generated) = formats.split_at(at);
    let layouts = Layouts {
        generated: Some(Layout::parse(generated, &["sig", "code", "pid"]).unwrap()),
        marked: Some(Layout::parse(marked, &["pid"]).unwrap()),
        ..Layouts::default()
    };
    // The head of a `trace` file is no part of what `trace_pipe` gives.
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let body: Vec<u8> =
        lines.skip_while(|line| line.starts_with(b"#")).flatten().copied().collect();
    let (mut out, mut pairing) = (Vec::new(), Pairing::default());
    let mut reader = Reader::new(layouts);
    reader.feed(&body, |event| match event {
        TraceEvent::Generated(signal) => out.extend(pairing.generated(signal, ())),
        TraceEvent::Marked(marked) => out.extend(pairing.marked(marked)),
        other => panic!("neither a signal nor a mark: {other:?}"),
    });
    while let Some(paired) = pairing.expired(u64::MAX) {
        out.push(paired);
    }
    out.sort_by_key(|paired| paired.signal.at_us);
    out
}
