//! Probes and lifecycle hooks of a container's `spec`.

use serde::Deserialize;

use super::field::{Field, Shape, objects};
use super::reader::Reader;
use super::values::Port;
use crate::kubernetes::{HookAction, Probe, ProbeHandler};

/// Most words of a probe's command that are kept.
const MOST_WORDS: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ProbeSpec {
    exec: Field<Exec>,
    http_get: Field<HttpGet>,
    tcp_socket: Field<TcpSocket>,
    grpc: Field<Grpc>,
    initial_delay_seconds: Field<u32>,
    timeout_seconds: Field<u32>,
    period_seconds: Field<u32>,
    success_threshold: Field<u32>,
    failure_threshold: Field<u32>,
    termination_grace_period_seconds: Field<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Exec {
    command: Field<Vec<Field<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HttpGet {
    port: Field<Port>,
    path: Field<String>,
    scheme: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TcpSocket {
    port: Field<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Grpc {
    port: Field<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Hook {
    exec: Field<Anything>,
    http_get: Field<Anything>,
    tcp_socket: Field<Anything>,
    sleep: Field<Sleep>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sleep {
    seconds: Field<u64>,
}

/// An object of which it only matters that it is there.
#[derive(Debug, Default, Deserialize)]
struct Anything {}

objects!(ProbeSpec, Exec, HttpGet, TcpSocket, Grpc, Hook, Sleep, Anything);

/// A probe. What is absent or wrong has the API's default.
pub(super) fn probe(
    reader: &mut Reader,
    name: &str,
    field: Field<ProbeSpec>,
) -> Option<Box<Probe>> {
    let default = Probe::default();
    reader.object(name, field, |reader, spec| {
        let mut number = |name, field, default| reader.get(name, field).unwrap_or(default);
        let numbers = Probe {
            initial_delay_s: number("initialDelaySeconds", spec.initial_delay_seconds, 0),
            // 0 is what an absent number is sent as by some clients; the API server never stores it.
            timeout_s: number("timeoutSeconds", spec.timeout_seconds, default.timeout_s),
            period_s: number("periodSeconds", spec.period_seconds, default.period_s),
            success_threshold: number("successThreshold", spec.success_threshold, 1),
            failure_threshold: number("failureThreshold", spec.failure_threshold, 3),
            handler: ProbeHandler::Unknown,
            termination_grace_s: None,
        };
        let grace = spec.termination_grace_period_seconds;
        let termination_grace_s = reader.get("terminationGracePeriodSeconds", grace);
        let handler = handler(reader, spec.exec, spec.http_get, spec.tcp_socket, spec.grpc);
        Box::new(Probe { handler: handler.unwrap_or_default(), termination_grace_s, ..numbers })
    })
}

fn handler(
    reader: &mut Reader,
    exec: Field<Exec>,
    http: Field<HttpGet>,
    tcp: Field<TcpSocket>,
    grpc: Field<Grpc>,
) -> Option<ProbeHandler> {
    let exec = reader.object("exec", exec, |reader, exec| {
        let mut words = reader.each("command", exec.command, |_, word| Some(word));
        words.truncate(MOST_WORDS);
        ProbeHandler::Exec(words)
    });
    let http = reader.object("httpGet", http, |reader, http| ProbeHandler::Http {
        port: port(reader, http.port),
        path: reader.word("path", http.path).unwrap_or_else(|| "/".to_owned()),
        scheme: reader.word("scheme", http.scheme).unwrap_or_else(|| "HTTP".to_owned()),
    });
    let tcp =
        reader.object("tcpSocket", tcp, |reader, tcp| ProbeHandler::Tcp(port(reader, tcp.port)));
    let grpc = reader
        .object("grpc", grpc, |reader, grpc| reader.get("port", grpc.port))
        .flatten()
        .map(ProbeHandler::Grpc);
    exec.or(http).or(tcp).or(grpc)
}

fn port(reader: &mut Reader, field: Field<Port>) -> String {
    reader.get("port", field).map(|port| port.0).unwrap_or_default()
}

/// What a lifecycle hook does; `None` for none that is known.
pub(super) fn hook(reader: &mut Reader, hook: Hook) -> Option<HookAction> {
    fn there<'de, T: Shape<'de>>(reader: &mut Reader, name: &str, field: Field<T>) -> bool {
        reader.get(name, field).is_some()
    }
    let sleep = reader
        .object("sleep", hook.sleep, |reader, sleep| reader.get("seconds", sleep.seconds))
        .flatten();
    if there(reader, "exec", hook.exec) {
        Some(HookAction::Exec)
    } else if there(reader, "httpGet", hook.http_get) {
        Some(HookAction::Http)
    } else if let Some(seconds) = sleep {
        Some(HookAction::Sleep(seconds))
    } else {
        there(reader, "tcpSocket", hook.tcp_socket).then_some(HookAction::Tcp)
    }
}
