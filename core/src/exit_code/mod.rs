//! What an exit code says, and what it leaves open.
//!
//! A process ends with a code of 8 bits or by a signal (wait(2)). The container runtimes report a death by signal N as
//! 128 + N (runc and crun after the shell's custom), so from 129 on a code is either a signal or a program that chose to
//! exit so: a shell passes its child's 137 on, `timeout` ends with 124, 125, 126, 127 or 137. Kubernetes has a field
//! `signal` too, which none of today's runtimes sets. 126 and 127 are a shell's and `env`'s words for "cannot execute" and
//! "not found" (POSIX, Shell Command Language, 2.8.2). 128 is not reachable by a signal: with reason `StartError` it is
//! containerd's word for a process that never ran. 255 is a program's `exit(-1)`, or the runtime's word for a container whose
//! shim it lost. Windows has 32 bits (NTSTATUS) and no signals; its codes are left as they are. The kubelet's own 137 for a
//! container that it cannot find says nothing about a process: its reason tells (`ContainerStatusUnknown`).

mod signals;
#[cfg(test)]
mod tests;

pub use signals::Signal;

/// What an exit code says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitMeaning {
    /// 0: it ended as it meant to.
    Success,
    /// 1 to 125, 129 and above without a signal of that number: a code of the program's own.
    Own,
    /// 2: a shell's word for a wrong call, and many programs' own for the same; a panic of the Go runtime.
    Misuse,
    /// 126: found, but not executable.
    NotExecutable,
    /// 127: not found.
    NotFound,
    /// 128: no signal has this number; a program that never ran, or one's own code.
    NeverRan,
    /// 128 + N: died of signal N, or chose to exit as if it had.
    Signal(Signal),
    /// 255: `exit(-1)`, or a container whose end the runtime did not see.
    OutOfRange,
    /// More than 8 bits or below 0: an exit code of Windows.
    Windows,
}

impl ExitMeaning {
    /// What `code` says. Every number says something; none is an error.
    #[must_use]
    pub fn of(code: i64) -> Self {
        match code {
            0 => Self::Success,
            2 => Self::Misuse,
            126 => Self::NotExecutable,
            127 => Self::NotFound,
            128 => Self::NeverRan,
            255 => Self::OutOfRange,
            1..=125 => Self::Own,
            129..=254 => Signal::of(code - 128).map_or(Self::Own, Self::Signal),
            _ => Self::Windows,
        }
    }

    /// The signal, if the code stands for one.
    #[must_use]
    pub fn signal(self) -> Option<Signal> {
        match self {
            Self::Signal(signal) => Some(signal),
            _ => None,
        }
    }
}

/// A code in words, to stand after it: `137 (SIGKILL, or a program that exits so by itself)`.
#[must_use]
pub fn describe(code: i64) -> String {
    let what = match ExitMeaning::of(code) {
        ExitMeaning::Success => "success".to_owned(),
        ExitMeaning::Own => "the program's own".to_owned(),
        ExitMeaning::Misuse => {
            "the program's own; a shell's word for a wrong call, the Go runtime's for a panic"
                .to_owned()
        }
        ExitMeaning::NotExecutable => "found, but not executable".to_owned(),
        ExitMeaning::NotFound => "not found: the program, its interpreter or a library".to_owned(),
        ExitMeaning::NeverRan => {
            "no signal; the process could not be started, or chose 128".to_owned()
        }
        ExitMeaning::Signal(signal) => {
            format!("{}, {}", signal.name(), signal.meaning())
        }
        ExitMeaning::OutOfRange => {
            "the program's own -1, or the runtime lost sight of the container".to_owned()
        }
        ExitMeaning::Windows => return windows(code),
    };
    format!("{code} ({what})")
}

/// `3221225477 (0xC0000005)`: Windows' status codes are looked up by their hexadecimal form. The API's field has 32 bits
/// with a sign, so the same code arrives as a negative number as well.
fn windows(code: i64) -> String {
    match i32::try_from(code) {
        Ok(code) => format!("{code} (0x{code:08X}, a status of Windows)"),
        Err(_) => match u32::try_from(code) {
            Ok(status) => format!("{code} (0x{status:08X}, a status of Windows)"),
            Err(_) => format!("{code} (no exit code that is known)"),
        },
    }
}
