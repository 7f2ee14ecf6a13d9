//! Byte sizes in words a person reads: `410 MiB`, `3.1 GiB`. Powers of 1024, as Kubernetes' `Mi` and `Gi`.

use std::fmt;

/// A size in bytes whose `Display` is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] =
            [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        for (size, unit) in UNITS {
            if self.0 >= size {
                // Tenths in whole numbers: no float can round 1023.96 MiB to a size that is not there.
                let tenths = u128::from(self.0) * 10 / u128::from(size);
                return if tenths.is_multiple_of(10) || tenths >= 1000 {
                    write!(f, "{} {unit}", tenths / 10)
                } else {
                    write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
                };
            }
        }
        write!(f, "{} B", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well_at_their_edges() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (32 << 20, "32 MiB"),
            ((1 << 30) - 1, "1023 MiB"),
            (3_328_599_655, "3.1 GiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}
