//! Kubernetes' quantities: `512Mi`, `1.5Gi`, `1e9`, `128974848` of memory, `500m`, `0.5`, `2` of cores.
//!
//! `k8s.io/apimachinery/pkg/api/resource`: a decimal number, then nothing, a decimal or a binary suffix, or an exponent.
//! A part of a unit is rounded up. `m` (thousandths) is legal and nearly always a mistake for memory, but the kubelet takes
//! it, so it is taken.

use std::fmt;

/// Text that is no quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityError(String);

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no quantity; one looks like 512Mi, 1.5Gi or 1000000000",
            crate::escape::terminal(&self.0)
        )
    }
}

impl std::error::Error for QuantityError {}

/// Reads a quantity as bytes.
///
/// # Errors
/// When it is none, is negative, or does not fit into 64 bits.
pub fn quantity(text: &str) -> Result<u64, QuantityError> {
    units(text, 1)
}

/// Reads a quantity in thousandths of its unit, as the CPU is counted: `0.5` and `500m` are 500.
///
/// # Errors
/// When it is none, is negative, or does not fit into 64 bits.
pub fn quantity_in_thousandths(text: &str) -> Result<u64, QuantityError> {
    units(text, 1000)
}

/// Reads a quantity in a unit that is the `parts`th part of its own.
fn units(text: &str, parts: u128) -> Result<u64, QuantityError> {
    let wrong = || QuantityError(text.chars().take(64).collect());
    let trimmed = text.trim();
    let text = trimmed.strip_prefix('+').unwrap_or(trimmed);
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    // Nine digits behind the point are more than memory has; with eighteen before it 128 bits are enough.
    let long = whole.len() > 20 || part.len() > 9;
    if (whole.is_empty() && part.is_empty()) || part.contains('.') || long {
        return Err(wrong());
    }
    let (multiply, divide) = factor(suffix).ok_or_else(wrong)?;
    let digits: u128 = format!("{whole}{part}").parse().map_err(|_| wrong())?;
    let scale = 10_u128.pow(u32::try_from(part.len()).map_err(|_| wrong())?);
    let units =
        digits.checked_mul(multiply).and_then(|n| n.checked_mul(parts)).ok_or_else(wrong)?;
    u64::try_from(units.div_ceil(scale * divide)).map_err(|_| wrong())
}

/// What a suffix multiplies and divides by.
fn factor(suffix: &str) -> Option<(u128, u128)> {
    let power = |base: u128, n: u32| Some((base.pow(n), 1));
    match suffix {
        "" => power(1, 1),
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1000)),
        "k" => power(1000, 1),
        "M" => power(1000, 2),
        "G" => power(1000, 3),
        "T" => power(1000, 4),
        "P" => power(1000, 5),
        "E" => power(1000, 6),
        "Ki" => power(1024, 1),
        "Mi" => power(1024, 2),
        "Gi" => power(1024, 3),
        "Ti" => power(1024, 4),
        "Pi" => power(1024, 5),
        "Ei" => power(1024, 6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_u128.pow(exponent.unsigned_abs().min(19));
            match exponent {
                0..=18 => Some((power, 1)),
                -18..0 => Some((1, power)),
                _ => None,
            }
        }
    }
}
