//! One log may hold many machines' lines: a syslog server's file does. Each machine's reports are put together apart.
//!
//! Lines that do not name a machine (`dmesg`, raw records) belong to one of their own.

use super::Options;
use super::assemble::Assembler;
use super::line::Line;
use crate::kernel::KernelEvent;

/// Machines that are told apart at a time; each has at most one report open. When one more comes, the one that was
/// seen first is given up.
const MOST: usize = 64;

#[derive(Debug)]
pub(super) struct Hosts {
    options: Options,
    unnamed: Assembler,
    named: Vec<(String, Assembler)>,
    /// Whose line came last: the further lines of a message follow without a prefix.
    last: Option<usize>,
}

impl Hosts {
    pub(super) fn new(options: Options) -> Self {
        Self { options, unnamed: Assembler::new(options), named: Vec::new(), last: None }
    }

    /// Whether the next line matters whatever it says.
    pub(super) fn is_open(&self) -> bool {
        self.unnamed.is_open() || self.named.iter().any(|(_, assembler)| assembler.is_open())
    }

    /// Takes a line to its machine.
    pub(super) fn take(&mut self, line: &Line<'_>, sink: &mut dyn FnMut(KernelEvent)) {
        let Some(host) = line.host.as_deref() else {
            let follows = self.last.filter(|_| !line.prefixed);
            return match follows.and_then(|last| self.named.get_mut(last)) {
                Some((_, assembler)) => assembler.take(line, sink),
                None => {
                    self.last = None;
                    self.unnamed.take(line, sink);
                }
            };
        };
        let known = self.named.iter().position(|(name, _)| name == host);
        let index = known.unwrap_or_else(|| {
            if self.named.len() == MOST {
                self.named.remove(0).1.close("lines of too many machines follow", sink);
            }
            self.named.push((host.to_owned(), Assembler::new(self.options)));
            self.named.len() - 1
        });
        self.last = Some(index);
        if let Some((_, assembler)) = self.named.get_mut(index) {
            assembler.take(line, sink);
        }
    }

    /// The machine of raw records has seen them up to this one.
    pub(super) fn continued_to(&mut self, seq: u64) {
        self.unnamed.continued_to(seq);
    }

    /// Gives what is open everywhere.
    pub(super) fn close(&mut self, how: &str, sink: &mut dyn FnMut(KernelEvent)) {
        self.unnamed.close(how, sink);
        for (_, assembler) in &mut self.named {
            assembler.close(how, sink);
        }
    }
}
