//! Records of real runs and made-up lives of containers.

mod changes;
mod ids;
mod join;
mod ready;
mod scheduling;

use jiff::Timestamp;

use super::{ContainerRecord, ContainerState, PodRecord, Terminated};

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_763_684_400 + second).unwrap()
}

pub(super) fn hex(n: u32) -> String {
    format!("{n:064x}")
}

pub(super) fn ended(run: u32) -> Terminated {
    Terminated {
        exit_code: Some(1),
        reason: Some("Error".to_owned()),
        finished_at: Some(at(i64::from(run))),
        container_id: Some(hex(run)),
        ..Terminated::default()
    }
}

pub(super) fn lost() -> Terminated {
    Terminated {
        exit_code: Some(137),
        reason: Some("ContainerStatusUnknown".to_owned()),
        ..Terminated::default()
    }
}

pub(super) fn waiting(reason: &str) -> ContainerState {
    ContainerState::Waiting { reason: Some(reason.to_owned()), message: None }
}

pub(super) fn running() -> ContainerState {
    ContainerState::Running { started_at: Some(at(0)) }
}

pub(super) fn terminated(end: Terminated) -> ContainerState {
    ContainerState::Terminated(Box::new(end))
}

/// A pod with one container `c`.
pub(super) fn pod(
    restart_count: u32,
    id: Option<u32>,
    state: ContainerState,
    last: Option<Terminated>,
) -> PodRecord {
    PodRecord {
        uid: "u".to_owned(),
        namespace: "exp".to_owned(),
        name: "p".to_owned(),
        containers: vec![ContainerRecord {
            name: "c".to_owned(),
            container_id: id.map(hex),
            restart_count,
            state,
            last: last.map(Box::new),
            ..ContainerRecord::default()
        }],
        ..PodRecord::default()
    }
}
