//! The end of a container.

use coroner_core::finding as f;

use super::{ConvertError, time};
use crate::v1;

impl From<f::ContainerEnd> for v1::ContainerEnd {
    fn from(e: f::ContainerEnd) -> Self {
        Self {
            group: e.group,
            container_id: e.container_id,
            main_pid: e.main_pid,
            watched_since: e.watched_since.map(time::to_wire),
            not_before: e.not_before.map(time::to_wire),
            main_sigkilled: e.main_sigkilled,
            oom_kills: e.oom_kills,
            throttled_us: e.throttled_us,
            throttled_periods: e
                .throttled_periods
                .map(|(throttled, all)| v1::ThrottledPeriods { throttled, all }),
            sandbox: e.sandbox,
        }
    }
}

impl TryFrom<v1::ContainerEnd> for f::ContainerEnd {
    type Error = ConvertError;

    fn try_from(e: v1::ContainerEnd) -> Result<Self, ConvertError> {
        Ok(Self {
            group: e.group,
            container_id: e.container_id,
            main_pid: e.main_pid,
            watched_since: time::from_wire("watched_since", e.watched_since)?,
            not_before: time::from_wire("not_before", e.not_before)?,
            main_sigkilled: e.main_sigkilled,
            oom_kills: e.oom_kills,
            throttled_us: e.throttled_us,
            throttled_periods: e.throttled_periods.map(|p| (p.throttled, p.all)),
            sandbox: e.sandbox,
        })
    }
}
