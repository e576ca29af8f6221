//! How passages are found: the request is checked, its filters become document ids, the indexes
//! rank, the catalog gives the text.
//!
//! [`request`] is what can be asked and what comes back, [`filter`] turns names into ids, [`pool`]
//! is the ranking that pages are cut from, [`cross`] has the best read again by a model, [`like`] finds what is like a passage or a document,
//! [`highlight`] marks the words that matched.

mod cross;
mod filter;
mod highlight;
mod like;
mod pool;
mod request;

use std::time::Instant;

use anyhow::Result;

pub use filter::collection_not_found;
pub use request::{
    Expand, FoundPassage, PassageContext, QUESTION_CHARACTERS, SearchRequest, SearchResponse,
    check_question,
};

use super::Library;
use filter::Restriction;

impl Library {
    /// Finds passages.
    ///
    /// # Errors
    /// A problem that says what is wrong with the request, or where a store fails.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        let started = Instant::now();
        let page = request.page(self.settings.top_k)?;
        request.check()?;
        let mut response = SearchResponse {
            query: request.query.clone(),
            like: request.like.clone(),
            mode: request.mode,
            offset: page.offset,
            ..SearchResponse::default()
        };

        let Restriction { filter, nothing } = self.restriction(request).await?;
        let pool = match (&request.like, &nothing) {
            (_, Some(_)) => pool::Pool::default(),
            (Some(like), None) => self.alike(like, request.mode, filter).await?,
            (None, None) => self.ranked(request, filter, page.end()).await?,
        };
        let end = page.end().min(pool.hits.len());
        let shown = pool.hits.get(page.offset..end).unwrap_or_default();
        let passages = self.catalog.passages(shown, page.offset + 1).await?;

        let texts = passages.iter().map(|passage| passage.text.clone());
        let highlights = self.highlights(request, texts.collect()).await?;
        for (passage, highlights) in passages.into_iter().zip(highlights) {
            response.passages.push(FoundPassage {
                highlights,
                context: self
                    .catalog
                    .context(passage.chunk_id, request.expand)
                    .await?,
                passage,
            });
        }
        response.next_offset = (pool.hits.len() > end && page.can_go_on()).then_some(end);
        response.warnings = pool.warnings;
        if response.passages.is_empty() {
            response.reason = Some(nothing.unwrap_or_else(|| request.why_nothing(page.offset)));
        }
        response.took_ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok(response)
    }
}
