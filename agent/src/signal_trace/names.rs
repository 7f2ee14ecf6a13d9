//! What a sender was called when it sent its signal.
//!
//! A line of the trace names its task by what ftrace remembers of it when the line is read, which is what the task was
//! called when it was last switched out: a shell that sends a signal and then takes another program's place is printed
//! as that program, and so it is in `/proc`. A hist trigger on the same event keeps the name as of the event itself:
//! Documentation/trace/histogram.rst, "common_pid.execname", with the receiver as a second key. Kernels built without
//! CONFIG_HIST_TRIGGERS (Debian's 5.10) refuse the trigger; then the line's name is all there is.
//!
//! The histogram belongs to the instance and goes with it. It holds a bounded number of entries and takes no more when
//! it is full, so it is emptied when it is half full; a signal that comes just then has the line's name.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::tracefs::write;

/// Senders with their receivers that are kept: a power of two, 128 at least.
const SIZE: usize = 256;

/// SIGKILL, unless the kernel sent it.
const FILTER: &str = "if sig==9 && code!=128";

/// Larger than a full histogram.
const FILE_MAX: u64 = 64 * 1024;

/// Senders' names, kept by the kernel.
#[derive(Debug)]
pub(super) struct Names {
    trigger: PathBuf,
    hist: PathBuf,
}

impl Names {
    /// Begins to keep names in the instance at `path`, or goes on with what was left; `None` where the kernel cannot.
    pub(super) fn keep(path: &Path) -> Option<Self> {
        let event = path.join("events/signal/signal_generate");
        let names = Self { trigger: event.join("trigger"), hist: event.join("hist") };
        // One that is there already is refused as well, and serves.
        let made = write(&names.trigger, &trigger(""));
        if let (Err(error), false) = (made, names.hist.exists() && names.read().is_some()) {
            tracing::info!("{error}; senders are called what they are called when they are read");
            return None;
        }
        Some(names)
    }

    /// What `sender` was called when it first sent SIGKILL to `receiver`: hostile text.
    pub(super) fn of(&self, sender: u32, receiver: u32) -> Option<String> {
        let text = self.read()?;
        let mut count = 0;
        let entries = text.lines().filter_map(entry).inspect(|_| count += 1);
        let mut found = None;
        for (name, from, to) in entries {
            if (from, to) == (sender, receiver) && !name.is_empty() {
                found = Some(name.to_owned());
            }
        }
        if count >= SIZE / 2 {
            let _ = write(&self.trigger, &trigger(":clear"));
        }
        found
    }

    fn read(&self) -> Option<String> {
        let mut bytes = Vec::with_capacity(2048);
        std::fs::File::open(&self.hist).ok()?.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn trigger(command: &str) -> String {
    format!("hist:keys=common_pid.execname,pid:size={SIZE}{command} {FILTER}")
}

/// Name, sender and receiver of `{ common_pid: sh              [        85], pid:         84 } hitcount:          1`. A
/// name may hold anything but is at most 15 characters long, so it is cut from the right; one with a line break in it
/// makes no entry, or one without a name.
fn entry(line: &str) -> Option<(&str, u32, u32)> {
    let (keys, _) = line.strip_prefix("{ common_pid: ")?.rsplit_once(" } hitcount:")?;
    let (sender, receiver) = keys.rsplit_once(", pid:")?;
    let (name, id) = sender.strip_suffix(']')?.rsplit_once('[')?;
    Some((name.trim_end(), id.trim().parse().ok()?, receiver.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    // As 6.1 and 7.3 print it.
    #[case("{ common_pid: sh              [        85], pid:         84 } hitcount:          1", Some(("sh", 85, 84)))]
    #[case("{ common_pid: a b             [        85], pid:         84 } hitcount:         12", Some(("a b", 85, 84)))]
    // Names are chosen by whoever is watched.
    #[case("{ common_pid: [1], pid: 2 } h [        85], pid:         84 } hitcount:          1", Some(("[1], pid: 2 } h", 85, 84)))]
    #[case("{ common_pid:  } hitcount: 1  [        85], pid:         84 } hitcount:          1", Some((" } hitcount: 1", 85, 84)))]
    #[case("{ common_pid: x", None)]
    #[case(" [        85], pid:         84 } hitcount:          1", None)]
    #[case("{ common_pid:                 [        85], pid:         84 } hitcount:          1", Some(("", 85, 84)))]
    #[case(
        "{ common_pid: sh              [          ], pid:         84 } hitcount:          1",
        None
    )]
    #[case(
        "{ common_pid: sh              [99999999999], pid:         84 } hitcount:          1",
        None
    )]
    #[case("# event histogram", None)]
    #[case("", None)]
    fn entries(#[case] line: &str, #[case] read: Option<(&str, u32, u32)>) {
        assert_eq!(entry(line), read);
    }

    #[test]
    fn the_histogram_is_emptied_when_it_is_half_full() {
        let dir = tempfile::tempdir().unwrap();
        let event = dir.path().join("events/signal/signal_generate");
        std::fs::create_dir_all(&event).unwrap();
        assert!(Names::keep(dir.path()).is_none(), "there is no such file");
        std::fs::write(event.join("trigger"), "").unwrap();
        let names = Names::keep(dir.path()).unwrap();
        let asked = || std::fs::read_to_string(event.join("trigger")).unwrap();
        assert!(!asked().contains("clear"));
        assert_eq!(names.of(1, 2), None);
        let line = |n| format!("{{ common_pid: sh [{n}], pid: 7 }} hitcount: 1\n");
        std::fs::write(event.join("hist"), (0..127).map(line).collect::<String>()).unwrap();
        assert_eq!((names.of(5, 7), names.of(5, 8)), (Some("sh".to_owned()), None));
        assert!(!asked().contains("clear"));
        std::fs::write(event.join("hist"), (0..128).map(line).collect::<String>()).unwrap();
        assert_eq!(names.of(127, 7).as_deref(), Some("sh"));
        assert_eq!(
            asked(),
            "hist:keys=common_pid.execname,pid:size=256:clear if sig==9 && code!=128"
        );
    }
}
