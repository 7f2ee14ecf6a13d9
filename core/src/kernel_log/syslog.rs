//! The head of a syslog or journal line: `Feb 03 19:57:08 HOST kernel: `, in all its dialects.
//!
//! RFC 3164 fixed little and months come in any language, so the time of day is the one thing that is looked for;
//! behind it stand at most a year, a host and a facility before the program's name and its colon. `kernel:` is the
//! kernel; `kernel[PID]:` is somebody who calls himself so.

use super::line::Origin;

/// What stood in front of the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// Date and time as printed.
    pub(super) stamp: &'a str,
    /// Which machine, if the line says.
    pub(super) host: Option<&'a str>,
    /// Who wrote it, if a program is named.
    pub(super) origin: Option<Origin>,
    /// The rest of the line.
    pub(super) rest: &'a str,
}

/// Longest head that is looked at, in bytes: host names go to 255.
const LONGEST: usize = 400;

pub(super) fn parse(text: &str) -> Option<Header<'_>> {
    let mut tokens = Tokens { text, at: 0 };
    let mut stamp_end = None;
    // The time is the first word of an ISO stamp, the fourth of `Thu Jan  1 00:00:00 2026`.
    for _ in 0..4 {
        let (token, end) = tokens.next()?;
        if has_time_of_day(token) {
            stamp_end = Some(end);
            break;
        }
    }
    let stamp_end = stamp_end?;
    let stamp = &text[..stamp_end];
    let iso = stamp.contains('T') && !stamp.contains(' ');
    let behind = text[stamp_end..].trim_start();
    let mut before = "";
    for place in 0..4 {
        let Some((token, end)) = tokens.next() else { break };
        if let Some(glued) = token.strip_prefix("kernel:") {
            let rest = text[end - glued.len()..].trim_start();
            return Some(Header { stamp, host: host(before), origin: Some(Origin::Kernel), rest });
        }
        // With an ISO stamp the host and the program follow at once; without them (`dmesg --time-format iso`) the
        // message does, and a word of it may end with a colon.
        let is_program = !iso || place == 1;
        if let Some(program) = token.strip_suffix(':').filter(|_| is_program) {
            let name = program.split('[').next().unwrap_or(program);
            let origin = Origin::User { facility: None, program: Some(name.to_owned()) };
            let rest = text[end..].trim_start();
            return Some(Header { stamp, host: host(before), origin: Some(origin), rest });
        }
        before = token;
    }
    // A stamp alone is a prefix too, but only at the very start of the line and in one word.
    iso.then_some(Header { stamp, host: None, origin: None, rest: behind })
}

/// The word in front of the program, unless it is a facility and level as busybox prints (`kern.warn`) or a year.
fn host(word: &str) -> Option<&str> {
    let year = word.bytes().all(|b| b.is_ascii_digit());
    (!word.is_empty() && !year && !word.starts_with("kern.")).then_some(word)
}

/// `19:57:08` somewhere in the word.
fn has_time_of_day(token: &str) -> bool {
    token.as_bytes().windows(8).any(|w| {
        w[2] == b':' && w[5] == b':' && [0, 1, 3, 4, 6, 7].iter().all(|&i| w[i].is_ascii_digit())
    })
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// The next word and where it ends.
    fn next(&mut self) -> Option<(&'a str, usize)> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start_matches(' ').len();
        let length =
            memchr::memchr(b' ', &self.text.as_bytes()[start..]).unwrap_or(self.text.len() - start);
        self.at = start + length;
        (length > 0 && self.at <= LONGEST).then(|| (&self.text[start..self.at], self.at))
    }
}
