//! What may come next on a command line, for `kubectl_complete-coroner`.
//!
//! kubectl hands over the words behind `kubectl coroner`, the last of them being typed and perhaps empty, and shows each
//! line that is printed; behind a tab a line may say what it means. A last line `:N` says what the shell does besides
//! (cobra's `ShellCompDirective`): 4 is not to offer files. This is worked out from the definition of the command line
//! alone, so it asks nobody and is there at once.

use clap::{Arg, ArgAction, Command};
use coroner_core::incident::{Cause, Confidence, Outcome};

/// Not to offer files.
const NO_FILES: &str = ":4";

/// To offer files.
const FILES: &str = ":0";

/// The lines that kubectl reads. `words` are all behind the program's name.
#[must_use]
pub fn lines(command: &Command, words: &[String]) -> Vec<String> {
    let (typed, before) = match words.split_last() {
        Some((typed, before)) => (typed.as_str(), before),
        None => ("", words),
    };
    let mut command = command;
    let mut value_of: Option<&Arg> = None;
    let mut only_values = false;
    for word in before {
        if value_of.take().is_some() {
            continue;
        }
        if only_values {
            continue;
        }
        if word == "--" {
            only_values = true;
        } else if let Some(flag) = word.strip_prefix("--") {
            value_of = long(command, flag).filter(|arg| takes_value(arg));
        } else if let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) {
            value_of = pending(command, flags);
        } else if let Some(sub) = command.find_subcommand(word) {
            command = sub;
        }
    }
    if let Some(arg) = value_of {
        return values(arg, "", typed);
    }
    if !only_values && typed.starts_with("--") && typed.contains('=') {
        let (flag, value) = typed.split_once('=').unwrap_or_default();
        let Some(arg) = long(command, flag.trim_start_matches("--")) else {
            return vec![NO_FILES.to_owned()];
        };
        return values(arg, &format!("{flag}="), value);
    }
    if !only_values && typed.starts_with('-') {
        return flags(command, typed);
    }
    let mut lines: Vec<String> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name().starts_with(typed))
        .map(|sub| line(sub.get_name(), sub.get_about()))
        .collect();
    let positional = command.get_positionals().next();
    if let (true, Some(arg)) = (lines.is_empty(), positional) {
        return values(arg, "", typed);
    }
    lines.push(NO_FILES.to_owned());
    lines
}

/// The flag `--NAME`; none for `--NAME=VALUE`, which is whole.
fn long<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

/// The flag whose value comes next after `-abc`.
fn pending<'a>(command: &'a Command, flags: &str) -> Option<&'a Arg> {
    for (at, flag) in flags.char_indices() {
        let arg = command.get_arguments().find(|arg| arg.get_short() == Some(flag))?;
        if takes_value(arg) {
            // `-nprod` is whole.
            return (at + flag.len_utf8() == flags.len()).then_some(arg);
        }
    }
    None
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// What may stand as the value of `arg`, behind `prefix`.
fn values(arg: &Arg, prefix: &str, typed: &str) -> Vec<String> {
    // These are read by the core's own parsers, which know more than one way to write them.
    let names: Vec<&str> = match arg.get_id().as_str() {
        "cause" => Cause::ALL.map(Cause::name).to_vec(),
        "outcome" => Outcome::ALL.map(Outcome::name).to_vec(),
        "confidence" => Confidence::ALL.map(Confidence::name).to_vec(),
        _ => Vec::new(),
    };
    let lower = typed.to_lowercase();
    let fitting = names.into_iter().filter(|name| name.to_lowercase().starts_with(&lower));
    let mut lines: Vec<String> = fitting.map(|name| format!("{prefix}{name}")).collect();
    let possible = arg.get_possible_values();
    let possible = possible
        .iter()
        .filter(|value| !value.is_hide_set() && value.get_name().starts_with(typed))
        .map(|value| line(&format!("{prefix}{}", value.get_name()), value.get_help()));
    lines.extend(possible);
    let file = matches!(
        arg.get_value_hint(),
        clap::ValueHint::FilePath | clap::ValueHint::DirPath | clap::ValueHint::AnyPath
    );
    lines.push(if file { FILES } else { NO_FILES }.to_owned());
    lines
}

fn flags(command: &Command, typed: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let long = arg.get_long().map(|long| format!("--{long}"));
        let short = arg.get_short().map(|short| format!("-{short}"));
        lines.extend(
            long.into_iter()
                .chain(short)
                .filter(|flag| flag.starts_with(typed))
                .map(|flag| line(&flag, arg.get_help())),
        );
    }
    lines.push(NO_FILES.to_owned());
    lines
}

fn line(value: &str, about: Option<&clap::builder::StyledStr>) -> String {
    match about.map(ToString::to_string) {
        Some(about) => format!("{value}\t{}", about.lines().next().unwrap_or_default()),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;
    use crate::program::Program;

    fn words(typed: &[&str]) -> Vec<String> {
        let typed: Vec<String> = typed.iter().map(|word| (*word).to_owned()).collect();
        let lines = lines(&args::command(Program::Completer), &typed);
        lines.iter().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_fits_is_offered_and_nothing_else() {
        let cases: [(&[&str], &[&str]); 12] = [
            (&["wh"], &["why", ":4"]),
            (&["nod"], &["node", "nodes", ":4"]),
            (&["demo-"], &[":4"]),
            (&["list", "-o", "j"], &["json", ":4"]),
            (&["list", "--output=y"], &["--output=yaml", ":4"]),
            (&["list", "-wo", "na"], &["name", ":4"]),
            (&["list", "--disagrees", "--dis"], &["--disagrees", ":4"]),
            (&["list", "-n", "list", "-o", "js"], &["json", ":4"]),
            (&["completions", "z"], &["zsh", ":4"]),
            (&["why", "--", "-"], &[":4"]),
            (&["explain", ""], &[":0"]),
            (&["list", "--nonsense=x"], &[":4"]),
        ];
        for (typed, expected) in cases {
            assert_eq!(words(typed), expected, "{typed:?}");
        }
        let all = words(&[""]);
        assert!(
            all.contains(&"list".to_owned()) && !all.contains(&"demo-hog".to_owned()),
            "{all:?}"
        );
        assert_eq!(words(&[]), all);
        assert!(words(&["list", "--"]).contains(&"--since".to_owned()));
    }

    #[test]
    fn causes_are_offered_by_name() {
        assert_eq!(words(&["list", "--cause", "Node"])[0], "NodeAllocatable");
    }

    /// Whatever was typed so far, it is no reason to fail.
    #[test]
    fn nothing_that_is_typed_is_too_odd() {
        for typed in ["-", "--", "--=", "=", "-é", "\u{1b}[2J", "why/..", ":4"] {
            for before in [&[][..], &["list"], &["why", "-n"], &["--"]] {
                let mut all = before.to_vec();
                all.push(typed);
                assert!(words(&all).last().unwrap().starts_with(':'), "{all:?}");
            }
        }
    }
}
