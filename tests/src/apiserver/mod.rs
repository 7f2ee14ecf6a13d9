//! A double of the Kubernetes API server: lists, watches and reviews over real HTTP/1.1 and TLS.
//!
//! What it does is what a real one was seen to do (Kubernetes 1.36; `tests/kubernetes_double.rs` compares them): streaming
//! lists and their end mark, bookmarks, 410 as HTTP 200 and an ERROR line, pages with `continue`, Status objects for
//! refusals, TokenReview, SubjectAccessReview, events that may be made once and counted up, node conditions that are
//! merged by type, a port of a pod over a WebSocket. What it does not know is 404. On demand it does what a real one does
//! on a bad day: it refuses by verb and resource, is slow, is busy, breaks off, forgets.
//!
//! It keeps every object as the text it was given, so that objects of any size and kind can be served unread.

mod answers;
mod faults;
mod forward;
mod generated;
mod handle;
mod list;
mod objects;
mod reviews;
mod route;
mod serve;
mod watch;
pub mod watching;
mod writes;

pub use faults::Fault;
pub use generated::{Generated, pod_running, pod_terminated};
pub use handle::{ApiServer, BEARER};
pub use objects::Resource;
pub use reviews::Token;
pub use route::Asked;
