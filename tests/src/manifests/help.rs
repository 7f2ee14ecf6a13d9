//! What a program's own `--help` says of its settings.

use std::collections::BTreeMap;
use std::process::Command;

use crate::programs;

/// The flags and environment variables of a program, with their defaults.
#[derive(Debug)]
pub struct Help {
    flags: Vec<String>,
    /// Name and default.
    variables: BTreeMap<String, Option<String>>,
}

impl Help {
    /// Asks a program of the workspace.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[must_use]
    pub fn of(program: &str) -> Self {
        let out = Command::new(programs::path(program)).arg("--help").output().expect("it runs");
        assert!(out.status.success());
        Self::read(&String::from_utf8(out.stdout).expect("help is UTF-8"))
    }

    /// clap prints each flag on a line of its own, and `[env: NAME=VALUE]` and `[default: VALUE]` below it.
    fn read(text: &str) -> Self {
        let (mut flags, mut variables) = (Vec::new(), BTreeMap::new());
        // One paragraph a flag, however its lines are broken.
        let mut paragraph: Option<String> = None;
        let mut done = |paragraph: Option<String>| {
            let Some(text) = paragraph else { return };
            let between = |open: &str| Some(text.split_once(open)?.1.split_once(']')?.0.to_owned());
            if let Some(variable) = between("[env: ") {
                let name = variable.split('=').next().unwrap_or_default().to_owned();
                variables.insert(name, between("[default: "));
            }
        };
        for line in text.lines() {
            let words = line.trim_start();
            if let Some(at) = words.find("--").filter(|at| words.starts_with('-') && *at < 5) {
                done(paragraph.take());
                let flag = words[at..].split_whitespace().next().unwrap_or_default();
                flags.push(flag.to_owned());
                paragraph = Some(String::new());
            }
            if let Some(paragraph) = &mut paragraph {
                paragraph.push_str(words);
                paragraph.push(' ');
            }
        }
        done(paragraph);
        Self { flags, variables }
    }

    /// Whether there is such a flag, `--NAME`.
    #[must_use]
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    /// Whether a setting is read from that environment variable.
    #[must_use]
    pub fn has_variable(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// The default of the setting that is read from there, if it has one.
    #[must_use]
    pub fn default_of(&self, variable: &str) -> Option<&str> {
        self.variables.get(variable)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_variables_and_defaults() {
        let help = Help::read(
            "Options:\n      --node-name <NAME>\n          Name [env: NODE_NAME=x]\n\n      --addr <ADDR>\n          \
             Where\n          \n          [env: ADDR=]\n          [default: 127.0.0.1:1]\n\n  -h, --help\n          Print\n",
        );
        assert!(help.has_flag("--addr") && help.has_flag("--help") && !help.has_flag("--no"));
        assert!(help.has_variable("NODE_NAME") && !help.has_variable("NODE"));
        assert_eq!(
            (help.default_of("ADDR"), help.default_of("NODE_NAME")),
            (Some("127.0.0.1:1"), None)
        );
    }
}
