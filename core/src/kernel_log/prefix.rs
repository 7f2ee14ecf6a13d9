//! Takes off what a tool printed in front of a kernel message.
//!
//! No two tools agree: `dmesg` writes `[   12.345678] `, `-T` a local date in whatever language, `-x` the facility in
//! words, `--raw` and consoles `<6>`; callers (`[ T3106]`) may follow; syslogs, journals, hypervisors and mailers put
//! their own in front of that. So prefixes are taken off one after another until none fits. Where the format says who
//! wrote the line, that is kept: it decides whether the line is the kernel's word. A line without a prefix is given
//! as it is.

use std::borrow::Cow;

use super::fields::leading_number;
use super::line::{Line, Origin};
use super::{journal, record, syslog};

/// Longest text in brackets that is taken for a stamp, in bytes; dates in full words are far shorter.
const LONGEST_STAMP: usize = 64;
/// A kernel stamp behind an unknown prefix is looked for this far, in bytes.
const LONGEST_FOREIGN: usize = 200;
/// No known tool chain stacks more prefixes than this.
const MOST_PREFIXES: usize = 8;

/// Reads one line of text, without its line end.
pub(super) fn strip(raw: &str) -> Line<'_> {
    let mut text = raw.trim_end_matches('\r').trim_start();
    while let Some(rest) = text.strip_prefix('>').or_else(|| text.strip_prefix("| ")) {
        text = rest.trim_start();
    }
    if let Some((head, body)) = record::parse(text.as_bytes()) {
        return from_record(head, body);
    }
    if let Some(line) = journal::parse(text) {
        return line;
    }
    let mut line = Line::default();
    let mut bracketed = false;
    for _ in 0..MOST_PREFIXES {
        if is_kernel_anchor(text) {
            break;
        }
        let before = text.len();
        if let Some(rest) =
            priority(text, &mut line.origin).or_else(|| facility_words(text, &mut line.origin))
        {
            text = rest;
        } else if let Some((stamp, rest)) = bracket(text) {
            bracketed = true;
            if let Stamp::Seconds(us) = stamp.1 {
                line.us = Some(us);
            }
            if stamp.1 != Stamp::Caller && line.stamp.is_none() {
                line.stamp = Some(Cow::Borrowed(stamp.0));
            }
            text = rest;
        } else if let Some(rest) = text.strip_prefix("kernel:") {
            line.origin = Origin::Kernel;
            text = rest.trim_start();
        } else if let Some(rest) = hypervisor(text) {
            text = rest;
        } else if !bracketed && let Some(header) = syslog::parse(text) {
            line.stamp = Some(Cow::Borrowed(header.stamp));
            line.host = header.host.map(Cow::Borrowed);
            line.origin = header.origin.unwrap_or(line.origin);
            text = header.rest;
        } else if bracketed
            && line.us.is_some()
            && let Some(rest) = host_kernel(text)
        {
            line.origin = Origin::Kernel;
            text = rest;
        } else if line.stamp.is_none()
            && let Some(rest) = foreign(text)
        {
            text = rest;
        }
        if text.len() == before {
            break;
        }
        line.prefixed = true;
    }
    line.text = if line.prefixed && text.contains("#01") {
        unescape_rsyslog(text)
    } else {
        Cow::Borrowed(text)
    };
    line
}

/// Reads one raw record.
pub(super) fn from_record(head: record::Head, body: &[u8]) -> Line<'_> {
    let origin = if head.facility == 0 {
        Origin::Kernel
    } else {
        Origin::User { facility: Some(head.facility), program: None }
    };
    let text = record::unescape(body);
    Line { seq: Some(head.seq), us: Some(head.us), origin, text, prefixed: true, ..Line::default() }
}

/// Text that only the kernel's own message begins with: stripping on could eat a name that imitates a prefix.
fn is_kernel_anchor(text: &str) -> bool {
    [
        "Memory cgroup ",
        "Out of ",
        "Killed process ",
        "Kill process ",
        "oom-kill:",
        "Task in /",
        "Tasks in /",
    ]
    .iter()
    .any(|anchor| text.starts_with(anchor))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    Seconds(u64),
    Date,
    Caller,
}

/// `[   12.345678] `, `[Thu Dec  7 00:05:14 2017] `, `[ T1308] `; also `345678] ` when the front was cut off.
fn bracket(text: &str) -> Option<((&str, Stamp), &str)> {
    let (inner, rest) = match text.strip_prefix('[') {
        Some(inner) => {
            let end = inner.bytes().take(LONGEST_STAMP).position(|b| b == b']')?;
            (inner[..end].trim(), &inner[end + 1..])
        }
        None => {
            let end = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
            let rest = text[end..].strip_prefix("] ")?;
            return (end > 0).then_some(((&text[..end], Stamp::Date), rest.trim_start()));
        }
    };
    let kind = if let Some(us) = seconds(inner) {
        Stamp::Seconds(us)
    } else if inner.len() > 1
        && inner.starts_with(['T', 'C'])
        && inner[1..].bytes().all(|b| b.is_ascii_digit())
    {
        Stamp::Caller
    } else if inner.contains(':') && inner.bytes().any(|b| b.is_ascii_digit()) {
        Stamp::Date
    } else {
        return None;
    };
    // One blank belongs to the prefix; more can only be the indent of a stack line, which nobody needs.
    Some(((inner, kind), rest.trim_start()))
}

/// `12.345678` as microseconds.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.')?;
    if !(1..=9).contains(&fraction.len()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let micros: u64 = format!("{:0<6}", &fraction[..fraction.len().min(6)]).parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(micros)
}

/// `<6>`: facility * 8 + level.
fn priority<'a>(text: &'a str, origin: &mut Origin) -> Option<&'a str> {
    let (priority, rest) = leading_number::<u32>(text.strip_prefix('<')?)?;
    let rest = rest.strip_prefix('>')?;
    if priority > 191 {
        return None;
    }
    *origin = by_facility(priority >> 3);
    Some(rest)
}

fn by_facility(facility: u32) -> Origin {
    if facility == 0 {
        Origin::Kernel
    } else {
        Origin::User { facility: Some(facility), program: None }
    }
}

/// `kern  :err   : ` of `dmesg -x`.
fn facility_words<'a>(text: &'a str, origin: &mut Origin) -> Option<&'a str> {
    const FACILITIES: [&str; 24] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp", "res0", "res1", "res2", "res3", "local0", "local1", "local2", "local3",
        "local4", "local5", "local6", "local7",
    ];
    const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    let (facility, rest) = text.split_once(':')?;
    let facility = FACILITIES.iter().position(|f| *f == facility.trim_end())?;
    let (level, rest) = rest.split_once(':')?;
    LEVELS.contains(&level.trim()).then_some(())?;
    *origin = by_facility(u32::try_from(facility).ok()?);
    Some(rest.trim_start())
}

/// `HOST kernel: ` behind a stamp, as `journalctl -o short-monotonic` prints.
fn host_kernel(text: &str) -> Option<&str> {
    let (host, rest) = text.split_once(' ')?;
    (!host.is_empty() && host.len() <= 64).then_some(())?;
    rest.strip_prefix("kernel: ")
}

/// A hypervisor's log of its guest's console: `... vcpu-5| I005: Guest: <6>[ts] `.
fn hypervisor(text: &str) -> Option<&str> {
    const MARKER: &str = "Guest: ";
    let at = text.find(MARKER).filter(|at| *at < LONGEST_FOREIGN)?;
    let rest = &text[at + MARKER.len()..];
    rest.starts_with(['<', '[']).then_some(rest)
}

/// A kernel stamp behind something unknown, such as a hypervisor's own prefix. Nothing quoted: a quotation is an echo.
fn foreign(text: &str) -> Option<&str> {
    let window = &text.as_bytes()[..text.len().min(LONGEST_FOREIGN)];
    for at in memchr::memchr2_iter(b'[', b'<', window) {
        let (front, back) = (text.get(..at)?, text.get(at..)?);
        if front.contains(['"', '\'', '=', '{']) {
            return None;
        }
        let is_stamp = matches!(bracket(back), Some(((_, Stamp::Seconds(_)), _)));
        if at > 0
            && (is_stamp
                || (back.starts_with('<') && priority(back, &mut Origin::Untold).is_some()))
        {
            return Some(back);
        }
    }
    None
}

/// rsyslog writes control bytes as `#ooo`: a line break is `#012`, a tab `#011`.
fn unescape_rsyslog(text: &str) -> Cow<'_, str> {
    Cow::Owned(text.replace("#012", "\n").replace("#011", "\t"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, text: &str, us: Option<u64>, stamp: Option<&str>) {
        let line = strip(raw);
        assert_eq!((&*line.text, line.us, line.stamp.as_deref()), (text, us, stamp), "{raw}");
    }

    #[test]
    fn stamps_of_every_tool_come_off() {
        let message = "java invoked oom-killer: gfp";
        let us = Some(12_345_678);
        for (front, us, stamp) in [
            ("[   12.345678] ", us, Some("12.345678")),
            ("[   12.345678][ T3106] ", us, Some("12.345678")),
            ("[   12.345678] [ T1308] ", us, Some("12.345678")),
            ("kern  :err   : [   12.345678] ", us, Some("12.345678")),
            ("<6>[   12.345678] ", us, Some("12.345678")),
            ("<4>", None, None),
            ("[Thu Dec  7 00:05:14 2017] ", None, Some("Thu Dec  7 00:05:14 2017")),
            ("[四 3月 18 18:47:12 2021] ", None, Some("四 3月 18 18:47:12 2021")),
            ("[ven. nov. 28 07:26:44 2025] ", None, Some("ven. nov. 28 07:26:44 2025")),
            ("345678] ", None, Some("345678")),
            ("Feb 03 19:57:08 node-2 kernel: ", None, Some("Feb 03 19:57:08")),
            ("Feb  3 19:57:08 node-2 kernel: [   12.345678] ", us, Some("Feb  3 19:57:08")),
            ("апр 28 19:57:08 node kernel: ", None, Some("апр 28 19:57:08")),
            ("2026-09-02T09:08:50+00:00 node kernel: ", None, Some("2026-09-02T09:08:50+00:00")),
            ("> > [   12.345678] ", us, Some("12.345678")),
            (" kernel:[   12.345678] ", us, Some("12.345678")),
            ("2026-09-02T09:08:50.123Z| vcpu-5| I005: Guest: <6>[   12.345678] ", us, None),
        ] {
            let line = strip(&format!("{front}{message}\r")).text.into_owned();
            assert_eq!(line, message, "{front}");
            let line = format!("{front}{message}");
            let line = strip(&line);
            assert_eq!(line.us, us, "{front}");
            if let Some(stamp) = stamp {
                assert_eq!(line.stamp.as_deref(), Some(stamp), "{front}");
            }
        }
    }

    #[test]
    fn who_wrote_a_line_is_kept() {
        let user = |facility, program: Option<&str>| Origin::User {
            facility,
            program: program.map(str::to_owned),
        };
        for (raw, origin) in [
            ("[1.000000] x", Origin::Untold),
            ("<3>x", Origin::Kernel),
            ("<11>x", user(Some(1), None)),
            ("kern  :err   : [1.0] x", Origin::Kernel),
            ("user  :err   : [1.0] x", user(Some(1), None)),
            ("3,1,1,-;x", Origin::Kernel),
            ("30,1,1,-;x", user(Some(3), None)),
            ("Feb 03 19:57:08 h kernel: x", Origin::Kernel),
            ("Feb 03 19:57:08 h kernel[12]: x", user(None, Some("kernel"))),
            ("Feb 03 19:57:08 h earlyoom[12]: x", user(None, Some("earlyoom"))),
        ] {
            assert_eq!(strip(raw).origin, origin, "{raw}");
        }
    }

    #[test]
    fn a_name_that_looks_like_a_prefix_is_not_taken_off() {
        check(
            "[1.000000] a 11:22:33 h k: invoked",
            "a 11:22:33 h k: invoked",
            Some(1_000_000),
            Some("1.000000"),
        );
        check(
            "Killed process 1 (11:22:33 h kernel: )",
            "Killed process 1 (11:22:33 h kernel: )",
            None,
            None,
        );
        check(
            "[ 27790]     0 27790     8472 java",
            "[ 27790]     0 27790     8472 java",
            None,
            None,
        );
        check("[talos] OOM controller triggered", "[talos] OOM controller triggered", None, None);
    }
}
