//! The ring against a kernel of our own, whose records are known.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use rstest::rstest;

use super::*;

/// A ring of records, each of one line or more.
#[derive(Debug, Default)]
struct Kernel {
    records: VecDeque<String>,
    capacity: usize,
    /// Readers are given none before this, counted from the oldest.
    cleared: usize,
    /// What came since the last reading, and how many of the newest records that is.
    fresh: Vec<String>,
    /// How often everything was asked for.
    whole: usize,
}

impl Kernel {
    fn print(&mut self, record: String) {
        self.fresh.push(record.clone());
        self.records.push_back(record);
        while self.records.iter().map(String::len).sum::<usize>() > self.capacity {
            self.records.pop_front();
            self.cleared = self.cleared.saturating_sub(1);
        }
    }

    fn clear(&mut self) {
        self.cleared = self.records.len();
    }

    fn visible(&self) -> Vec<&str> {
        self.records.iter().skip(self.cleared).map(String::as_str).collect()
    }

    /// What a reading must give: what came since the last one, or, where the last record that was known can no longer be
    /// seen, all that can, with a loss if that is anything.
    fn must_give(&mut self, begun: bool) -> (String, bool) {
        let visible = self.visible();
        let known = !begun || visible.len() > self.fresh.len();
        let given = if known {
            (visible[visible.len().saturating_sub(self.fresh.len())..].concat(), false)
        } else {
            (visible.concat(), !visible.is_empty())
        };
        self.fresh.clear();
        given
    }
}

impl Source for Rc<RefCell<Kernel>> {
    fn size(&mut self) -> Result<usize, SyslogError> {
        self.borrow_mut().whole += 1;
        Ok(self.borrow().capacity)
    }

    fn newest(&mut self, buffer: &mut [u8]) -> Result<usize, SyslogError> {
        let kernel = self.borrow();
        let visible = kernel.visible();
        let mut room = buffer.len();
        let fits = |record: &&&str| {
            room = room.saturating_sub(record.len());
            room > 0
        };
        let count = visible.iter().rev().take_while(fits).count();
        let text = visible[visible.len() - count..].concat();
        buffer[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }
}

fn ring(capacity: usize, recent: usize) -> (Rc<RefCell<Kernel>>, Ring<Rc<RefCell<Kernel>>>) {
    let kernel = Rc::new(RefCell::new(Kernel { capacity, ..Kernel::default() }));
    let ring = Ring { source: kernel.clone(), follow: Follow::default(), recent: vec![0; recent] };
    (kernel, ring)
}

fn read(ring: &mut Ring<Rc<RefCell<Kernel>>>) -> (String, bool) {
    let news = ring.read().expect("our kernel lets itself be read");
    (String::from_utf8(news.lines).expect("our text"), news.lost)
}

/// What happens to a ring.
#[derive(Clone, Debug)]
enum Step {
    /// Records of so many lines each, whose text is one of a few.
    Print(Vec<(usize, u8)>),
    Clear,
    Read,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let records = |most| proptest::collection::vec((1..4_usize, any::<u8>()), 0..most);
    let step = prop_oneof![
        6 => records(6).prop_map(Step::Print),
        2 => records(200).prop_map(Step::Print),
        1 => Just(Step::Clear),
        8 => Just(Step::Read),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    // Overrun at any place, cleared, records of several lines, the same text again and again: with stamps that go on,
    // every record is given once, and a loss is told exactly where the last known record is gone.
    #[test]
    fn with_stamps_everything_is_given_once_and_each_loss_told(
        steps in steps(), capacity in 200..20_000_usize, recent in 64..8_000_usize,
    ) {
        let (kernel, mut ring) = ring(capacity, recent);
        let mut clock = 0;
        let mut begun = false;
        for step in steps {
            match step {
                Step::Print(records) => for (count, text) in records {
                    clock += 1 + u64::from(text % 3);
                    let line = format!("<6>[{:5}.{:06}] {}\n", clock / 1000, clock % 1000, text % 4);
                    kernel.borrow_mut().print(line.repeat(count));
                },
                Step::Clear => kernel.borrow_mut().clear(),
                Step::Read => {
                    let must = kernel.borrow_mut().must_give(begun);
                    begun |= !must.0.is_empty();
                    prop_assert_eq!(read(&mut ring), must);
                }
            }
        }
    }

    // Without stamps and with few different lines: exact while nothing was overwritten; afterwards nothing is given
    // twice, and where something was passed over it is told as lost or was read before, word for word.
    #[test]
    fn without_stamps_nothing_is_given_twice(
        steps in steps(), capacity in 200..20_000_usize, kinds in 1..5_u8,
    ) {
        let (kernel, mut ring) = ring(capacity, 512);
        let (mut begun, mut printed) = (false, 0);
        for step in steps {
            match step {
                Step::Print(records) => for (count, text) in records {
                    let line = format!("<6>{}\n", text % kinds);
                    printed += line.len() * count;
                    kernel.borrow_mut().print(line.repeat(count));
                },
                // Whatever follows is behind a loss.
                Step::Clear => {}
                Step::Read => {
                    let fresh = kernel.borrow().fresh.concat();
                    let must = kernel.borrow_mut().must_give(begun);
                    begun |= !must.0.is_empty();
                    let given = read(&mut ring);
                    prop_assert!(fresh.ends_with(&given.0), "{given:?} of {fresh:?}");
                    if printed <= capacity {
                        prop_assert_eq!(given, must);
                    }
                }
            }
        }
    }
}

#[test]
fn the_whole_ring_is_asked_for_only_where_it_must() {
    let (kernel, mut ring) = ring(1 << 20, RECENT);
    let line = |n: u64| format!("<6>[{n:5}.000000] a line of an ordinary length, more or less\n");
    (0..20_000).for_each(|n| kernel.borrow_mut().records.push_back(line(n)));
    read(&mut ring);
    assert_eq!(kernel.borrow().whole, 1);
    for n in 20_000..20_100 {
        kernel.borrow_mut().records.push_back(line(n));
        assert_eq!(read(&mut ring), (line(n), false));
    }
    assert_eq!(kernel.borrow().whole, 1, "the newest part told");
    (20_100..21_000).for_each(|n| kernel.borrow_mut().records.push_back(line(n)));
    assert_eq!(read(&mut ring), ((20_100..21_000).map(line).collect(), false));
    assert_eq!(kernel.borrow().whole, 2, "more than the newest part came");
}

#[rstest]
#[case("<6>[    1.308064] x", Some(1_308_064))]
#[case("<134>[12345.000001] [T12] x", Some(12_345_000_001))]
#[case("<6>x [1.000000]", None)]
#[case("<6>no stamp", None)]
#[case("[    1.308064] x", None)]
#[case("<6>[99999999999999999999.000000] x", None)]
fn stamps_of_lines(#[case] line: &str, #[case] us: Option<u64>) {
    assert_eq!(stamp(line.as_bytes()).and_then(|m| m.monotonic_us), us);
}

#[test]
fn the_first_and_the_last_stamp_are_those_of_lines_that_have_one() {
    let us = |mark: Option<Mark>| mark.and_then(|m| m.monotonic_us);
    let (first, last) = stamps(b"<6>x\n<6>[    1.000001] a\n<6>[    1.000002] b\n<6>y\n");
    assert_eq!((us(first), us(last)), (Some(1_000_001), Some(1_000_002)));
    let (first, last) = stamps(b"<6>x\n<6>[    1.000001] a\n");
    assert_eq!((us(first), us(last)), (Some(1_000_001), Some(1_000_001)));
    assert_eq!(stamps(b""), (None, None));
}

#[test]
fn the_real_ring_has_lines_with_stamps() {
    let mut ring = Ring::new(Klogctl);
    let news = ring.read().expect("this test needs CAP_SYSLOG");
    let (first, last) = stamps(&news.lines);
    assert!(first.unwrap() <= last.unwrap() && !news.lost);
    // Whatever is new behind it is newer.
    let (next, _) = stamps(&ring.read().expect("CAP_SYSLOG").lines);
    assert!(next.is_none_or(|next| last.unwrap().monotonic_us <= next.monotonic_us));
}
