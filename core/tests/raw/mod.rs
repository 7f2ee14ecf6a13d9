//! Raw records fed one by one, as reads of `/dev/kmsg` give them.

use coroner_core::kernel::KernelEvent;
use coroner_core::kernel_log::{Options, Parser};

/// What the parser gives for raw records, fed one by one as reads of `/dev/kmsg` give them.
pub(crate) fn events_of_records(log: &[u8]) -> Vec<KernelEvent> {
    let mut parser = Parser::new(Options::default());
    let mut found = Vec::new();
    for record in records(log) {
        parser.record(&record, &mut |event| found.push(event));
    }
    parser.finish(&mut |event| found.push(event));
    found
}

/// The records of a saved log: a line that begins with a blank belongs to the record before it.
pub(crate) fn records(log: &[u8]) -> Vec<Vec<u8>> {
    let mut records: Vec<Vec<u8>> = Vec::new();
    for line in log.split_inclusive(|&b| b == b'\n') {
        match records.last_mut() {
            Some(record) if line.starts_with(b" ") => record.extend_from_slice(line),
            _ => records.push(line.to_vec()),
        }
    }
    records
}
