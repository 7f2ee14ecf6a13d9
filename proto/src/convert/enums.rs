//! Enumerations: the names are the same on both sides, so one table says all.

use coroner_core::{absence as a, finding as f, incident as i, kernel as k};

use super::ConvertError;
use crate::v1;

/// A core enumeration that has a number on the wire.
pub(super) trait Numbered: Sized {
    /// Name of the enumeration, for errors.
    const NAME: &'static str;

    /// The value with this number; `None` for a number this version does not know, and for "unspecified".
    fn from_number(number: i32) -> Option<Self>;

    /// The value's number.
    fn number(self) -> i32;
}

/// The value of the field `field`.
pub(super) fn known<T: Numbered>(field: &str, number: i32) -> Result<T, ConvertError> {
    T::from_number(number).ok_or_else(|| ConvertError::value(field, number, T::NAME))
}

macro_rules! same_names {
    ($($core:ty, $wire:ident, [$($name:ident),+ $(,)?];)+) => {$(
        impl Numbered for $core {
            const NAME: &'static str = stringify!($wire);

            fn from_number(number: i32) -> Option<Self> {
                match v1::$wire::try_from(number) {
                    $(Ok(v1::$wire::$name) => Some(Self::$name),)+
                    Ok(v1::$wire::Unspecified) | Err(_) => None,
                }
            }

            fn number(self) -> i32 {
                v1::$wire::from(self).into()
            }
        }

        impl From<$core> for v1::$wire {
            fn from(value: $core) -> Self {
                match value {
                    $(<$core>::$name => Self::$name,)+
                }
            }
        }

        impl TryFrom<v1::$wire> for $core {
            type Error = ConvertError;

            fn try_from(value: v1::$wire) -> Result<Self, ConvertError> {
                known("value", value.into())
            }
        }
    )+};
}

same_names! {
    k::Scope, Scope, [System, Cgroup, Cpuset, Mempolicy, Unknown];
    k::Level, Level, [Container, Pod, Qos, Kubepods, Other, None];
    k::UserspaceKiller, UserspaceKiller, [SystemdOomd, Earlyoom, Talos, Oomd, LowMemoryKiller];
    f::Source, Source, [KernelLog, Cgroup, SignalTrace, Fragmentation, Headroom, Pressure, LogFile];
    f::SignalResult, SignalResult, [Delivered, Ignored, AlreadyPending, Other];
    f::Occasion, Occasion, [Sample, Raised, Cleared, Incident];
    f::Concern, Concern, [NearReservation, OverReservation, NoPodsLimit, Overcommitted];
    f::Phase, Phase, [AtKill, Aftermath];
    f::AttributionMethod, AttributionMethod, [ProcCgroup, SeenBefore, OomKillCounter];
    a::Verdict, AbsenceVerdict, [Happened, Excluded, Open];
    i::Outcome, Outcome, [ContainerExited, ContainerSurvived, HostProcessKilled, NeverStarted];
    i::Confidence, Confidence, [Unknown, Possible, Likely, Confirmed];
    i::Cause, Cause, [
        ContainerMemoryLimit, PodMemoryLimit, QosMemoryLimit, NodeAllocatable, ReservedMemoryLimit, OtherCgroupLimit,
        SystemOutOfMemory, NumaOutOfMemory, UserspaceOomKiller, MemoryFragmentation, HardwareMemoryError, Unknown,
        ExternalKill, ApplicationExit, Crash, NodePressureEviction, EphemeralStorageLimit, LivenessProbe, StartupProbe,
        PostStartHook, PreStopTimeout, Preempted, ApiEviction, TaintEviction, PodDeleted, DeadlineExceeded, NodeShutdown,
        ContainerLost, Terminated, BadImage, MissingConfig, VolumeUnavailable, ImagePull,
    ];
}
