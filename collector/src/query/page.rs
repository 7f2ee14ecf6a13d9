//! Pages: how many incidents one answer holds, and where the next begins.
//!
//! A token is the place of the last incident of a page in the order of the list, so a page costs the same however
//! deep it lies, and incidents that arrive meanwhile shift nothing.

/// Incidents in an answer when the question does not say.
const DEFAULT_SIZE: u32 = 100;

/// Incidents in an answer at most.
const MAX_SIZE: u32 = 1000;

/// The size of a page that was asked for as `size`.
pub(super) fn size(size: u32) -> u32 {
    if size == 0 { DEFAULT_SIZE } else { size.min(MAX_SIZE) }
}

/// Where a page ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Time of the last incident, in microseconds since 1970.
    pub(super) time_us: i64,
    /// Number of its row.
    pub(super) seq: i64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}.{:x}", self.time_us, self.seq)
    }
}

/// The place a token stands for; `None` if no answer ever held such a token.
pub(super) fn parse(token: &str) -> Option<Place> {
    let (time, seq) = token.split_once('.')?;
    // As written: negative times are printed as their bits.
    let bits = |hex| u64::from_str_radix(hex, 16).ok().map(u64::cast_signed);
    let place = Place { time_us: bits(time)?, seq: bits(seq)? };
    (place.to_string() == token).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place() {
        for place in
            [(0, 0), (1, 2), (-1, 7), (i64::MIN, i64::MAX), (1_763_712_000_000_000, 999_999)]
        {
            let place = Place { time_us: place.0, seq: place.1 };
            assert_eq!(parse(&place.to_string()), Some(place));
        }
    }

    #[test]
    fn anything_else_is_no_token() {
        for token in ["", ".", "1", "1.", "x.1", "1.1.1", "+1.1", "01.1", "11111111111111111.1"] {
            assert_eq!(parse(token), None, "{token}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!([0, 1, 1000, 1001, u32::MAX].map(size), [100, 1, 1000, 1000, 1000]);
    }
}
