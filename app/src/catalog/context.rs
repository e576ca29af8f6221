//! What stands around a passage: its neighbours in the same section, as they are printed.
//!
//! Chunks overlap, so a context is no chain of their texts but one span of the document's text,
//! from the first byte of the first chunk to the last byte of the last.

use anyhow::Result;
use ingest::{PAGE_SEPARATOR, PageRect, locate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Catalog;

/// Longest context, in bytes: about 2,000 tokens, a long section of a paper.
const MOST_BYTES: usize = 8000;
/// Chunks on either side that are looked at: more than fit.
const REACH: i64 = 40;

/// What is given around a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Expand {
    /// Nothing.
    #[default]
    None,
    /// The chunks before and after, where they are of the same section.
    Neighbours,
    /// The section, as far as fits.
    Section,
}

/// A passage with what stands around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PassageContext {
    /// Verbatim text.
    pub text: String,
    /// Where the passage stands in it: first byte and one past the last, of UTF-8.
    pub passage: [usize; 2],
    /// First and last page.
    pub pages: [u32; 2],
    /// Where it is printed, a rectangle a line.
    pub rects: Vec<PageRect>,
}

#[derive(sqlx::FromRow)]
struct Neighbour {
    id: i64,
    position: i64,
    span_start: i64,
    span_end: i64,
    first_page: i64,
    last_page: i64,
    section: Option<String>,
}

impl Catalog {
    /// The context of a chunk; none where none is asked for, or there is no such chunk.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn context(&self, chunk_id: u64, expand: Expand) -> Result<Option<PassageContext>> {
        if expand == Expand::None {
            return Ok(None);
        }
        let place: Option<(String, i64)> =
            sqlx::query_as("SELECT document_id, position FROM chunks WHERE id = $1")
                .bind(chunk_id as i64)
                .fetch_optional(&self.pool)
                .await?;
        let Some((document_id, position)) = place else {
            return Ok(None);
        };
        let around: Vec<Neighbour> = sqlx::query_as(
            "SELECT id, position, span_start, span_end, first_page, last_page, section FROM chunks \
             WHERE document_id = $1 AND position BETWEEN $2 AND $3 \
             AND chunking = (SELECT chunking FROM chunks WHERE id = $4) ORDER BY position",
        )
        .bind(&document_id)
        .bind(position - REACH)
        .bind(position + REACH)
        .bind(chunk_id as i64)
        .fetch_all(&self.pool)
        .await?;
        let Some(own) = around.iter().position(|chunk| chunk.id == chunk_id as i64) else {
            return Ok(None);
        };
        let (first, last) = reach(&around, own, expand);
        let (start, end) = (around[first].span_start, around[last].span_end);
        let pages = [around[first].first_page, around[last].last_page];
        let (printed, text_start) = self.pages(&document_id, pages[0], pages[1]).await?;
        let texts: Vec<&str> = printed.iter().map(|page| page.text.as_str()).collect();
        let from = (start as usize).saturating_sub(text_start);
        let to = (end as usize).saturating_sub(text_start);
        Ok(texts
            .join(PAGE_SEPARATOR)
            .get(from..to)
            .map(|text| PassageContext {
                text: text.to_owned(),
                passage: [
                    (around[own].span_start - start) as usize,
                    (around[own].span_end - start) as usize,
                ],
                pages: pages.map(|page| page as u32),
                rects: locate::rects(&printed, from, to),
            }))
    }
}

/// The first and the last chunk of what is shown around `own`.
fn reach(around: &[Neighbour], own: usize, expand: Expand) -> (usize, usize) {
    let most = match expand {
        Expand::None => 0,
        Expand::Neighbours => 1,
        Expand::Section => around.len(),
    };
    let (mut first, mut last) = (own, own);
    let belongs = |inner: usize, outer: usize| {
        around[inner].section == around[outer].section
            && around[inner].position.abs_diff(around[outer].position) == 1
    };
    let fits = |first: usize, last: usize| {
        (around[last].span_end - around[first].span_start) as usize <= MOST_BYTES
    };
    loop {
        let before = first;
        let after = last;
        if last + 1 < around.len()
            && last - own < most
            && belongs(last, last + 1)
            && fits(first, last + 1)
        {
            last += 1;
        }
        if first > 0 && own - first < most && belongs(first, first - 1) && fits(first - 1, last) {
            first -= 1;
        }
        if (first, last) == (before, after) {
            return (first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(sections: &[&str], bytes: i64) -> Vec<Neighbour> {
        (0..)
            .zip(sections)
            .map(|(position, section)| Neighbour {
                id: position,
                position,
                span_start: position * bytes,
                span_end: (position + 1) * bytes + bytes / 10,
                first_page: 1,
                last_page: 1,
                section: Some((*section).to_owned()),
            })
            .collect()
    }

    #[test]
    fn contexts_keep_to_the_section_and_to_their_length() {
        let around = chunks(&["a", "b", "b", "b", "b", "c"], 1000);
        assert_eq!(reach(&around, 2, Expand::Section), (1, 4));
        assert_eq!(reach(&around, 2, Expand::Neighbours), (1, 3));
        assert_eq!(reach(&around, 1, Expand::Neighbours), (1, 2));
        assert_eq!(reach(&around, 0, Expand::Section), (0, 0));
        let long = chunks(&["a"; 20], 3000);
        let (first, last) = reach(&long, 10, Expand::Section);
        assert!(
            first <= 10 && last >= 10 && last - first == 1,
            "{first} {last}"
        );
        let mut gap = chunks(&["a", "a", "a"], 100);
        gap[2].position = 3;
        assert_eq!(
            reach(&gap, 1, Expand::Section),
            (0, 1),
            "a chunk was left out"
        );
    }
}
