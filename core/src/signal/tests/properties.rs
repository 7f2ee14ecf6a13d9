use super::super::{Layout, Reader};
use super::newest;
use proptest::prelude::{any, prop, proptest};

proptest! {
    #[test]
    fn no_input_is_too_bad(bytes in prop::collection::vec(any::<u8>(), 0..4096), cut in 1..64_usize) {
        let mut reader = Reader::new(newest());
        bytes.chunks(cut).for_each(|part| reader.feed(part, drop));
        let _ = Layout::parse(&String::from_utf8_lossy(&bytes), &["pid"]);
    }

    #[test]
    fn damaged_lines_never_break_the_next(
        at in 0..120_usize,
        with in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let good = b"            kill-42      [001] d..1.   100.000007: signal_generate: sig=9 errno=0 code=0 comm=a pid=77 grp=1 res=0\n";
        let mut text = good.to_vec();
        let at = at.min(text.len() - 1);
        text.splice(at..at, with);
        text.push(b'\n');
        text.extend_from_slice(good);
        let mut found = 0;
        Reader::new(newest()).feed(&text, |_| found += 1);
        assert!((1..=2).contains(&found));
    }
}
