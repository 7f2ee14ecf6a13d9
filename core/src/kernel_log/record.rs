//! Raw records, as one `read(2)` of `/dev/kmsg` gives them.
//!
//! `Documentation/ABI/testing/dev-kmsg` promises `priority,sequence,microseconds,flags[,more..];text\n`, then lines
//! that begin with a blank and hold `KEY=value`; further comma fields may be added at any time and must be skipped;
//! non-printable bytes and the backslash are written as `\xNN`. The priority is facility * 8 + level, and user space
//! cannot write facility 0. A text that is no record gives `None`.

use std::borrow::Cow;

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Facility; 0 is the kernel.
    pub(super) facility: u32,
    /// Sequence number.
    pub(super) seq: u64,
    /// Microseconds since boot.
    pub(super) us: u64,
    /// First flag: `-`, or up to 4.x `c` for the first piece of a line and `+` for the next ones.
    pub(super) flag: u8,
}

/// Splits a record into its head and its text, still escaped. `KEY=value` lines are cut off.
pub(super) fn parse(raw: &[u8]) -> Option<(Head, &[u8])> {
    let (priority, rest) = number(raw)?;
    let (seq, rest) = number(rest.strip_prefix(b",")?)?;
    let (us, rest) = number(rest.strip_prefix(b",")?)?;
    let rest = rest.strip_prefix(b",")?;
    // Flags and unknown fields never hold a `;`, and are short: a long search would make hostile input slow.
    let semicolon = rest.iter().take(64).position(|&b| b == b';')?;
    let text = &rest[semicolon + 1..];
    let text = memchr::memchr(b'\n', text).map_or(text, |end| &text[..end]);
    let flag = *rest.first()?;
    Some((Head { facility: u32::try_from(priority >> 3).ok()?, seq, us, flag }, text))
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take(20).take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let mut value = 0u64;
    for digit in &text[..digits] {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    Some((value, &text[digits..]))
}

/// Undoes `\xNN`. Bytes that are no UTF-8 become U+FFFD.
pub(super) fn unescape(text: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', text) else { return lossy(text) };
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while let Some((&byte, tail)) = rest.split_first() {
        if let [b'\\', b'x', high, low, tail @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.push(high << 4 | low);
            rest = tail;
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    Cow::Owned(
        String::from_utf8(bytes)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
    )
}

/// Text whose bytes are nearly always ASCII, which the strict check reads many times faster than the lossy one.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_split_and_unknown_fields_are_skipped() {
        let raw =
            b"4,3346,3299304106,-,caller=T123,future=x;java invoked\n SUBSYSTEM=mem\n DEVICE=+x\n";
        let (head, text) = parse(raw).unwrap();
        assert_eq!(head, Head { facility: 0, seq: 3346, us: 3_299_304_106, flag: b'-' });
        assert_eq!(text, b"java invoked");
        assert_eq!(parse(b"30,1,2,-;x").unwrap().0.facility, 3);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for raw in [
            &b""[..],
            b"4",
            b"4,5,6",
            b"4,5,6,-",
            b"x,5,6,-;t",
            b"4,99999999999999999999999,6,-;t",
            b"<4>text",
        ] {
            assert_eq!(parse(raw), None, "{}", String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn escapes_are_undone_and_broken_ones_kept() {
        assert_eq!(unescape(br"x\x0ay\x1b\x5cz\xc3\xa9"), "x\ny\u{1b}\\z\u{e9}");
        assert_eq!(unescape(br"a\x4"), r"a\x4");
        assert_eq!(unescape(br"\xzz\"), r"\xzz\");
        assert_eq!(unescape(br"\xff"), "\u{fffd}");
    }
}
