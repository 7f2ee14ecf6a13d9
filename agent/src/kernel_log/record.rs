//! The head of one raw kernel-log record: who wrote it, which one it is, when.
//!
//! Documentation/ABI/testing/dev-kmsg promises `prio,seq,usec,flags[,more]*;text`, decimal numbers, and that unknown
//! fields between the flags and the `;` are to be skipped. A record without such a head has no identity: `None`.

use memchr::memchr;

/// What the head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Sequence number, from 0 with every boot.
    pub seq: u64,
    /// The kernel's stamp in microseconds since boot.
    pub monotonic_us: u64,
}

/// Reads the head of a record.
pub(crate) fn head(raw: &[u8]) -> Option<Head> {
    let end = memchr(b';', raw)?;
    let mut fields = raw[..end].split(|&b| b == b',');
    number(fields.next()?)?;
    let seq = number(fields.next()?)?;
    let monotonic_us = number(fields.next()?)?;
    Some(Head { seq, monotonic_us })
}

/// A decimal number and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"6,339,5140900,-;NET: Registered\n".as_slice(), Some((339, 5_140_900)))]
    #[case(b"4,1,2,c,caller=T123;x", Some((1, 2)))]
    #[case(b"30,18446744073709551615,0,-;", Some((u64::MAX, 0)))]
    #[case(b"30,18446744073709551616,0,-;", None)]
    #[case(b" SUBSYSTEM=acpi\n", None)]
    #[case(b"6,,1,-;x", None)]
    #[case(b"6,-1,1,-;x", None)]
    #[case(b"6,1;x", None)]
    #[case(b"6,1,2,-", None)]
    #[case(b"", None)]
    fn heads(#[case] raw: &[u8], #[case] expected: Option<(u64, u64)>) {
        assert_eq!(head(raw).map(|h| (h.seq, h.monotonic_us)), expected);
    }
}
