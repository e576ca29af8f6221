//! What evidence is chosen from: a search of the library, or imported contexts, on one side only.

use std::collections::BTreeMap;

use anyhow::Result;
use finetune::data::{Kind, Side, folded};
use retrieval::{Mode, Passage};

use super::build::Candidate;
use super::prepare::digest;
use crate::library::Library;
use crate::library::ask::{DIVERSITY, READ};
use crate::library::search::SearchRequest;

/// Paragraphs of other documents beside those of an imported question's own.
const DISTRACTORS: usize = 8;

/// From one distractor to the next: a prime, so that neighbours, which are of one article, are not
/// taken together.
const STRIDE: usize = 7919;

/// What evidence can be taken from.
#[derive(Default)]
pub(super) struct Pool {
    /// Documents of the library by side.
    documents: BTreeMap<Side, Vec<String>>,
    /// Imported paragraphs by document.
    contexts: BTreeMap<String, Vec<Passage>>,
    /// The same by side.
    others: BTreeMap<Side, Vec<Passage>>,
}

impl Library {
    /// What evidence can be taken from, side by side. Documents that the library does not have any
    /// more, or never had, are not searched.
    pub(super) async fn pool(
        &self,
        sides: &BTreeMap<String, Side>,
        contexts: BTreeMap<String, Vec<Passage>>,
    ) -> Result<Pool> {
        let mut pool = Pool::default();
        for document in self.catalog.documents(None).await? {
            if let Some(side) = sides.get(&document.id) {
                pool.documents.entry(*side).or_default().push(document.id);
            }
        }
        for (document, passages) in &contexts {
            if let Some(side) = sides.get(document) {
                let others = pool.others.entry(*side).or_default();
                others.extend(passages.iter().cloned());
            }
        }
        pool.contexts = contexts;
        Ok(pool)
    }

    /// What evidence is chosen from for a candidate: of the library what a search of its side finds,
    /// of imported contexts its own and some of others. For a refusal without what says the answer.
    pub(super) async fn passages_for(
        &self,
        candidate: &Candidate,
        kind: Kind,
        side: Side,
        pool: &Pool,
    ) -> Result<Vec<Passage>> {
        let mut passages: Vec<Passage> = match pool.contexts.get(&candidate.document) {
            Some(own) => {
                let others = pool.others.get(&side).map_or(&[][..], Vec::as_slice);
                own.iter()
                    .chain(distractors(candidate, others))
                    .cloned()
                    .collect()
            }
            None => {
                let request = SearchRequest {
                    query: candidate.question.clone(),
                    mode: Mode::Hybrid,
                    top_k: Some(READ),
                    documents: pool.documents.get(&side).cloned().unwrap_or_default(),
                    diversify: Some(DIVERSITY),
                    is_question: true,
                    ..SearchRequest::default()
                };
                let found = self.search(&request).await?.passages;
                found.into_iter().map(|one| one.passage).collect()
            }
        };
        // A question that its own context does not answer keeps it: that is what makes it hard.
        let sentence = folded(&candidate.sentence);
        if kind == Kind::Refusal && !sentence.is_empty() {
            passages.retain(|passage| !folded(&passage.text).contains(&sentence));
        }
        Ok(passages)
    }
}

/// Paragraphs of other documents, chosen by the candidate's name alone: the same each time, others
/// for each question.
fn distractors<'p>(
    candidate: &Candidate,
    others: &'p [Passage],
) -> impl Iterator<Item = &'p Passage> {
    let digest = digest(0, &candidate.id);
    let start = usize::from(u16::from_le_bytes([digest[0], digest[1]])) << 8;
    let own = candidate.document.clone();
    (0..others.len())
        .map(move |step| &others[(start + step * STRIDE) % others.len()])
        .filter(move |passage| passage.document_id != own)
        .take(DISTRACTORS)
}
