//! Queries to the indexes, whatever state these are in.
//!
//! A query is answered by what there is: by words alone where the embedder is gone, the vectors are
//! being computed again or the server that keeps them is down, always with a warning that says so.
//! An index that turns out to be damaged is replaced and filled again from the catalog.

use std::sync::Arc;

use anyhow::Result;
use retrieval::embed::Embedder;
use retrieval::{Found, Hit, Mode, Query, Scores, hybrid};

use super::part::guarded;
use super::{Following, Indexes};
use crate::library::{Library, blocking};

/// Documents that may be missing without a word: writes become durable in a moment.
const FAR_BEHIND: u64 = 32;

/// What a search of the indexes gave.
pub(in crate::library) struct Searched {
    /// The hits, and what could not be asked.
    pub(in crate::library) found: Found,
    /// Only documents whose last change is this one or an earlier one are known to all indexes
    /// that were asked; a hit of another document is to be left out.
    pub(in crate::library) up_to: u64,
    /// The indexes that were asked. Held until the passages are read: the chunks of a generation
    /// stay in the catalog as long as it is in use.
    pub(in crate::library) indexes: Arc<Indexes>,
}

impl Library {
    /// Puts a query to the indexes.
    ///
    /// # Errors
    /// Where nothing that the query asks for can answer.
    pub(in crate::library) async fn find(&self, query: &Query) -> Result<Searched> {
        let indexes = self.indexes().await?;
        let mut query = query.clone();
        let mut warnings = Vec::new();
        let embedder = match self.embedder_of(&indexes).await {
            Ok(embedder) => Some(embedder),
            Err(error) if query.mode == Mode::Dense => return Err(error),
            Err(error) => {
                if query.mode == Mode::Hybrid {
                    warnings.push(format!("found by words alone: {error:#}"));
                }
                query.mode = Mode::Bm25;
                None
            }
        };
        warnings.extend(self.behind(&indexes, &mut query).await?);
        if !self.is_resident() && indexes.generation.spec != self.wanted_spec() {
            warnings.push(
                "the index was built for other settings; `lectern reindex` builds it for those in force"
                    .to_owned(),
            );
        }

        let mut outcome = ask(&indexes, embedder.clone(), &query).await;
        if let Err(error) = &outcome {
            let mended = {
                let _writing = self.writing.lock().await;
                self.mend(&indexes, error).await?
            };
            if mended {
                if self.is_resident() {
                    warnings.extend(self.behind(&indexes, &mut query).await?);
                } else {
                    let _writing = self.writing.lock().await;
                    self.catch_up_showing(&indexes).await?;
                }
                outcome = ask(&indexes, embedder.clone(), &query).await;
            }
        }
        let (mut found, up_to) = outcome?;
        warnings.append(&mut found.warnings);
        found.warnings = warnings;
        Ok(Searched {
            found,
            up_to,
            indexes,
        })
    }

    /// What to say of indexes that are catching up. Where vectors lack what the postings have, the
    /// query goes to those alone.
    async fn behind(&self, indexes: &Indexes, query: &mut Query) -> Result<Option<String>> {
        let latest = self.catalog.latest_change().await?;
        if indexes.watermark() >= latest {
            return Ok(None);
        }
        let lacking = |sequence| self.catalog.count_changes_after(sequence);
        let by_vectors = lacking(indexes.vectors.committed()).await?;
        let by_postings = lacking(indexes.postings.committed()).await?;
        let words_alone = query.mode == Mode::Hybrid && by_vectors > by_postings;
        if words_alone {
            query.mode = Mode::Bm25;
        }
        let how_far = match indexes.catching_up() {
            Some((done, total)) => {
                format!("the index is catching up: {done} of {total} documents")
            }
            None if words_alone || by_vectors.max(by_postings) > FAR_BEHIND => format!(
                "the index lacks the last changes of {} documents",
                by_vectors.max(by_postings)
            ),
            // Writes that will be durable in a moment are nothing to tell of.
            None => return Ok(None),
        };
        Ok(Some(match words_alone {
            true => format!("{how_far}; found by words alone meanwhile"),
            false => how_far,
        }))
    }

    /// Replaces an index where `error` comes of its damaged files. True where one was replaced: it
    /// is empty then, and has to catch up.
    ///
    /// The caller holds `writing`.
    pub(super) async fn mend(&self, indexes: &Arc<Indexes>, error: &anyhow::Error) -> Result<bool> {
        let Some(cause) = error.downcast_ref::<retrieval::Error>() else {
            return Ok(false);
        };
        let suspects: Vec<usize> = match cause {
            retrieval::Error::Dense(_) => vec![0],
            retrieval::Error::Lexical(_) => vec![1],
            retrieval::Error::Tokens(_) => vec![2],
            retrieval::Error::Io(_) => vec![0, 1, 2],
            _ => return Ok(false),
        };
        let why = cause.to_string();
        let is_certain = suspects.len() == 1;
        let mending = indexes.clone();
        let mended = blocking(move || {
            let mut mended = false;
            for place in suspects {
                if is_certain || mending.is_damaged(place) {
                    mended |= mending.parts()[place].replace(&why)?;
                }
            }
            Ok(mended)
        })
        .await?;
        if mended {
            self.wake_upkeep();
        }
        Ok(mended)
    }
}

impl Indexes {
    /// Asks an index something simple, to see whether it is the one that fails.
    fn is_damaged(&self, place: usize) -> bool {
        let filter = retrieval::Filter::default();
        match place {
            0 => {
                let index = self.vectors.index();
                let vector = vec![1.0; self.generation.spec.dimension];
                guarded(|| index.search(&vector, 100, &filter)).is_err()
                    || self.vectors.derived().count(None).is_err()
            }
            1 => {
                let index = self.postings.index();
                guarded(|| index.search("the of and in a", 100, &filter)).is_err()
                    || self.postings.derived().count(None).is_err()
            }
            // Its records carry checksums: one that is damaged is missing, and no error.
            _ => self.tokens.derived().count(None).is_err(),
        }
    }
}

async fn ask(
    indexes: &Arc<Indexes>,
    embedder: Option<Arc<dyn Embedder>>,
    query: &Query,
) -> Result<(Found, u64)> {
    let (indexes, query) = (indexes.clone(), query.clone());
    blocking(move || {
        // Told before the search: what becomes durable meanwhile may be in one index only.
        let up_to = match query.mode {
            Mode::Bm25 => indexes.postings.committed(),
            Mode::Dense => indexes.vectors.committed(),
            // Token vectors only order what the others have found.
            Mode::Hybrid => indexes
                .vectors
                .committed()
                .min(indexes.postings.committed()),
        };
        let (dense, lexical, tokens) = (indexes.dense(), indexes.lexical(), indexes.tokens());
        let found = guarded(|| match &embedder {
            Some(embedder) => {
                let stores = hybrid::Stores {
                    embedder: embedder.as_ref(),
                    dense: dense.as_ref(),
                    lexical: &lexical,
                    tokens: Some(&tokens),
                };
                hybrid::search(&query, &stores)
            }
            None => by_words(lexical.search_parsed(&query.asked, query.top_k, &query.filter)?),
        })?;
        Ok((found, up_to))
    })
    .await
}

fn by_words(ranking: Vec<(retrieval::ChunkId, f32)>) -> retrieval::Result<Found> {
    let hits = ranking.into_iter().map(|(chunk_id, score)| Hit {
        chunk_id,
        score,
        scores: Scores {
            bm25: Some(score),
            ..Scores::default()
        },
    });
    Ok(Found {
        hits: hits.collect(),
        warnings: Vec::new(),
    })
}
