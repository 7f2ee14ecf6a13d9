use super::super::Layout;
use super::{KERNELS, layouts};
use rstest::rstest;

#[test]
fn the_formats_of_real_kernels_are_read() {
    for (kernel, formats, _) in KERNELS {
        let layouts = layouts(formats);
        let text = "sig=9 errno=0 code=-6 comm=a b pid=1 grp=0 pid=77 grp=1 res=2";
        let values = layouts.generated.as_ref().unwrap().read(text).unwrap();
        assert_eq!(values.text("comm"), Some("a b pid=1 grp=0"), "{kernel}");
        assert_eq!((values.number("code"), values.number("pid")), (Some(-6), Some(77_u32)));
        assert_eq!((values.number("group"), values.number("result")), (Some(1_u32), Some(2_u32)));
    }
}

#[rstest]
// As in 5.4, and as in kernels to come.
#[case("print fmt: \"pid=%d\", REC->pid", "pid=12", &[("pid", Some("12"))])]
#[case(
    "print fmt: \"comm=%s 100%% of %lukB by %s pid=%d\", __get_str(comm), REC->rss << (12 - 10), show(REC->why, 1), REC->pid",
    "comm=x 100% of 5kB by y pid=3",
    &[("pid", Some("3")), ("comm", None)]
)]
#[case("print fmt: \"at %p in %s\", (void *)REC->at, REC->comm", "at 0xffe1 in a", &[("at", Some("0xffe1")), ("comm", Some("a"))])]
#[case("print fmt: \"nothing\"", "nothing", &[("pid", None)])]
fn fields_are_found_by_name(
    #[case] format: &str,
    #[case] text: &str,
    #[case] expected: &[(&str, Option<&str>)],
) {
    let layout = Layout::parse(format, &[]).unwrap();
    let values = layout.read(text).unwrap();
    for (name, value) in expected {
        assert_eq!(values.text(name), *value, "{name}");
    }
}

#[rstest]
#[case("", "has no line `print fmt: \"...`")]
#[case("print fmt: \"pid=%d", "has a `print fmt` string without end")]
#[case(
    "print fmt: \"a=%d b=%d\", REC->a",
    "has 2 conversions and 1 arguments in `print fmt`; they must be as many"
)]
#[case("print fmt: \"a=%d\", REC->a", "prints no field `pid`")]
#[case("print fmt: \"%\", REC->pid", "prints no field `sig`")]
fn formats_that_cannot_be_used_say_why(#[case] format: &str, #[case] why: &str) {
    let needed: &[&str] = if why.contains("sig") { &["sig"] } else { &["pid"] };
    assert_eq!(Layout::parse(format, needed).unwrap_err().to_string(), why);
}

#[test]
fn a_huge_format_is_refused() {
    let error = Layout::parse(&"x".repeat(20_000), &[]).unwrap_err().to_string();
    assert!(error.contains("larger than 16 KiB"), "{error}");
}

#[rstest]
#[case("sig=9 errno=0 code=0 comm=a pid=1 grp=1")]
#[case("sig=9 errno=0 code=0 comm=a pid= grp=1 res=0")]
#[case("sig=x errno=0 code=0 comm=a pid=1 grp=1 res=0")]
#[case("")]
fn what_is_printed_otherwise_is_not_believed(#[case] text: &str) {
    assert!(super::newest().generated.as_ref().unwrap().read(text).is_none());
}
