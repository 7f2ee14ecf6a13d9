use rstest::rstest;

use super::{ExitMeaning, Signal, describe};

#[rstest]
#[case(0, "0 (success)")]
#[case(1, "1 (the program's own)")]
#[case(2, "2 (the program's own; a shell's word for a wrong call, the Go runtime's for a panic)")]
#[case(3, "3 (the program's own)")]
#[case(125, "125 (the program's own)")]
#[case(126, "126 (found, but not executable)")]
#[case(127, "127 (not found: the program, its interpreter or a library)")]
#[case(128, "128 (no signal; the process could not be started, or chose 128)")]
#[case(130, "130 (SIGINT, it was interrupted, as by Ctrl-C)")]
#[case(131, "131 (SIGQUIT, it was asked to quit with a core dump)")]
#[case(132, "132 (SIGILL, it ran an instruction that this CPU does not have)")]
#[case(134, "134 (SIGABRT, it aborted: a failed assertion, abort(3), or an uncaught exception)")]
#[case(136, "136 (SIGFPE, it did arithmetic that has no result, such as a division by zero)")]
#[case(137, "137 (SIGKILL, killed, or a program that exits so by itself)")]
#[case(139, "139 (SIGSEGV, it touched memory that is not its own)")]
#[case(141, "141 (SIGPIPE, it wrote to a pipe or connection that nobody reads any more)")]
#[case(143, "143 (SIGTERM, it was asked to end)")]
#[case(159, "159 (SIGSYS, it made a system call that a seccomp filter forbids)")]
#[case(165, "165 (SIGRTMIN+3, a real-time signal that it does not handle)")]
#[case(192, "192 (SIGRTMIN+30, a real-time signal that it does not handle)")]
#[case(193, "193 (the program's own)")]
#[case(254, "254 (the program's own)")]
#[case(255, "255 (the program's own -1, or the runtime lost sight of the container)")]
// Windows: an access violation as the API gives it, and as people look it up.
#[case(-1_073_741_819, "-1073741819 (0xC0000005, a status of Windows)")]
#[case(3_221_225_477, "3221225477 (0xC0000005, a status of Windows)")]
#[case(-1, "-1 (0xFFFFFFFF, a status of Windows)")]
#[case(256, "256 (0x00000100, a status of Windows)")]
#[case(i64::MAX, "9223372036854775807 (no exit code that is known)")]
#[case(i64::MIN, "-9223372036854775808 (no exit code that is known)")]
fn every_code_says_something(#[case] code: i64, #[case] said: &str) {
    assert_eq!(describe(code), said);
}

#[rstest]
#[case(137, Some(Signal::KILL))]
#[case(143, Some(Signal::TERM))]
#[case(130, Some(Signal::INT))]
#[case(9, None)]
#[case(128, None)]
#[case(255, None)]
#[case(3_221_225_477, None)]
fn signals(#[case] code: i64, #[case] signal: Option<Signal>) {
    assert_eq!(ExitMeaning::of(code).signal(), signal);
}

/// The numbers of signal(7) whose default action is a core dump; SIGQUIT is asked for from outside.
#[test]
fn what_is_a_crash() {
    let crashes: Vec<u8> =
        (1..=64).filter_map(Signal::of).filter(|s| s.is_crash()).map(Signal::number).collect();
    assert_eq!(crashes, [4, 5, 6, 7, 8, 11, 24, 25, 31]);
    assert!(Signal::of(0).is_none() && Signal::of(65).is_none() && Signal::of(-9).is_none());
}
