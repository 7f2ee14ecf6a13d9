//! `BadImage`: its program cannot be run: wrong entrypoint or architecture, a missing interpreter or library, not executable.
//!
//! *Needs* the runtime's own error (`StartError`, `ContainerCannotRun`, `RunContainerError`, `CreateContainerError`) with a text
//! about the program, which is certain; or exit code 126 or 127 within seconds of the start, which a shell or the loader
//! gives. *Weakened by* a longer run: then a command inside was missing, and it is the program's own end.

use super::claim::{Basis, Claim, Rule};
use super::facts::Facts;
use super::kubelets_doing;
use crate::exit_code::describe;
use crate::incident::{Cause, Confidence};
use crate::kubelet::start::{StartFailure, program, start_failure};

pub(super) const RULE: Rule = Rule { cause: Cause::BadImage, examine };

/// A program that cannot be run has ended within this time.
const AT_ONCE_S: i64 = 5;

fn examine(facts: &Facts<'_>) -> Option<Claim> {
    let api = kubelets_doing::api(facts)?;
    let image =
        api.container().map(|container| container.image.as_str()).filter(|image| !image.is_empty());
    let of = image.map_or_else(|| "its image".to_owned(), |image| format!("image {image}"));
    let (message, stated) = message(facts)?;
    let failure = start_failure(message);
    let what =
        program(message).map_or_else(|| "its program".to_owned(), |program| format!("`{program}`"));
    let (confidence, why, remedy) = match (failure, api.code()) {
        (StartFailure::NotFound, _) if stated => (
            Confidence::Confirmed,
            format!("The runtime could not find {what} in {of}, or the interpreter or library that it needs."),
            format!(
                "Check command and args of the container against what {of} holds; of a script the interpreter in its first \
                 line (and its line ends), of a program its loader and libraries."
            ),
        ),
        (StartFailure::NotPermitted, _) if stated => (
            Confidence::Confirmed,
            format!("The runtime may not execute {what} in {of}."),
            "Make the file executable in the image (chmod +x), for the user the container runs as.".to_owned(),
        ),
        (StartFailure::WrongFormat, _) if stated => (
            Confidence::Confirmed,
            format!("{what} in {of} is built for another CPU, or is no program (exec format error)."),
            "Build the image for the node's architecture, or select nodes of the image's; a script needs a first line that \
             names its interpreter."
                .to_owned(),
        ),
        (_, Some(code @ (126 | 127))) if api.lasted_s().is_none_or(|s| s <= AT_ONCE_S) => (
            if api.lasted_s().is_some() { Confidence::Likely } else { Confidence::Possible },
            format!("It ended at once with exit code {}.", describe(code)),
            format!("Look at its log for what was not found, and check command and args against what {of} holds."),
        ),
        _ => return None,
    };
    Some(Claim {
        confidence,
        summary: format!("{} cannot run its program", api.who()),
        because: vec![why],
        remedies: vec![remedy],
        missing: Vec::new(),
        basis: Basis::Api,
        ..Claim::default()
    })
}

/// The message, and whether the runtime itself says that it could not start the container.
fn message<'a>(facts: &Facts<'a>) -> Option<(&'a str, bool)> {
    let api = facts.api?;
    if let Some(waiting) = api.waiting() {
        let stated = waiting.kind() == crate::kubernetes::WaitingKind::Start;
        return Some((waiting.message.as_deref().unwrap_or_default(), stated));
    }
    let ended = api.ended()?;
    let stated = matches!(api.reason(), Some("StartError" | "ContainerCannotRun"));
    Some((ended.message.as_deref().unwrap_or_default(), stated))
}
