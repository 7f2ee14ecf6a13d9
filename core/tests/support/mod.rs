//! What the parser's tests share: the fixtures with their expected results, and what the parser makes of a log.
//!
//! A fixture is a folder with one log (`kmsg`, `kmsg.xz`, `console.log` or `log`) and an `expected.json`, written by
//! hand; `tests/fixtures/README.md` says how to read it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use coroner_core::explain::Explanation;
use coroner_core::kernel::KernelEvent;
use coroner_core::kernel_log::{Options, Parser};
use serde_json::Value;

/// One recorded or hand-written log and what it must be read as.
#[derive(Debug)]
#[allow(dead_code, reason = "not every test looks at all of it")]
pub(crate) struct Fixture {
    /// Its folder, from `tests/fixtures` on.
    pub(crate) name: String,
    /// Raw `/dev/kmsg` records, one per line.
    pub(crate) raw: bool,
    /// The log.
    pub(crate) log: Vec<u8>,
    /// What a reader of that log must find.
    pub(crate) expected: Value,
}

/// All fixtures under `tests/fixtures/<folder>`, by name.
pub(crate) fn fixtures(folder: &str) -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let mut folders = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        folders.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()));
        let expected = folder.join("expected.json");
        if expected.is_file() {
            found.push(fixture(&root, &folder, &expected));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!found.is_empty(), "no fixture under tests/fixtures/{folder}");
    found
}

fn fixture(root: &Path, folder: &Path, expected: &Path) -> Fixture {
    let name = folder.strip_prefix(root).unwrap().display().to_string();
    let logs = ["kmsg", "kmsg.xz", "console.log", "log"].map(|log| folder.join(log));
    let Some(path) = logs.iter().find(|path| path.is_file()) else { panic!("{name}: has no log") };
    let text = fs::read_to_string(expected).unwrap();
    let expected =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: expected.json: {e}"));
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    Fixture { raw: file.starts_with("kmsg"), log: read(path), name, expected }
}

fn read(path: &PathBuf) -> Vec<u8> {
    if path.extension().is_none_or(|extension| extension != "xz") {
        return fs::read(path).unwrap();
    }
    let unpacked = Command::new("xz").arg("-dc").arg(path).output().unwrap_or_else(|e| {
        panic!("{}: needs the program xz (package xz-utils): {e}", path.display())
    });
    assert!(unpacked.status.success(), "{}: xz could not unpack it", path.display());
    unpacked.stdout
}

/// What the parser gives for a text, fed whole.
pub(crate) fn events(text: &[u8]) -> Vec<KernelEvent> {
    events_of_chunks([text])
}

/// What the parser gives for a text, fed in these pieces.
pub(crate) fn events_of_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<KernelEvent> {
    let mut parser = Parser::new(Options::default());
    let mut found = Vec::new();
    for chunk in chunks {
        parser.text(chunk, &mut |event| found.push(event));
    }
    parser.finish(&mut |event| found.push(event));
    found
}

/// The account of these events, as `coroner explain -o json` prints it, and the kinds of the other events, each once.
pub(crate) fn account(events: Vec<KernelEvent>) -> Value {
    let mut explanation = Explanation::default();
    for event in events {
        explanation.add(event);
    }
    let kind = |event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    let others: BTreeSet<String> = explanation.others().iter().map(kind).collect();
    let mut account = serde_json::to_value(&explanation).unwrap();
    account["others"] = others.into_iter().collect();
    account
}
