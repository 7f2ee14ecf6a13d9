//! Recorded runs of a real Kubernetes, replayed through the real code: kernel log to parser to findings, API objects to records
//! to ends, both joined and judged as the collector does it.

pub(crate) mod book;
pub(crate) mod load;
pub(crate) mod matrix;
pub(crate) mod shown;
pub(crate) mod truth;
pub(crate) mod vary;
