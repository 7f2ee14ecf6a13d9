//! Prometheus' own tools, and the text that our programs give them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs promtool in `dir`, with `input`, and gives what it said.
///
/// # Panics
///
/// When it is not there (`tests/prepare` brings it) or finds something wrong.
#[must_use]
pub fn promtool(dir: &Path, args: &[&str], input: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(args).current_dir(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool is there: see tests/prepare");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it listens");
    let out = child.wait_with_output().expect("it ends");
    let said = [out.stdout, out.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(out.status.success(), "promtool {}: {}", args.join(" "), said.concat());
    said.concat()
}

/// The body of an answer to a GET that accepts only `accept`.
///
/// # Panics
///
/// When the answer is not 200.
#[must_use]
pub fn get(port: u16, path: &str, accept: &str) -> String {
    let mut http = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    http.write_all(request.as_bytes()).expect("it listens");
    let mut text = String::new();
    http.read_to_string(&mut text).expect("it answers in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.split(' ').nth(1) == Some("200"), "{path}: {text}");
    body.to_owned()
}

/// The metrics in a text of format 0.0.4: name and type, a histogram's parts not among them.
#[must_use]
pub fn metrics(text: &str) -> BTreeMap<String, String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

/// The names of our metrics in any text, as `coroner_...`, a histogram's parts under its own name.
#[must_use]
pub fn names(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = text.match_indices("coroner_").filter(|(at, _)| !text[..*at].ends_with(word));
    let names = starts.map(|(at, _)| {
        let rest = &text[at..];
        rest[..rest.find(|c| !word(c)).unwrap_or(rest.len())].to_owned()
    });
    let whole = |name: String| {
        let part = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        part.map_or(name.clone(), str::to_owned)
    };
    let mut names: Vec<String> = names.map(whole).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_in_expressions_and_tables() {
        let text = "sum(rate(coroner_a_bucket[5m])) > coroner_b_total{x=\"y\"} | `coroner_a` not_coroner_c";
        assert_eq!(names(text), ["coroner_a", "coroner_b_total"]);
    }
}
