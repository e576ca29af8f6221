//! Benchmarks of the parts that decide how Lectern feels: `lectern bench`.
//!
//! They run the code that serves, on data of a size that is given, and print figures; none of them
//! passes or fails.

pub mod material;
pub mod search;
