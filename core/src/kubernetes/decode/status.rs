//! `status` of a container: what the kubelet says of its current and its last run.

use jiff::Timestamp;
use serde::Deserialize;

use super::field::{Field, objects};
use super::reader::Reader;
use crate::kubernetes::{ContainerRecord, ContainerState, Terminated, container_id};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) name: Field<String>,
    #[serde(rename = "containerID")]
    container_id: Field<String>,
    restart_count: Field<u32>,
    ready: Field<bool>,
    state: Field<State>,
    last_state: Field<State>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    waiting: Field<Waiting>,
    running: Field<Running>,
    terminated: Field<TerminatedState>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: Field<String>,
    message: Field<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Running {
    started_at: Field<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TerminatedState {
    exit_code: Field<i32>,
    signal: Field<i32>,
    reason: Field<String>,
    message: Field<String>,
    started_at: Field<Timestamp>,
    finished_at: Field<Timestamp>,
    #[serde(rename = "containerID")]
    container_id: Field<String>,
}

objects!(Status, State, Waiting, Running, TerminatedState);

/// Writes what a status says into the record of its container.
pub(super) fn fill(reader: &mut Reader, record: &mut ContainerRecord, status: Status) {
    record.container_id =
        reader.get("containerID", status.container_id).and_then(|id| container_id(&id));
    record.restart_count = reader.get("restartCount", status.restart_count).unwrap_or_default();
    record.ready = reader.get("ready", status.ready).unwrap_or_default();
    record.state = reader.object("state", status.state, state).unwrap_or_default();
    let last = reader.object("lastState", status.last_state, |reader, last| {
        reader.object("terminated", last.terminated, terminated)
    });
    record.last = last.flatten().map(Box::new);
}

fn state(reader: &mut Reader, state: State) -> ContainerState {
    // The API allows one of the three; where more were stated the end says most.
    if let Some(ended) = reader.object("terminated", state.terminated, terminated) {
        return ContainerState::Terminated(Box::new(ended));
    }
    let running = reader.object("running", state.running, |reader, running| {
        ContainerState::Running { started_at: reader.get("startedAt", running.started_at) }
    });
    running
        .or_else(|| {
            reader.object("waiting", state.waiting, |reader, waiting| ContainerState::Waiting {
                reason: reader.word("reason", waiting.reason),
                message: reader.word("message", waiting.message),
            })
        })
        .unwrap_or_default()
}

fn terminated(reader: &mut Reader, ended: TerminatedState) -> Terminated {
    Terminated {
        exit_code: reader.get("exitCode", ended.exit_code),
        // The field has no `omitempty` in old versions: 0 means that there was none.
        signal: reader.get("signal", ended.signal).filter(|signal| *signal != 0),
        reason: reader.word("reason", ended.reason),
        message: reader.word("message", ended.message),
        started_at: reader.get("startedAt", ended.started_at).filter(happened),
        finished_at: reader.get("finishedAt", ended.finished_at).filter(happened),
        container_id: reader
            .get("containerID", ended.container_id)
            .and_then(|id| container_id(&id)),
    }
}

/// Of a container that never started the runtime says 0, which the kubelet writes as 1970.
fn happened(time: &Timestamp) -> bool {
    *time != Timestamp::UNIX_EPOCH
}
