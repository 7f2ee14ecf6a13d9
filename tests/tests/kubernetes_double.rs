//! The double of the API server held against what a real one (Kubernetes 1.36) answered to the same requests.
//!
//! `tests/fixtures/kubernetes/api-server/answers.jsonl` has requests with their answers; objects are trimmed. Versions,
//! tokens and numbers in messages are each server's own; all else has to be the same: status, media type, fields, words.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "tests may fail")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use coroner_tests::apiserver::{ApiServer, BEARER, Resource};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A request and what the real server answered.
#[derive(Deserialize)]
struct Recorded {
    name: String,
    method: String,
    path: String,
    accept: String,
    sent: Option<Value>,
    status: u16,
    #[serde(rename = "type")]
    media: String,
    /// A whole answer.
    body: Option<Value>,
    /// A watch, line by line.
    lines: Option<Vec<Value>>,
    /// What is no JSON.
    text: Option<String>,
}

fn recorded() -> Vec<Recorded> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/api-server/answers.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

struct Answer {
    status: u16,
    media: String,
    text: String,
}

/// Asks the double over TLS.
async fn ask(server: &ApiServer, recorded: &Recorded, path: &str) -> Answer {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.certificate().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(server.addr()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let token = if recorded.name == "unauthorized" { "nonsense" } else { BEARER };
    let body = recorded.sent.as_ref().map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(recorded.method.as_str())
        .uri(path)
        .header("host", "localhost")
        .header("accept", &recorded.accept)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let status = answer.status().as_u16();
    // A watch that is over ends; one that breaks would be an error.
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Answer { status, media, text: String::from_utf8(body.to_vec()).unwrap() }
}

/// Without what is each server's own, and with its fields in the order of their names.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("resourceVersion" | "continue", Value::String(_)) => "its own".into(),
                    ("message", Value::String(text)) => words(text).into(),
                    _ => plain(value),
                };
                (name.clone(), value)
            })
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect(),
        Value::Array(all) => all.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// A message without its numbers, and without what Go's parser of JSON says of a token that is none.
fn words(text: &str) -> String {
    let text = text.split(": invalid character").next().unwrap_or_default();
    let numbers = text.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty());
    numbers.collect::<Vec<_>>().join("N")
}

/// A watch without the bookmarks in between, which come when they like; of one that has nothing else, one.
fn lines(all: &[Value]) -> Vec<Value> {
    let all: Vec<Value> = all.iter().map(plain).collect();
    let between = |line: &&Value| {
        line["type"] == "BOOKMARK" && line["object"]["metadata"].get("annotations").is_none()
    };
    let mut kept: Vec<Value> = all.iter().filter(|line| !between(line)).cloned().collect();
    if kept.is_empty() {
        kept.extend(all.first().cloned());
    }
    kept
}

#[tokio::test]
async fn the_double_answers_as_the_real_one_did() {
    let all = recorded();
    let server = ApiServer::start().await;
    for (name, resource) in
        [("streaming", Resource::PODS), ("streaming-metadata", Resource::REPLICA_SETS)]
    {
        let of = all.iter().find(|one| one.name == name).unwrap();
        for line in of.lines.iter().flatten().filter(|line| line["type"] == "ADDED") {
            server.put(resource, line["object"].clone());
        }
    }
    server.forget();
    for (verb, resource) in [("list", "secrets"), ("watch", "secrets"), ("list", "deployments")] {
        server.forbid(verb, resource);
    }
    let mut wrong = Vec::new();
    let (mut version, mut token) = (String::new(), String::new());
    for one in &all {
        let path = one
            .path
            .split('&')
            .map(|part| match part.split_once('=') {
                Some(("timeoutSeconds", seconds)) if seconds != "x" => {
                    "timeoutSeconds=1".to_owned()
                }
                Some(("resourceVersion", number))
                    if number.len() > 3 && one.name != "watch-future" =>
                {
                    format!("resourceVersion={version}")
                }
                Some(("continue", _)) if one.name == "list-page-next" => {
                    format!("continue={token}")
                }
                Some(("continue", _)) if one.name == "list-continue-expired" => {
                    "continue=1/kube-system/a".to_owned()
                }
                _ => part.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("&");
        let answer = ask(&server, one, &path).await;
        let parsed: Vec<Value> =
            answer.text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if one.name == "list-page" {
            let metadata = &parsed[0]["metadata"];
            version = metadata["resourceVersion"].as_str().unwrap().to_owned();
            token = metadata["continue"].as_str().unwrap().to_owned();
        }
        let mut differ = |what: &str, is: String, real: String| {
            if is != real {
                wrong.push(format!("{}: {what} is {is}, of the real one {real}", one.name));
            }
        };
        differ("status", answer.status.to_string(), one.status.to_string());
        differ("type", answer.media, one.media.clone());
        if let Some(real) = &one.lines {
            differ("watch", format!("{:#?}", lines(&parsed)), format!("{:#?}", lines(real)));
        }
        if let Some(real) = &one.body {
            let is = parsed.first().map(plain);
            differ("body", format!("{is:#?}"), format!("{:#?}", Some(plain(real))));
        }
        if let Some(real) = &one.text {
            differ("text", answer.text, real.clone());
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(all.len() >= 30);
}
