//! Pressure stall information: reading it, and what was lost in the time before something happened.
//!
//! A pressure file has two lines, `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and the same with `full`
//! (Documentation/accounting/psi.rst); `cpu` has no `full` line before 5.13. Averages are of the kernel's making and
//! lag; `total` is exact, so time lost is worked out from two readings of it.

mod ring;

use crate::finding::{ResourcePressure, Stall};

pub use ring::Ring;

/// Reads a pressure file; `None` for text that is none.
#[must_use]
pub fn read(text: &str) -> Option<ResourcePressure> {
    let of = |name: &str| {
        text.lines().find_map(|line| stall(line.strip_prefix(name)?.strip_prefix(' ')?))
    };
    let (some, full) = (of("some"), of("full"));
    (some.is_some() || full.is_some()).then_some(ResourcePressure { some, full, before: None })
}

fn stall(line: &str) -> Option<Stall> {
    let value = |key: &str| line.split(' ').find_map(|part| part.strip_prefix(key));
    Some(Stall {
        avg10: hundredths(value("avg10=")?)?,
        avg60: hundredths(value("avg60=")?)?,
        avg300: hundredths(value("avg300=")?)?,
        total_us: value("total=")?.trim_end().parse().ok()?,
    })
}

/// `12.34` as 1234.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.')?;
    let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    let part: u32 = digits.then(|| part.parse().ok())??;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

/// `12.3 s`, `40 ms`: a time lost.
#[must_use]
pub fn lost(us: u64) -> String {
    match us {
        0..=999 => format!("{us} µs"),
        1000..=999_999 => format!("{} ms", us / 1000),
        _ => format!("{}.{} s", us / 1_000_000, us / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_file_as_kernels_write_it() {
        let text = "some avg10=1.53 avg60=0.44 avg300=100.00 total=3401263\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n";
        let read = read(text).unwrap();
        let some = Stall { avg10: 153, avg60: 44, avg300: 10_000, total_us: 3_401_263 };
        assert_eq!((read.some, read.full.map(|full| full.total_us)), (Some(some), Some(9)));
    }

    #[rstest]
    #[case("")]
    #[case("some\nfull\n")]
    #[case("some avg10=x avg60=0.00 avg300=0.00 total=1")]
    #[case("some avg10=1 avg60=0.00 avg300=0.00 total=1")]
    #[case("some avg10=0.00 avg60=0.00 avg300=0.00")]
    #[case("some avg10=0.+1 avg60=0.00 avg300=0.00 total=1")]
    #[case("some avg10=99999999999.00 avg60=0.00 avg300=0.00 total=1")]
    #[case("something avg10=0.00 avg60=0.00 avg300=0.00 total=1")]
    fn what_is_no_pressure_is_nothing(#[case] text: &str) {
        assert_eq!(read(text), None);
    }

    #[test]
    fn a_half_written_file_gives_its_good_half() {
        let read = read("some avg10=0.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.").unwrap();
        assert_eq!((read.some.map(|some| some.total_us), read.full), (Some(7), None));
    }

    #[test]
    fn times_lost_in_words() {
        assert_eq!([lost(7), lost(40_000), lost(12_345_678)], ["7 µs", "40 ms", "12.3 s"]);
    }
}
