//! What is new in the ring's text since it was last read.
//!
//! `syslog(2)` numbers nothing, so what is new is what follows the end of the last reading, which is looked for by its
//! bytes: the last few dozen lines. Where these are no longer there, lines were lost, and nobody can know how many. With
//! stamps to the microsecond (`printk.time`) the place is certain. Without, a kernel that says the same again and again
//! could mislead: as long as nothing was overwritten the text begins as it did and its length tells; afterwards the
//! last of several places is taken, so that nothing is given twice, and that something may be lost is said.

use memchr::memmem::{Finder, FinderRev};
use xxhash_rust::xxh3::xxh3_64;

use super::syslog::stamp;

/// This much of the end of a reading is looked for in the next.
const TAIL: usize = 4096;

/// Less than this without stamps is soon said again.
const TELLING: usize = 1024;

/// What is new in a reading.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// The lines.
    pub lines: Vec<u8>,
    /// Lines are missing before them.
    pub lost: bool,
}

/// The end of the last reading.
#[derive(Debug, Default)]
pub(crate) struct Follow {
    /// Its last lines.
    tail: Vec<u8>,
    /// Where the last line has no stamp: length and hash of all there was.
    all: Option<(usize, u64)>,
}

impl Follow {
    /// Whether the newest part of the ring may be enough.
    pub(crate) fn may_ask_for_less(&self) -> bool {
        !self.tail.is_empty() && self.all.is_none()
    }

    /// What is new, if the newest part of the ring tells: it does where it holds all of the end that is known. `None`
    /// where only the whole ring can tell.
    pub(crate) fn recent(&mut self, part: &[u8]) -> Option<News> {
        let end = if self.may_ask_for_less() { last_end(part, &self.tail) } else { None }?;
        Some(self.news(part, end, false))
    }

    /// What is new in the whole ring.
    pub(crate) fn whole(&mut self, ring: &[u8]) -> News {
        let (end, lost) = self.end_of_known(ring);
        let news = self.news(ring, end, lost);
        if !ring.is_empty() {
            let stamped = ring.trim_ascii_end().rsplit(|&b| b == b'\n').next().and_then(stamp);
            self.all = stamped.is_none().then(|| (ring.len(), xxh3_64(ring)));
        }
        news
    }

    fn news(&mut self, ring: &[u8], end: usize, lost: bool) -> News {
        let lines = &ring[end..];
        if !lines.is_empty() {
            // From the begin of a line on; a line that is longer than all of this is kept whole.
            let least = ring.len().saturating_sub(TAIL);
            let next = memchr::memchr(b'\n', &ring[least.saturating_sub(1)..ring.len() - 1]);
            let last = || memchr::memrchr(b'\n', &ring[..least]).map_or(0, |at| at + 1);
            let from = match next {
                _ if least == 0 => 0,
                Some(at) => least + at,
                None => last(),
            };
            self.tail.clear();
            self.tail.extend_from_slice(&ring[from..]);
        }
        News { lines: lines.to_vec(), lost }
    }

    /// Where in the ring what is known ends, and whether something may be missing behind it.
    fn end_of_known(&self, ring: &[u8]) -> (usize, bool) {
        if self.tail.is_empty() {
            return (0, false);
        }
        if let Some((len, hash)) = self.all
            && ring.get(..len).is_some_and(|begin| xxh3_64(begin) == hash)
        {
            return (len, false);
        }
        if let Some(end) = last_end(ring, &self.tail) {
            let alone = self.tail.len() >= TELLING && first_end(ring, &self.tail) == Some(end);
            return (end, self.all.is_some() && !alone);
        }
        // The ring may have overwritten the beginning of the tail: its longest part that the ring begins with.
        let starts = memchr::memchr_iter(b'\n', &self.tail).map(|at| at + 1);
        let parts = starts.map(|at| &self.tail[at..]);
        match parts.filter(|part| !part.is_empty()).find(|part| ring.starts_with(part)) {
            Some(part) => (part.len(), self.all.is_some()),
            // An empty ring was cleared (`dmesg -C`); what follows is still behind what is known.
            None => (0, !ring.is_empty()),
        }
    }
}

/// Where `lines` end in `text`, where they stand last. What stands inside a line is what somebody wrote there.
fn last_end(text: &[u8], lines: &[u8]) -> Option<usize> {
    let finder = FinderRev::new(lines);
    let mut until = text.len();
    loop {
        let at = finder.rfind(&text[..until])?;
        let end = at + lines.len();
        if at == 0 || text[at - 1] == b'\n' {
            return Some(end);
        }
        until = end - 1;
    }
}

/// The same, where they stand first.
fn first_end(text: &[u8], lines: &[u8]) -> Option<usize> {
    let finder = Finder::new(lines);
    let mut from = 0;
    loop {
        let at = from + finder.find(&text[from..])?;
        if at == 0 || text[at - 1] == b'\n' {
            return Some(at + lines.len());
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(follow: &mut Follow, ring: &str) -> (String, bool) {
        let news = follow.whole(ring.as_bytes());
        (String::from_utf8(news.lines).unwrap(), news.lost)
    }

    fn line(n: u32) -> String {
        format!("<6>[{n:5}.000000] line\n")
    }

    fn lines(numbers: std::ops::Range<u32>) -> String {
        numbers.map(line).collect()
    }

    #[test]
    fn what_is_new_follows_what_is_known() {
        let mut follow = Follow::default();
        assert_eq!(news(&mut follow, &lines(0..2)), (lines(0..2), false));
        assert_eq!(news(&mut follow, &lines(0..2)), (String::new(), false));
        assert_eq!(news(&mut follow, &lines(0..3)), (lines(2..3), false));
        // The ring has overwritten the first two.
        assert_eq!(news(&mut follow, &lines(2..4)), (lines(3..4), false));
        // Nothing known is left.
        assert_eq!(news(&mut follow, &lines(7..9)), (lines(7..9), true));
        // Cleared, and then something new.
        assert_eq!(news(&mut follow, ""), (String::new(), false));
        assert_eq!(news(&mut follow, &lines(10..11)), (lines(10..11), true));
    }

    #[test]
    fn lines_of_the_same_microsecond_are_all_given() {
        let mut follow = Follow::default();
        news(&mut follow, "<6>[    1.000001] a\n");
        let ring = "<6>[    1.000001] a\n<6>[    1.000001] b\n";
        assert_eq!(news(&mut follow, ring), ("<6>[    1.000001] b\n".into(), false));
    }

    #[test]
    fn a_long_ring_is_followed_by_its_end_alone() {
        let mut follow = Follow::default();
        assert!(!news(&mut follow, &lines(0..1000)).1);
        assert!(follow.tail.len() <= TAIL && follow.tail.starts_with(b"<6>["));
        assert_eq!(news(&mut follow, &lines(900..1010)), (lines(1000..1010), false));
    }

    #[test]
    fn a_part_tells_where_it_holds_all_of_the_end() {
        let mut follow = Follow::default();
        assert_eq!(follow.recent(line(0).as_bytes()), None, "nothing is known yet");
        news(&mut follow, &lines(0..1000));
        let part = follow.recent(lines(700..1001).as_bytes()).expect("it holds the end");
        assert_eq!((part.lines, part.lost), (line(1000).into_bytes(), false));
        assert_eq!(follow.recent(lines(990..1002).as_bytes()), None, "less than the end");
        assert_eq!(follow.recent(b""), None);
        assert_eq!(news(&mut follow, &lines(10..1002)), (line(1001), false));
    }

    #[test]
    fn a_line_that_holds_the_end_is_not_the_end() {
        let mut follow = Follow::default();
        news(&mut follow, &line(1));
        let forged = format!("<6>[    1.000009] a {}", line(1));
        let ring = line(1) + &forged;
        assert_eq!(news(&mut follow, &ring), (forged, false));
        assert_eq!(news(&mut follow, &ring), (String::new(), false));
    }

    #[test]
    fn without_stamps_equal_lines_are_told_by_the_length() {
        let mut follow = Follow::default();
        assert_eq!(news(&mut follow, "a\na\n"), ("a\na\n".into(), false));
        assert_eq!(news(&mut follow, "a\na\na\nb\na\na\n"), ("a\nb\na\na\n".into(), false));
        assert!(!follow.may_ask_for_less());
        // Overwritten from here on: "a, a" is known, but which?
        assert_eq!(news(&mut follow, "a\nb\na\na\nc\n"), ("c\n".into(), true));
        assert_eq!(news(&mut follow, "x\ny\n"), ("x\ny\n".into(), true));
    }

    #[test]
    fn a_line_longer_than_what_is_kept_is_kept_whole() {
        let mut follow = Follow::default();
        let long = format!("<6>[    2.000000] {}\n", "x".repeat(TAIL * 2));
        news(&mut follow, &(line(1) + &long));
        assert_eq!(follow.tail, long.as_bytes());
        assert_eq!(news(&mut follow, &(long + &line(3))), (line(3), false));
    }
}
