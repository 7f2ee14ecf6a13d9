//! What this program is called, and so how it speaks of itself.
//!
//! kubectl runs an executable `kubectl-coroner` on `PATH` for `kubectl coroner ...`, with the path it found as the first
//! argument, and hands on everything behind the plugin's name
//! (<https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/>). While a person types, kubectl 1.26 and newer runs
//! `kubectl_complete-coroner` and shows what that prints. All three names are one program; a link is enough. A name that
//! is none of these is `coroner`.

use std::ffi::OsStr;
use std::path::Path;

/// What the program was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// By itself.
    Coroner,
    /// As a plugin of kubectl.
    Plugin,
    /// To tell kubectl what may come next on the command line.
    Completer,
}

impl Program {
    /// By the first argument of the process.
    #[must_use]
    pub fn of(first: Option<&OsStr>) -> Self {
        match first.and_then(|path| Path::new(path).file_name()).and_then(OsStr::to_str) {
            Some("kubectl-coroner") => Self::Plugin,
            Some("kubectl_complete-coroner") => Self::Completer,
            _ => Self::Coroner,
        }
    }

    /// Of this process.
    #[must_use]
    pub fn this() -> Self {
        Self::of(std::env::args_os().next().as_deref())
    }

    /// What people type to run it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Coroner => "coroner",
            Self::Plugin | Self::Completer => "kubectl coroner",
        }
    }

    /// Text that speaks of `coroner` in a way that works when it is typed.
    pub(crate) fn says(self, text: &str) -> String {
        if self == Self::Coroner {
            return text.to_owned();
        }
        // Only where a command begins: `coroner-agent` is a program of its own.
        ["  ", "`", "<(", "| "].iter().fold(text.to_owned(), |text, before| {
            text.replace(&format!("{before}coroner "), &format!("{before}{} ", self.name()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_the_last_part_of_its_path() {
        for (first, program) in [
            (Some("coroner"), Program::Coroner),
            (Some("/usr/local/bin/kubectl-coroner"), Program::Plugin),
            (Some("./kubectl-coroner"), Program::Plugin),
            (Some("/bin/kubectl_complete-coroner"), Program::Completer),
            (Some("/kubectl-coroner/other"), Program::Coroner),
            (Some(""), Program::Coroner),
            (None, Program::Coroner),
        ] {
            assert_eq!(Program::of(first.map(OsStr::new)), program, "{first:?}");
        }
    }

    #[test]
    fn commands_are_named_as_they_are_typed() {
        let text = "Examples:\n  coroner list\n  source <(coroner completions bash)\n`coroner why`, `coroner-agent`";
        assert_eq!(Program::Coroner.says(text), text);
        assert_eq!(
            Program::Plugin.says(text),
            "Examples:\n  kubectl coroner list\n  source <(kubectl coroner completions bash)\n\
             `coroner why`, `coroner-agent`"
                .replace("`coroner why", "`kubectl coroner why")
        );
    }
}
