//! To be written next.
fn main() {}
