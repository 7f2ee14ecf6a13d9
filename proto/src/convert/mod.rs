//! Conversions between the core's types and the wire's, one file per .proto file. No logic stands here.

mod absence;
mod alike;
mod cgroup;
mod cluster;
mod container_end;
mod counters;
mod enums;
mod event;
mod finding;
mod fragmentation;
mod headroom;
mod incident;
mod kernel;
mod memory;
mod node;
mod node_report;
mod oom;
mod population;
mod pressure;
mod signal;
mod source;
mod time;
mod volumes;

/// A message that says nothing the core understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` {problem}")]
pub struct ConvertError {
    field: String,
    problem: String,
}

impl ConvertError {
    /// The field `field` has the value `value`, which is no `what`.
    fn value(field: &str, value: impl std::fmt::Display, what: &str) -> Self {
        Self { field: field.to_owned(), problem: format!("is {value}, which is no {what}") }
    }

    /// The same error, seen from the message that holds the message it is about in `field`.
    #[must_use]
    pub fn within(mut self, field: &str) -> Self {
        self.field = format!("{field}.{}", self.field);
        self
    }

    /// The path of the field, from the outermost message.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}

/// What a required field holds, converted.
fn required<W, C>(field: &str, value: Option<W>) -> Result<C, ConvertError>
where
    C: TryFrom<W>,
    ConvertError: From<C::Error>,
{
    match value {
        Some(value) => C::try_from(value).map_err(|e| ConvertError::from(e).within(field)),
        None => Err(ConvertError { field: field.to_owned(), problem: "is missing".to_owned() }),
    }
}

/// What an optional field holds, converted.
fn optional<W, C>(field: &str, value: Option<W>) -> Result<Option<C>, ConvertError>
where
    C: TryFrom<W>,
    ConvertError: From<C::Error>,
{
    value
        .map(|value| C::try_from(value).map_err(|e| ConvertError::from(e).within(field)))
        .transpose()
}

/// What a repeated field holds, converted.
fn repeated<W, C>(field: &str, values: Vec<W>) -> Result<Vec<C>, ConvertError>
where
    C: TryFrom<W>,
    ConvertError: From<C::Error>,
{
    let convert = |(i, value)| {
        C::try_from(value).map_err(|e| ConvertError::from(e).within(&format!("{field}[{i}]")))
    };
    values.into_iter().enumerate().map(convert).collect()
}

/// All of a list, converted where that cannot fail.
fn all<A, B: From<A>>(values: Vec<A>) -> Vec<B> {
    values.into_iter().map(B::from).collect()
}

impl From<std::convert::Infallible> for ConvertError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
