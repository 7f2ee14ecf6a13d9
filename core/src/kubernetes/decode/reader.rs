//! Takes fields, and remembers which were wrong and where they stood.

use std::fmt::{self, Write as _};

use super::field::{Field, Shape};

/// How many problems of one object are told apart; the rest is counted.
const MOST_PROBLEMS: usize = 8;

/// Something in an API object that is not as the API describes it. Its text names the field, what was there and what was
/// wanted; it is harmless on a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `status.containerStatuses[0].restartCount`; empty for the object as a whole.
    pub path: String,
    /// What was there, in words; `None` for nothing.
    pub found: Option<String>,
    /// What was wanted, in words.
    pub wanted: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.as_str(), &self.found) {
            ("", found) => {
                write!(f, "the object is {}", found.as_deref().unwrap_or("empty"))?;
            }
            (path, Some(found)) => write!(f, "{path} is {found}")?,
            (path, None) => write!(f, "{path} is missing")?,
        }
        write!(f, "; wanted {}", self.wanted)
    }
}

impl std::error::Error for Problem {}

impl Problem {
    /// It is JSON, but no object.
    pub(super) fn no_object() -> Self {
        Self { path: String::new(), found: Some("something else".to_owned()), wanted: "an object" }
    }

    /// The whole object cannot be read.
    pub(super) fn broken(e: &serde_json::Error) -> Self {
        // serde_json's text may repeat a key of the object.
        let found = crate::escape::terminal(&e.to_string()).to_string();
        let found = found.chars().take(200).collect::<String>();
        Self { path: String::new(), found: Some(format!("broken: {found}")), wanted: "JSON" }
    }
}

/// What an object holds, and what of it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<T> {
    /// The record. What was wrong is absent in it.
    pub record: T,
    /// `metadata.resourceVersion`, to go on from.
    pub resource_version: Option<String>,
    /// Fields that were wrong: the first eight.
    pub problems: Vec<Problem>,
    /// How many more there were.
    pub more_problems: usize,
}

/// Where we are in the object, and what was wrong so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    path: String,
    problems: Vec<Problem>,
    more: usize,
}

impl Reader {
    /// Takes a field.
    pub(super) fn get<'de, T: Shape<'de>>(&mut self, name: &str, field: Field<T>) -> Option<T> {
        match field {
            Field::Absent => None,
            Field::Is(value) => Some(value),
            Field::Wrong(found) => {
                self.problem(name, Some(found), T::WANTED);
                None
            }
        }
    }

    /// Takes a text; an empty one is as good as none.
    pub(super) fn word(&mut self, name: &str, field: Field<String>) -> Option<String> {
        self.get(name, field).filter(|word| !word.is_empty())
    }

    /// Takes a text that the object is worth nothing without.
    pub(super) fn needed(&mut self, name: &str, field: Field<String>) -> Result<String, Problem> {
        match field {
            Field::Is(word) if !word.is_empty() => Ok(word),
            Field::Wrong(found) => Err(self.at(name, Some(found), String::WANTED)),
            _ => Err(self.at(name, None, String::WANTED)),
        }
    }

    /// Takes an object and reads it.
    pub(super) fn object<'de, T: Shape<'de>, R>(
        &mut self,
        name: &str,
        field: Field<T>,
        read: impl FnOnce(&mut Self, T) -> R,
    ) -> Option<R> {
        let value = self.get(name, field)?;
        Some(self.within(name, None, |reader| read(reader, value)))
    }

    /// Takes a list and reads each of its parts; those that are wrong are left out.
    pub(super) fn each<'de, T: Shape<'de>, R>(
        &mut self,
        name: &str,
        field: Field<Vec<Field<T>>>,
        mut read: impl FnMut(&mut Self, T) -> Option<R>,
    ) -> Vec<R> {
        let mut all = Vec::new();
        for (n, one) in self.get(name, field).into_iter().flatten().enumerate() {
            let one = self.within(name, Some(n), |reader| {
                reader.get("", one).and_then(|one| read(reader, one))
            });
            all.extend(one);
        }
        all
    }

    /// Ends the reading.
    pub(super) fn done<T>(self, record: T, resource_version: Option<String>) -> Decoded<T> {
        Decoded { record, resource_version, problems: self.problems, more_problems: self.more }
    }

    /// Reads what stands below `name`.
    pub(super) fn within<R>(
        &mut self,
        name: &str,
        index: Option<usize>,
        read: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let before = self.path.len();
        self.push(name);
        if let Some(n) = index {
            // Writing to a string does not fail.
            let _ = write!(self.path, "[{n}]");
        }
        let read = read(self);
        self.path.truncate(before);
        read
    }

    fn push(&mut self, name: &str) {
        if !self.path.is_empty() && !name.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    /// A field that is text, but none of those that are known.
    pub(super) fn wrong(&mut self, name: &str, text: &str, wanted: &'static str) -> Problem {
        self.at(name, Some(super::field::quote(text)), wanted)
    }

    fn at(&mut self, name: &str, found: Option<String>, wanted: &'static str) -> Problem {
        let path = self.within(name, None, |reader| reader.path.clone());
        Problem { path, found, wanted }
    }

    fn problem(&mut self, name: &str, found: Option<String>, wanted: &'static str) {
        if self.problems.len() < MOST_PROBLEMS {
            let problem = self.at(name, found, wanted);
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }
}
