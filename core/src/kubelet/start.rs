//! Why a container could not be started, as runc's and crun's errors say that reach a status' message.
//!
//! containerd and CRI-O hand the runtime's error on: `failed to create containerd task: ... exec: "app": executable file not
//! found in $PATH: unknown`. The path is the image's. The errors are the C library's words for errno, and Go's own.

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartFailure {
    /// The program, or the interpreter that its first line names, is not in the image.
    NotFound,
    /// The file is not executable, or not for this user.
    NotPermitted,
    /// Built for another CPU, or no program at all.
    WrongFormat,
    /// The process was killed for want of memory before the program ran: the limit is too low to start.
    OutOfMemory,
    /// A volume or file could not be mounted into the container.
    Mount,
    /// Something else.
    Other,
}

/// What the message says.
#[must_use]
pub fn start_failure(message: &str) -> StartFailure {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["OOM-killed", "oom-killed"]) {
        StartFailure::OutOfMemory
    } else if has(&["exec format error"]) {
        StartFailure::WrongFormat
    } else if has(&[
        "error mounting",
        "failed to mount",
        "not a directory: unknown: Are you trying to mount",
    ]) {
        StartFailure::Mount
    } else if has(&["executable file not found", "executable file `"])
        || names_program(message) && has(&["no such file or directory"])
    {
        StartFailure::NotFound
    } else if names_program(message) && has(&["permission denied", "is a directory"]) {
        StartFailure::NotPermitted
    } else {
        StartFailure::Other
    }
}

/// Whether the error is about the program itself, not about a mount or a group.
fn names_program(message: &str) -> bool {
    ["exec: ", "exec /", "open executable", "starting container process"]
        .iter()
        .any(|word| message.contains(word))
}

/// What was to be run: the first text in quotes after `exec: `. Hostile text.
#[must_use]
pub fn program(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("exec: \"")?;
    rest.split_once('"').map(|(program, _)| program).filter(|program| !program.is_empty())
}
