//! Which words of a passage are words of the query.

use anyhow::Result;

use super::SearchRequest;
use crate::library::{Library, blocking};

impl Library {
    /// For each text the bytes that words of the query take up, in order, none over another; none
    /// where the search is for what is like something.
    pub(super) async fn highlights(
        &self,
        request: &SearchRequest,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<[usize; 2]>>> {
        if request.like.is_some() {
            return Ok(vec![Vec::new(); texts.len()]);
        }
        let asked = request.asked();
        let indexes = self.indexes().await?;
        let lexical = indexes.lexical();
        blocking(move || {
            let mut marked = Vec::with_capacity(texts.len());
            for text in &texts {
                let spans = lexical.highlights(&asked, text)?;
                marked.push(
                    spans
                        .into_iter()
                        .map(|span| [span.start, span.end])
                        .collect(),
                );
            }
            Ok(marked)
        })
        .await
    }
}
