//! How long each source has missed nothing, for `/metrics`.
//!
//! A number that falls is a hole; a source that misses everything has none at all, since 0 would be a claim.

use std::fmt::Write as _;

use coroner_core::finding::Source;

use crate::coverage::Coverage;

/// The text for all sources.
pub(crate) fn text(coverage: &Coverage) -> String {
    let mut out = "# HELP coroner_agent_source_complete_seconds Time up to now in which a source has missed nothing; \
                   none while it is not read.\n# TYPE coroner_agent_source_complete_seconds gauge\n"
        .to_owned();
    for source in Source::ALL {
        if let Some(us) = coverage.complete_us(source) {
            let (seconds, millis) = (us / 1_000_000, us / 1000 % 1000);
            let flag = source.flag();
            let _ = writeln!(
                out,
                "coroner_agent_source_complete_seconds{{source=\"{flag}\"}} {seconds}.{millis:03}"
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_misses_everything_has_no_number() {
        let coverage = Coverage::default();
        coverage.begin(Source::KernelLog, 1_000_000);
        coverage.covered(Source::KernelLog, 3_250_000);
        coverage.begin(Source::Cgroup, 1_000_000);
        coverage.hole(Source::Cgroup, None, None);
        let text = text(&coverage);
        let line = "coroner_agent_source_complete_seconds{source=\"kernel-log\"} 2.250\n";
        assert!(text.ends_with(line) && !text.contains("cgroup"), "{text}");
    }
}
