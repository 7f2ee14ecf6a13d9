//! One field of an API object, read so that nothing in it can make the rest unreadable.
//!
//! serde's own types give up a whole object when one number is a text. Here every field says for itself what it
//! understands; what it does not becomes [`Field::Wrong`] with a word on what was there, and the reader goes on behind
//! it. `null` is what the API server writes for an absent time, so it is [`Field::Absent`]. serde_json reads at most 128
//! levels deep; what is deeper, or no JSON, is an error of the whole object.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longest text that is kept, in bytes: what the kubelet allows for a termination message.
const LONGEST_TEXT: usize = 4096;

/// Longest piece of a wrong value that is repeated, in characters.
const LONGEST_QUOTE: usize = 40;

/// A field as it was found.
#[derive(Debug, Default)]
pub(super) enum Field<T> {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// There, and understood.
    Is(T),
    /// There, and something else: what, in words.
    Wrong(String),
}

/// What a field can be. Every way of writing a value that a type does not take is wrong for it.
pub(super) trait Shape<'de>: Sized {
    /// What is wanted, in words: "text", "a whole number".
    const WANTED: &'static str;

    /// From a text.
    fn text(_: &str) -> Option<Self> {
        None
    }

    /// From a whole number.
    fn whole(_: i64) -> Option<Self> {
        None
    }

    /// From `true` or `false`.
    fn truth(_: bool) -> Option<Self> {
        None
    }

    /// From an object.
    ///
    /// # Errors
    /// When the JSON is broken.
    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// From a list.
    ///
    /// # Errors
    /// When the JSON is broken.
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// An object of ours becomes a [`Shape`].
macro_rules! objects {
    ($($name:ident),+ $(,)?) => {$(
        impl<'de> $crate::kubernetes::decode::field::Shape<'de> for $name {
            const WANTED: &'static str = "an object";

            fn object<A: serde::de::MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Some)
            }
        }
    )+};
}
pub(super) use objects;

impl<'de, T: Shape<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reads(PhantomData))
    }
}

struct Reads<T>(PhantomData<T>);

impl<'de, T: Shape<'de>> Visitor<'de> for Reads<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Absent)
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<T>, E> {
        Ok(found(T::text(text), || quote(text)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field<T>, E> {
        Ok(found(T::whole(number), || format!("`{number}`")))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<T>, E> {
        let taken = i64::try_from(number).ok().and_then(T::whole);
        Ok(found(taken, || format!("`{number}`")))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<T>, E> {
        Ok(found(None, || format!("`{number}`")))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Field<T>, E> {
        Ok(found(T::truth(truth), || format!("`{truth}`")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field<T>, A::Error> {
        Ok(found(T::object(map)?, || "an object".to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Field<T>, A::Error> {
        Ok(found(T::list(list)?, || "a list".to_owned()))
    }
}

fn found<T>(taken: Option<T>, was: impl FnOnce() -> String) -> Field<T> {
    taken.map_or_else(|| Field::Wrong(was()), Field::Is)
}

/// A wrong text for people: its beginning, harmless.
pub(super) fn quote(text: &str) -> String {
    let begin: String = text.chars().take(LONGEST_QUOTE).collect();
    let more = if begin.len() < text.len() { "..." } else { "" };
    format!("`{}{more}`", crate::escape::terminal(&begin))
}

impl Shape<'_> for String {
    const WANTED: &'static str = "text";

    fn text(text: &str) -> Option<Self> {
        let mut end = text.len().min(LONGEST_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let cut = if end < text.len() { "..." } else { "" };
        Some(format!("{}{cut}", &text[..end]))
    }
}

impl Shape<'_> for bool {
    const WANTED: &'static str = "true or false";

    fn truth(truth: bool) -> Option<Self> {
        Some(truth)
    }
}

/// Whole numbers that must fit into their type.
macro_rules! whole {
    ($($type:ty: $wanted:literal),+ $(,)?) => {$(
        impl Shape<'_> for $type {
            const WANTED: &'static str = $wanted;

            fn whole(number: i64) -> Option<Self> {
                Self::try_from(number).ok()
            }
        }
    )+};
}
whole!(
    i32: "a whole number of 32 bits",
    u16: "a whole number from 0 to 65535",
    u32: "a whole number from 0 to 4294967295",
    u64: "a whole number from 0",
);

impl<'de, T: Shape<'de>> Shape<'de> for Vec<Field<T>> {
    const WANTED: &'static str = "a list";

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut all = Self::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Some(all))
    }
}
