//! Making hostile text harmless before a terminal, a log or a page shows it.
//!
//! Processes, pods and cgroups choose their own names. A name may hold escape sequences that move the cursor,
//! line breaks that forge output, or marks that turn the direction of writing. Kernel and Kubernetes promise nothing.

use std::fmt::{self, Write as _};

/// Shows `text` with everything that could steer a terminal or mislead a reader written as an escape.
#[must_use]
pub fn terminal(text: &str) -> Harmless<'_> {
    Harmless(text)
}

/// Text whose `Display` is safe on a terminal. See [`terminal`].
#[derive(Clone, Copy, Debug)]
pub struct Harmless<'a>(&'a str);

impl fmt::Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c if misleads(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Invisible characters and those that change the direction of writing (Unicode categories Cf, Zl, Zp and tags).
fn misleads(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_control_bytes_and_direction_marks_and_nothing_else() {
        assert_eq!(
            terminal("a\x1b[2Jb\nc\u{202e}d\u{9b}").to_string(),
            "a\\x1b[2Jb\\nc\\u{202e}d\\x9b"
        );
        assert_eq!(terminal("java é 四").to_string(), "java é 四");
    }
}
