//! Orders in which witnesses arrive.
