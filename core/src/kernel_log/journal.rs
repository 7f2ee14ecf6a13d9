//! Lines of `journalctl -o json`: one object a line.
//!
//! systemd's Journal Export documentation promises `MESSAGE` as a string, or as an array of numbers where it holds
//! bytes that are not printable; `_TRANSPORT=kernel` marks what came through the kernel log, where the facility
//! tells the kernel (0) from programs. Times are strings of microseconds. A line that is no such object gives `None`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::line::{Line, Origin};

pub(super) fn parse(text: &str) -> Option<Line<'static>> {
    if !text.starts_with('{') || !text.contains("\"MESSAGE\"") {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let message = message(object.get("MESSAGE")?)?;
    let micros =
        |key: &str| object.get(key).and_then(Value::as_str).and_then(|v| v.parse::<i64>().ok());
    let stamp = micros("__REALTIME_TIMESTAMP")
        .or_else(|| micros("_SOURCE_REALTIME_TIMESTAMP"))
        .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
        .map(|t| Cow::Owned(t.to_string()));
    let us = micros("_SOURCE_MONOTONIC_TIMESTAMP").and_then(|us| u64::try_from(us).ok());
    let host = object.get("_HOSTNAME").and_then(Value::as_str).map(|h| Cow::Owned(h.to_owned()));
    Some(Line {
        us,
        stamp,
        host,
        origin: origin(&object),
        text: Cow::Owned(message),
        prefixed: true,
        ..Line::default()
    })
}

fn origin(object: &Map<String, Value>) -> Origin {
    let field = |key: &str| object.get(key).and_then(Value::as_str);
    let program = field("SYSLOG_IDENTIFIER").or_else(|| field("_COMM"));
    // What a program writes to /dev/kmsg comes over the kernel's transport too, with the program's facility.
    let facility = field("SYSLOG_FACILITY").and_then(|f| f.parse::<u32>().ok());
    match field("_TRANSPORT") {
        Some("kernel") if facility.is_none_or(|facility| facility == 0) => Origin::Kernel,
        // Exports that were thinned out may lack the transport; a program would have left its pid.
        None if program == Some("kernel")
            && field("_PID").is_none()
            && field("SYSLOG_PID").is_none() =>
        {
            Origin::Kernel
        }
        _ => Origin::User { facility, program: program.map(str::to_owned) },
    }
}

fn message(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(numbers) => {
            let bytes: Option<Vec<u8>> =
                numbers.iter().map(|n| n.as_u64().and_then(|n| u8::try_from(n).ok())).collect();
            Some(String::from_utf8_lossy(&bytes?).into_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_byte_arrays_are_read_and_transport_decides() {
        let line = parse(
            r#"{"MESSAGE":"x","_TRANSPORT":"kernel","SYSLOG_IDENTIFIER":"kernel","_SOURCE_MONOTONIC_TIMESTAMP":"12","__REALTIME_TIMESTAMP":"1788340130000000"}"#,
        )
        .unwrap();
        assert_eq!((line.origin, line.us, &*line.text), (Origin::Kernel, Some(12), "x"));
        assert_eq!(line.stamp.as_deref(), Some("2026-09-02T09:08:50Z"));
        let line =
            parse(r#"{"MESSAGE":[120,10,255],"_TRANSPORT":"syslog","SYSLOG_IDENTIFIER":"kernel"}"#)
                .unwrap();
        assert_eq!(&*line.text, "x\n\u{fffd}");
        assert_eq!(line.origin, Origin::User { facility: None, program: Some("kernel".into()) });
    }

    #[test]
    fn what_is_no_journal_object_is_left_alone() {
        for text in
            ["", "{", "{\"MESSAGE\":1}", "{\"MESSAGE\":[300]}", "{\"message\":\"x\"}", "[1]"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
