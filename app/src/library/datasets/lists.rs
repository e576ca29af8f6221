//! Questions of the library with what its own search finds for them, for training a reranker.

use std::collections::BTreeSet;

use anyhow::Result;
use finetune::data::folded;
use finetune::reranker::lists::{Candidate, List};
use retrieval::cross_encoder::DEPTH;
use retrieval::{ChunkId, Filter, Mode, ParsedQuery, Query};

use crate::library::Library;

/// Documents from which on a document's questions are kept on one side together. Fewer would leave a
/// side empty; a chunk's questions then are.
const MANY: usize = 20;

impl Library {
    /// Lists for `count` questions that rules make of sentences. A passage answers where it is the
    /// chunk that the sentence stands in, or holds the sentence too. `on_list` takes each, and is
    /// false where nobody wants more; what is returned is the documents of which they hold text.
    ///
    /// # Errors
    /// Where a store or a model fails.
    pub async fn reranker_lists(
        &self,
        count: usize,
        seed: u64,
        mut on_list: impl FnMut(List, usize, usize) -> bool + Send,
    ) -> Result<BTreeSet<String>> {
        let asked = self.sentences_to_ask(count, usize::MAX, seed).await?;
        let by_document = self.catalog.documents(None).await?.len() >= MANY;
        let total = asked.len().min(count);
        let mut documents = BTreeSet::new();
        for (at, question) in asked.into_iter().enumerate() {
            let chunk = question.id.split(':').next().unwrap_or_default();
            let own: Option<ChunkId> = chunk.parse().ok();
            let query = Query {
                asked: ParsedQuery::plain(&question.question),
                mode: Mode::Hybrid,
                fusion: self.settings.search_fusion,
                top_k: DEPTH,
                rerank: true,
                filter: Filter::default(),
            };
            let searched = self.find(&query).await?;
            let hits = self.searchable(searched.found.hits, searched.up_to).await?;
            let texts = self.embedded_texts(&hits).await?;
            if texts.len() < hits.len() {
                continue;
            }
            let sentence = folded(&question.sentence);
            let passages: Vec<Candidate> = hits
                .iter()
                .zip(texts)
                .map(|(hit, text)| Candidate {
                    grade: u32::from(
                        Some(hit.chunk_id) == own || folded(&text).contains(&sentence),
                    ),
                    score: hit.score,
                    text,
                })
                .collect();
            for passage in self.catalog.passages(&hits, 1).await? {
                documents.insert(passage.document_id);
            }
            let is_found = passages.iter().any(|passage| passage.grade > 0);
            let list = List {
                group: match by_document {
                    true => question.document,
                    false => chunk.to_owned(),
                },
                question: question.question,
                passages,
                missed: if is_found { Vec::new() } else { vec![1] },
            };
            if !on_list(list, at + 1, total) {
                break;
            }
        }
        Ok(documents)
    }
}
