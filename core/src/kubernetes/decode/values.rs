//! Fields that are written as text and mean something else: times, quantities, ports.
//!
//! Times are RFC 3339 (`metav1.Time` in whole seconds, `metav1.MicroTime` with six digits). Quantities are texts in JSON
//! (`resource.Quantity`), and people's YAML may hold bare numbers. A port is a number or a name (`IntOrString`).

use jiff::Timestamp;

use super::field::Shape;
use crate::headroom::{quantity, quantity_in_thousandths};

impl Shape<'_> for Timestamp {
    const WANTED: &'static str = "a time as in 2026-11-21T00:22:01Z";

    fn text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A quantity of bytes.
#[derive(Debug)]
pub(super) struct ByteQuantity(pub u64);

impl Shape<'_> for ByteQuantity {
    const WANTED: &'static str = "a quantity of bytes as in 512Mi";

    fn text(text: &str) -> Option<Self> {
        quantity(text).ok().map(Self)
    }

    fn whole(number: i64) -> Option<Self> {
        u64::try_from(number).ok().map(Self)
    }
}

/// A quantity of cores, in thousandths.
#[derive(Debug)]
pub(super) struct Millicores(pub u64);

impl Shape<'_> for Millicores {
    const WANTED: &'static str = "a quantity of cores as in 500m";

    fn text(text: &str) -> Option<Self> {
        quantity_in_thousandths(text).ok().map(Self)
    }

    fn whole(number: i64) -> Option<Self> {
        u64::try_from(number).ok()?.checked_mul(1000).map(Self)
    }
}

/// A port, by number or by name.
#[derive(Debug)]
pub(super) struct Port(pub String);

impl Shape<'_> for Port {
    const WANTED: &'static str = "a port's number or name";

    fn text(text: &str) -> Option<Self> {
        // Port names are at most 15 characters; `IANA_SVC_NAME`.
        (text.len() <= 63).then(|| Self(text.to_owned()))
    }

    fn whole(number: i64) -> Option<Self> {
        u16::try_from(number).ok().map(|number| Self(number.to_string()))
    }
}
