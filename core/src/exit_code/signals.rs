//! The signals of Linux, by number, and what it means to die of one.
//!
//! Numbers are those of x86 and arm64 (signal(7)); SIGUSR1 and a few others differ on MIPS and Alpha, where Kubernetes does
//! not run. 32 to 64 are real-time signals without a meaning of their own.

/// A signal that ends a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

/// Number, name, and what dying of it means. In the order of the numbers, from 1 on.
const SIGNALS: [(&str, &str); 31] = [
    ("SIGHUP", "its terminal or parent went away"),
    ("SIGINT", "it was interrupted, as by Ctrl-C"),
    ("SIGQUIT", "it was asked to quit with a core dump"),
    ("SIGILL", "it ran an instruction that this CPU does not have"),
    ("SIGTRAP", "it hit a breakpoint or trap"),
    ("SIGABRT", "it aborted: a failed assertion, abort(3), or an uncaught exception"),
    (
        "SIGBUS",
        "it touched memory that could not be provided: a truncated file, a full tmpfs, bad hardware",
    ),
    ("SIGFPE", "it did arithmetic that has no result, such as a division by zero"),
    ("SIGKILL", "killed, or a program that exits so by itself"),
    ("SIGUSR1", "a signal that it was sent and does not handle"),
    ("SIGSEGV", "it touched memory that is not its own"),
    ("SIGUSR2", "a signal that it was sent and does not handle"),
    ("SIGPIPE", "it wrote to a pipe or connection that nobody reads any more"),
    ("SIGALRM", "its own alarm went off"),
    ("SIGTERM", "it was asked to end"),
    ("SIGSTKFLT", "a signal that it was sent and does not handle"),
    ("SIGCHLD", "the program's own code: this signal ends nobody"),
    ("SIGCONT", "the program's own code: this signal ends nobody"),
    ("SIGSTOP", "the program's own code: this signal ends nobody"),
    ("SIGTSTP", "the program's own code: this signal ends nobody"),
    ("SIGTTIN", "the program's own code: this signal ends nobody"),
    ("SIGTTOU", "the program's own code: this signal ends nobody"),
    ("SIGURG", "the program's own code: this signal ends nobody"),
    ("SIGXCPU", "it used more CPU time than its RLIMIT_CPU"),
    ("SIGXFSZ", "it wrote a file larger than its RLIMIT_FSIZE"),
    ("SIGVTALRM", "its own timer went off"),
    ("SIGPROF", "its own profiling timer went off"),
    ("SIGWINCH", "the program's own code: this signal ends nobody"),
    ("SIGIO", "a signal that it asked for and does not handle"),
    ("SIGPWR", "power is failing"),
    ("SIGSYS", "it made a system call that a seccomp filter forbids"),
];

impl Signal {
    /// SIGINT.
    pub const INT: Self = Self(2);
    /// SIGKILL.
    pub const KILL: Self = Self(9);
    /// SIGTERM.
    pub const TERM: Self = Self(15);

    /// The signal of this number; `None` where there is none.
    #[must_use]
    pub fn of(number: i64) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| (1..=64).contains(number)).map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its name, `SIGKILL`; real-time signals as `SIGRTMIN+3`.
    #[must_use]
    pub fn name(self) -> String {
        match self.row() {
            Some((name, _)) => (*name).to_owned(),
            None => format!("SIGRTMIN+{}", self.0.saturating_sub(34)),
        }
    }

    /// What it means to die of it.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().map_or("a real-time signal that it does not handle", |(_, meaning)| meaning)
    }

    /// Whether a process that dies of it did so by its own doing, as a rule: it crashed.
    #[must_use]
    pub fn is_crash(self) -> bool {
        // ILL, TRAP, ABRT, BUS, FPE, SEGV, XCPU, XFSZ, SYS
        matches!(self.0, 4..=8 | 11 | 24 | 25 | 31)
    }

    /// Whether it asks a process to end, and it may do so in order.
    #[must_use]
    pub fn asks_to_end(self) -> bool {
        matches!(self.0, 1 | 2 | 3 | 15)
    }

    fn row(self) -> Option<&'static (&'static str, &'static str)> {
        usize::from(self.0).checked_sub(1).and_then(|at| SIGNALS.get(at))
    }
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}
