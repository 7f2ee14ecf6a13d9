//! Times: nanoseconds on both sides, but the wire counts nanoseconds forward from the second, always.

use jiff::Timestamp;

use super::ConvertError;

/// A time, for the wire.
pub(super) fn to_wire(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 }
    } else {
        prost_types::Timestamp { seconds, nanos }
    }
}

/// A time that may be absent, from the wire.
pub(super) fn from_wire(
    field: &str,
    time: Option<prost_types::Timestamp>,
) -> Result<Option<Timestamp>, ConvertError> {
    let Some(time) = time else { return Ok(None) };
    let odd = || {
        ConvertError::value(field, format_args!("{} s and {} ns", time.seconds, time.nanos), "time")
    };
    if !(0..1_000_000_000).contains(&time.nanos) {
        return Err(odd());
    }
    Timestamp::new(time.seconds, time.nanos).map(Some).map_err(|_| odd())
}

/// A time that must be there, from the wire.
pub(super) fn required(
    field: &str,
    time: Option<prost_types::Timestamp>,
) -> Result<Timestamp, ConvertError> {
    from_wire(field, time)?
        .ok_or_else(|| ConvertError { field: field.to_owned(), problem: "is missing".to_owned() })
}
