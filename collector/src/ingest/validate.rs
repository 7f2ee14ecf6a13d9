//! What a message must be like. Every refusal names the field and what it held.

use coroner_proto::{MAX_BATCH_FINDINGS, PROTOCOL_VERSION, v1};
use tonic::Status;

use crate::store::{NewFinding, Store};

/// The longest name a node can have (a DNS name), in bytes.
const MAX_NODE: usize = 253;

/// The longest boot id, in bytes. Linux writes 36.
const MAX_BOOT_ID: usize = 64;

/// The longest finding id, in bytes. The longest kinds hold a source, a boot id and two numbers.
const MAX_FINDING_ID: usize = 512;

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

/// Checks a batch from `node`, and makes its findings ready to be stored.
pub(super) fn batch(
    store: &Store,
    node: &str,
    expected: u64,
    batch: v1::Batch,
) -> Result<Vec<NewFinding>, Status> {
    let v1::Batch { sequence, findings, coverage: _ } = batch;
    if sequence != expected {
        return Err(refused(format!("field `batch.sequence` is {sequence}, expected {expected}")));
    }
    if findings.len() > MAX_BATCH_FINDINGS {
        let n = findings.len();
        return Err(refused(format!(
            "field `batch.findings` holds {n}, expected at most {MAX_BATCH_FINDINGS}"
        )));
    }
    let check = |(i, finding)| one(store, node, i, finding);
    findings.into_iter().enumerate().map(check).collect()
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
