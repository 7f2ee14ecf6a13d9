//! How this kernel prints an event: the `print fmt` line of its `format` file.
//!
//! The line holds a C format string and its arguments (Documentation/trace/events.rst). Fields come and go with patch
//! levels (`mark_victim` had one field once and has nine now), so each is found by its name. A number ends where the
//! format says; a text ends nowhere, since a process chooses it. So what stands before the first text is read from the
//! left, what stands behind the last one from the right, and only a text that stands alone between them is known.

use std::fmt;

/// More of a format file than this is not looked at.
const FORMAT_MAX: usize = 16 * 1024;

/// How an event is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// One more than there are fields.
    literals: Vec<String>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Decimal,
    Hex,
    Text,
}

/// A `format` file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError(String);

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FormatError {}

impl Layout {
    /// Reads a `format` file.
    ///
    /// # Errors
    /// When it has no usable `print fmt` line, or lacks one of the fields in `needed`; in one sentence.
    pub fn parse(format: &str, needed: &[&str]) -> Result<Self, FormatError> {
        let wrong = |what: &str| FormatError(what.to_owned());
        if format.len() > FORMAT_MAX {
            return Err(wrong("is larger than 16 KiB, which no event's format is"));
        }
        let line = format.lines().find_map(|line| line.strip_prefix("print fmt: \""));
        let line = line.ok_or_else(|| wrong("has no line `print fmt: \"...`"))?;
        let (text, arguments) =
            line.rsplit_once('"').ok_or_else(|| wrong("has a `print fmt` string without end"))?;
        let (literals, kinds) = conversions(text);
        let names: Vec<&str> = split_arguments(arguments.trim_start_matches(','));
        if names.len() != kinds.len() {
            return Err(FormatError(format!(
                "has {} conversions and {} arguments in `print fmt`; they must be as many",
                kinds.len(),
                names.len()
            )));
        }
        let fields = names.iter().zip(kinds);
        let fields = fields.map(|(name, kind)| Field { name: field_name(name).to_owned(), kind });
        let layout = Self { literals, fields: fields.collect() };
        match needed.iter().find(|name| !layout.fields.iter().any(|field| field.name == **name)) {
            Some(name) => Err(FormatError(format!("prints no field `{name}`"))),
            None => Ok(layout),
        }
    }

    /// The values in a printed event, by field; `None` when it is not printed like this.
    pub(super) fn read<'a>(&self, mut rest: &'a str) -> Option<Values<'a, '_>> {
        let mut values = vec![None; self.fields.len()];
        let first = self.fields.iter().position(|field| field.kind == Kind::Text);
        let last = self.fields.iter().rposition(|field| field.kind == Kind::Text);
        let left = first.unwrap_or(self.fields.len());
        for at in 0..left {
            rest = rest.strip_prefix(self.literals.get(at)?.as_str())?;
            let (value, behind) = rest.split_at(self.fields.get(at)?.leading(rest));
            (*values.get_mut(at)?, rest) = (Some(value).filter(|v| !v.is_empty()), behind);
            values.get(at)?.as_ref()?;
        }
        rest = rest.strip_prefix(self.literals.get(left)?.as_str())?;
        let (Some(first), Some(last)) = (first, last) else {
            return rest.is_empty().then_some(Values { layout: self, values });
        };
        for at in (last + 1..self.fields.len()).rev() {
            rest = rest.strip_suffix(self.literals.get(at + 1)?.as_str())?;
            let (before, value) = rest.split_at(self.fields.get(at)?.trailing(rest));
            (*values.get_mut(at)?, rest) = (Some(value).filter(|v| !v.is_empty()), before);
            values.get(at)?.as_ref()?;
        }
        rest = rest.strip_suffix(self.literals.get(last + 1)?.as_str())?;
        if first == last {
            *values.get_mut(first)? = Some(rest);
        }
        Some(Values { layout: self, values })
    }
    /// The fields, and what is printed between them.
    pub(super) fn parts(&self) -> (Vec<&str>, &[String]) {
        (self.fields.iter().map(|field| field.name.as_str()).collect(), &self.literals)
    }
}

impl Field {
    fn takes(&self, byte: u8) -> bool {
        match self.kind {
            Kind::Decimal => byte.is_ascii_digit() || byte == b'-',
            Kind::Hex => byte.is_ascii_hexdigit() || byte == b'x',
            Kind::Text => false,
        }
    }

    /// Where the value ends that `text` begins with.
    fn leading(&self, text: &str) -> usize {
        text.bytes().position(|byte| !self.takes(byte)).unwrap_or(text.len())
    }

    /// Where the value begins that `text` ends with.
    fn trailing(&self, text: &str) -> usize {
        text.bytes().rposition(|byte| !self.takes(byte)).map_or(0, |at| at + 1)
    }
}

/// The values of one event.
#[derive(Debug)]
pub(super) struct Values<'a, 'l> {
    layout: &'l Layout,
    values: Vec<Option<&'a str>>,
}

impl<'a> Values<'a, '_> {
    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let at = self.layout.fields.iter().position(|field| field.name == name)?;
        self.values.get(at).copied().flatten()
    }

    /// The number in a field; `None` also when it does not fit.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }
}

/// The literals between the conversions of a C format string, and what these print.
fn conversions(text: &str) -> (Vec<String>, Vec<Kind>) {
    let (mut literals, mut kinds) = (vec![String::new()], Vec::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '%' if chars.peek() == Some(&'%') => chars.next(),
            '%' => {
                // Flags, width, precision and length end with the letter that says what is printed.
                let letter =
                    chars.by_ref().find(|c| c.is_ascii_alphabetic() && !"hlLqjzt".contains(*c));
                kinds.push(match letter {
                    Some('d' | 'i' | 'u') => Kind::Decimal,
                    Some('x' | 'X' | 'p') => Kind::Hex,
                    _ => Kind::Text,
                });
                literals.push(String::new());
                None
            }
            '\\' => chars.next(),
            other => Some(other),
        };
        if let (Some(c), Some(last)) = (literal, literals.last_mut()) {
            last.push(c);
        }
    }
    (literals, kinds)
}

/// Arguments at the top level of a list.
fn split_arguments(list: &str) -> Vec<&str> {
    let (mut out, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    for (at, c) in list.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                out.extend(list.get(begin..at));
                begin = at + 1;
            }
            _ => {}
        }
    }
    out.extend(list.get(begin..).filter(|rest| !rest.trim().is_empty()));
    out
}

/// The field that an argument prints: `pid` of `REC->pid`, `comm` of `__get_str(comm)`.
fn field_name(argument: &str) -> &str {
    let begin = match (argument.find("REC->"), argument.find("__get_str(")) {
        (Some(at), _) => at + "REC->".len(),
        (None, Some(at)) => at + "__get_str(".len(),
        (None, None) => return argument.trim(),
    };
    let rest = argument.get(begin..).unwrap_or_default();
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}
