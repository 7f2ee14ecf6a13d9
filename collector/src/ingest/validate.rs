//! What a message must be like. Every refusal names the field and what it held.

use std::sync::Arc;

use coroner_core::finding::CoverageSpan;
use coroner_proto::{MAX_BATCH_FINDINGS, MAX_BATCH_SPANS, PROTOCOL_VERSION, v1};
use jiff::{SignedDuration, Timestamp};
use tonic::Status;

use crate::store::{NewBatch, NewFinding, Origin, Store};

/// The longest name a node can have (a DNS name), in bytes.
const MAX_NODE: usize = 253;

/// The longest boot id, in bytes. Linux writes 36.
const MAX_BOOT_ID: usize = 64;

/// The longest finding id, in bytes. The longest kinds hold a source, a boot id and two numbers.
const MAX_FINDING_ID: usize = 512;

/// How far a node's clock may be ahead of the collector's for its coverage to mean anything.
const FUTURE: SignedDuration = SignedDuration::from_hours(24);

/// Checks a hello.
pub(super) fn hello(hello: &v1::Hello) -> Result<(), Status> {
    let v1::Hello { node, boot_id, protocol_version, .. } = hello;
    if node.is_empty() || node.len() > MAX_NODE || node.chars().any(char::is_control) {
        return Err(refused(format!(
            "field `hello.node` is `{}`, expected 1 to {MAX_NODE} bytes without control characters",
            short(node)
        )));
    }
    if let Err(problem) = boot_id_shape(boot_id) {
        return Err(refused(format!("field `hello.boot_id` {problem}")));
    }
    if *protocol_version != PROTOCOL_VERSION {
        return Err(refused(format!(
            "field `hello.protocol_version` is {protocol_version}, expected {PROTOCOL_VERSION}"
        )));
    }
    Ok(())
}

/// Checks a batch and makes it ready to be stored. Gives also how many of its spans mean nothing and were left out.
pub(super) fn batch(
    store: &Store,
    origin: &Arc<Origin>,
    expected: u64,
    batch: v1::Batch,
) -> Result<(NewBatch, u64), Status> {
    let v1::Batch { sequence, findings, coverage, .. } = batch;
    if sequence != expected {
        return Err(refused(format!("field `batch.sequence` is {sequence}, expected {expected}")));
    }
    let lists = [
        ("findings", findings.len(), MAX_BATCH_FINDINGS),
        ("coverage", coverage.len(), MAX_BATCH_SPANS),
    ];
    for (field, n, most) in lists {
        if n > most {
            return Err(refused(format!(
                "field `batch.{field}` holds {n}, expected at most {most}"
            )));
        }
    }
    let check = |(i, finding)| one(store, &origin.node, i, finding);
    let findings = findings.into_iter().enumerate().map(check).collect::<Result<_, _>>()?;
    let spans = coverage.len();
    let coverage = self::coverage(coverage, Timestamp::now())?;
    let odd = u64::try_from(spans - coverage.len()).unwrap_or(u64::MAX);
    Ok((NewBatch { origin: Arc::clone(origin), findings, coverage }, odd))
}

/// The spans that mean something. One that ends before it begins or lies in the future comes of a clock that was set; it
/// is no fault in the message, and refusing that would hold up the findings beside it for good.
fn coverage(spans: Vec<v1::CoverageSpan>, now: Timestamp) -> Result<Vec<CoverageSpan>, Status> {
    let latest = now.checked_add(FUTURE).unwrap_or(Timestamp::MAX);
    let mut kept = Vec::with_capacity(spans.len());
    for (i, span) in spans.into_iter().enumerate() {
        let span = CoverageSpan::try_from(span)
            .map_err(|e| refused(e.within(&format!("batch.coverage[{i}]")).to_string()))?;
        if span.from <= span.to && span.to <= latest {
            kept.push(span);
        }
    }
    Ok(kept)
}

fn one(store: &Store, node: &str, i: usize, finding: v1::Finding) -> Result<NewFinding, Status> {
    let path = format!("batch.findings[{i}]");
    if finding.id.is_empty() || finding.id.len() > MAX_FINDING_ID {
        let id = short(&finding.id);
        return Err(refused(format!(
            "field `{path}.id` is `{id}`, expected 1 to {MAX_FINDING_ID} bytes"
        )));
    }
    if finding.node != node {
        let other = short(&finding.node);
        return Err(refused(format!(
            "field `{path}.node` is `{other}`, expected `{node}`: an agent reports for its own node only"
        )));
    }
    // Not the hello's: what an agent kept over a reboot is of an earlier boot.
    if let Err(problem) = boot_id_shape(&finding.boot_id) {
        return Err(refused(format!("field `{path}.boot_id` {problem}")));
    }
    store.prepare(finding).map_err(|e| refused(e.within(&path).to_string()))
}

fn boot_id_shape(boot_id: &str) -> Result<(), String> {
    let fits = (1..=MAX_BOOT_ID).contains(&boot_id.len());
    if fits && boot_id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Ok(());
    }
    Err(format!("is `{}`, expected 1 to {MAX_BOOT_ID} hex digits and dashes", short(boot_id)))
}

/// A refusal: sending the same again will not help.
pub(super) fn refused(problem: String) -> Status {
    Status::invalid_argument(problem)
}

/// What can be quoted of hostile text.
fn short(text: &str) -> String {
    let mut quoted: String = text.chars().take(80).flat_map(char::escape_default).collect();
    if text.chars().nth(80).is_some() {
        quoted.push_str("...");
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: &str = "6f1c6a0e-64f5-4fd1-9a5e-000000000001";

    fn good() -> v1::Hello {
        v1::Hello {
            node: "node-1".to_owned(),
            boot_id: BOOT.to_owned(),
            agent_version: String::new(),
            protocol_version: PROTOCOL_VERSION,
            first_sequence: 1,
        }
    }

    #[test]
    fn a_good_hello_passes() {
        hello(&good()).unwrap();
    }

    #[test]
    fn spans_of_a_clock_that_was_set_are_left_out_and_malformed_ones_refused() {
        let now = Timestamp::from_second(1_763_726_400).unwrap();
        let time = |hours: i64| {
            Some(prost_types::Timestamp { seconds: now.as_second() + hours * 3600, nanos: 0 })
        };
        let span = |from, to| v1::CoverageSpan { source: 1, from: time(from), to: time(to) };
        let kept = |spans| coverage(spans, now).map(|spans| spans.len());
        let good = [span(-9000, -1), span(0, 0), span(-1, 24)];
        assert_eq!(kept(good.to_vec()).unwrap(), 3);
        // The wrong way round, and further ahead than any time zone.
        assert_eq!(kept(vec![span(0, -1), span(0, 25), span(30, 31)]).unwrap(), 0);
        let cases = [
            (
                v1::CoverageSpan { source: 0, ..span(0, 1) },
                "field `batch.coverage[1].source` is 0, which is no Source",
            ),
            (
                v1::CoverageSpan { from: None, ..span(0, 1) },
                "field `batch.coverage[1].from` is missing",
            ),
            (
                v1::CoverageSpan { to: None, ..span(0, 1) },
                "field `batch.coverage[1].to` is missing",
            ),
        ];
        for (bad, expected) in cases {
            let status = coverage(vec![span(0, 1), bad], now).unwrap_err();
            assert_eq!((status.code(), status.message()), (tonic::Code::InvalidArgument, expected));
        }
    }

    #[test]
    fn a_bad_hello_is_refused_by_field_and_value() {
        let cases = [
            (
                v1::Hello { node: String::new(), ..good() },
                "field `hello.node` is ``, expected 1 to 253 bytes without control characters",
            ),
            (
                v1::Hello { node: "a\u{1b}[2J".to_owned(), ..good() },
                "field `hello.node` is `a\\u{1b}[2J`, expected 1 to 253 bytes without control characters",
            ),
            (
                v1::Hello { boot_id: "zz".to_owned(), ..good() },
                "field `hello.boot_id` is `zz`, expected 1 to 64 hex digits and dashes",
            ),
            (
                v1::Hello { protocol_version: 9, ..good() },
                "field `hello.protocol_version` is 9, expected 1",
            ),
        ];
        for (bad, expected) in cases {
            let status = hello(&bad).unwrap_err();
            assert_eq!((status.code(), status.message()), (tonic::Code::InvalidArgument, expected));
        }
    }
}
