//! Lists in parts: `limit` and `cursor` in, `next_cursor` out.
//!
//! A cursor is the sort key of the last record that was shown, so that the next part begins after
//! it whatever came in or was deleted meanwhile. It names its list, and is opaque to clients: what
//! stands in it may change with any version.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Fault, Problem};

/// Records in a part where no limit is given.
pub const DEFAULT_LIMIT: u32 = 100;
/// Most records in a part.
pub const MOST: u32 = 1000;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<K> {
    list: &'static str,
    limit: usize,
    /// Sort key of the last record of the part before; none for the first part.
    pub after: Option<K>,
}

#[derive(Serialize, Deserialize)]
struct Cursor<K, L> {
    list: L,
    after: K,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads what a client sent. `list` names what is listed: the cursor of another list is refused.
    ///
    /// # Errors
    /// A problem `limit_invalid` or `cursor_invalid`.
    pub fn read(
        list: &'static str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::new(
                Fault::Usage,
                "limit_invalid",
                format!("limit = {limit} is out of range"),
                format!("give a number from 1 to {MOST}"),
            ));
        }
        let after = match cursor {
            Some(cursor) if !cursor.is_empty() => Some(decode(list, cursor).ok_or_else(|| {
                Problem::new(
                    Fault::Usage,
                    "cursor_invalid",
                    format!("the cursor is none that a list of {list} gave"),
                    "send `next_cursor` of the part before as it is, or leave `cursor` out to begin \
                     with the first part",
                )
            })?),
            _ => None,
        };
        Ok(Self {
            list,
            limit: limit as usize,
            after,
        })
    }

    /// How many records to fetch: one more than is shown, to know whether there are more.
    pub fn wanted(&self) -> usize {
        self.limit + 1
    }

    /// The records of this part, and the cursor of the next one where there is one.
    pub fn cut<T>(&self, mut found: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, Option<String>) {
        let has_more = found.len() > self.limit;
        found.truncate(self.limit);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|last| encode(self.list, &key(last)));
        (found, next)
    }
}

fn encode<K: Serialize>(list: &str, after: &K) -> String {
    // Keys are strings and numbers, which always have a JSON form.
    let json = serde_json::to_vec(&Cursor { list, after }).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(json)
}

fn decode<K: DeserializeOwned>(list: &str, cursor: &str) -> Option<K> {
    let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let cursor: Cursor<K, String> = serde_json::from_slice(&json).ok()?;
    (cursor.list == list).then_some(cursor.after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_one_another_without_gap_or_overlap() {
        let all: Vec<u32> = (0..25).collect();
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let page = Page::<u32>::read("numbers", Some(10), cursor.as_deref()).unwrap();
            let rest = all
                .iter()
                .copied()
                .filter(|n| page.after.is_none_or(|after| *n > after));
            let (part, next) = page.cut(rest.take(page.wanted()).collect(), |n| *n);
            seen.extend(part);
            match next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn wrong_cursors_and_limits_are_refused() {
        let cursor = encode("numbers", &7_u32);
        assert_eq!(
            Page::<u32>::read("numbers", None, Some(&cursor))
                .unwrap()
                .after,
            Some(7)
        );
        for wrong in ["x", "é", "AAAA", &cursor[1..], &format!("{cursor}=")] {
            let problem = Page::<u32>::read("numbers", None, Some(wrong)).unwrap_err();
            assert_eq!(problem.code, "cursor_invalid", "{wrong}");
        }
        let other = Page::<u32>::read("letters", None, Some(&cursor)).unwrap_err();
        assert_eq!(other.code, "cursor_invalid");
        assert!(Page::<String>::read("numbers", None, Some(&cursor)).is_err());
        for limit in [0, MOST + 1, u32::MAX] {
            let problem = Page::<u32>::read("numbers", Some(limit), None).unwrap_err();
            assert_eq!(problem.code, "limit_invalid");
        }
    }
}
