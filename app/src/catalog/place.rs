//! Where a record stands in a list that is newest first.

use serde::{Deserialize, Serialize};

/// A place in a list that is newest first, by time and then by id. Lists go on after a place, so
/// that what comes in or goes meanwhile neither repeats nor skips anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The record's id.
    pub id: String,
}

impl Place {
    /// The place of a record with this RFC 3339 time, as the catalog gives it.
    pub fn of(time: &str, id: &str) -> Self {
        Self {
            at: time
                .parse::<jiff::Timestamp>()
                .map_or(0, |time| time.as_millisecond()),
            id: id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::timestamp;

    #[test]
    fn a_time_comes_back_to_the_millisecond() {
        for at in [0, 1, 999, 1_792_000_000_123, 1_792_000_000_120] {
            assert_eq!(Place::of(&timestamp(at), "a").at, at);
        }
    }
}
