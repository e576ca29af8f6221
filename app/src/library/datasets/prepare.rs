//! The path of a dataset, from what was asked for to a folder that can be trained on.
//!
//! Documents are put on their sides first; then examples are built, each from passages of its own side
//! only, checked, and written. Read [`Library::prepare_dataset`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use finetune::data::check::{Limits, check};
use finetune::data::split::{Group, assign, place};
use finetune::data::{Card, Example, Side, Source, folder};
use generation::chat::ChatFormat;
use generation::evidence::is_prose;
use retrieval::Passage;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::build::{Builder, Candidate};
use super::imports::{self, Imported};
use super::questions;
use super::refusals::Refusals;
use crate::catalog::feedback::FeedbackFilter;
use crate::catalog::{DatasetRecord, Feedback, FeedbackState};
use crate::error::{Fault, Problem};
use crate::library::{Library, blocking};
use crate::models::answerer::Answerer;

/// Feedback that is read at once.
const PART: usize = 500;

/// Candidates that are tried for each example that is wanted, at most.
const TRIES: usize = 4;

/// What a dataset is made of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PrepareRequest {
    /// Its name: small letters, digits, `-` and `_`.
    pub name: String,
    /// Take the feedback that was approved.
    pub feedback: bool,
    /// So many examples from sentences of the library, about.
    pub generate: usize,
    /// Files of questions, absolute.
    pub imports: Vec<PathBuf>,
    /// Share of what is generated and imported whose evidence does not hold the answer, 0 to 0.9.
    pub refusals: f64,
    /// Decides sides and choices.
    pub seed: u64,
    /// Tokens of prompt and answer, at most.
    pub max_tokens: usize,
    /// Where it goes, absolute; the data folder where not given.
    pub out: Option<PathBuf>,
}

impl Library {
    /// Makes a dataset. `on_progress` hears how many examples are built, of how many.
    ///
    /// # Errors
    /// A problem `dataset_name_invalid`, `dataset_exists`, `dataset_sources_missing`,
    /// `refusals_invalid`, `questions_invalid` for a file, or `dataset_unusable` where nothing is left
    /// to train on.
    pub async fn prepare_dataset(
        &self,
        request: &PrepareRequest,
        mut on_progress: impl FnMut(usize, usize) + Send,
    ) -> Result<DatasetRecord> {
        request.validate()?;
        let _preparing = self.preparing.lock().await;
        if self.catalog.dataset(&request.name).await?.is_some() {
            return Err(exists(&request.name).into());
        }
        let target = match &request.out {
            Some(folder) => folder.clone(),
            None => self.empty_dataset_folder(&request.name).await?,
        };
        let files = request.imports.clone();
        let imported = blocking(move || imports::read(&files)).await?;
        let mut examples = match request.feedback {
            true => self.approved_examples().await?,
            false => Vec::new(),
        };
        let most = request.generate.saturating_mul(TRIES);
        let generated = self
            .sentences_to_ask(most, usize::MAX, request.seed)
            .await?;
        let Imported {
            contexts,
            candidates: mut asked,
            on_papers,
        } = self.resolved(imported).await?;
        asked.extend(on_papers);
        sort_by_seed(&mut asked, request.seed);

        let refusals = Refusals::new(request.refusals, request.seed, &asked);
        asked.retain(|candidate| refusals.keeps(candidate));
        let groups = groups(&examples, generated.iter().chain(&asked), &contexts);
        let sides = assign(&groups, request.seed);
        let pool = self.pool(&sides, contexts).await?;
        let builder = Arc::new(self.builder().await?);
        let wanted = request.generate.min(generated.len()) + asked.len();
        let mut done = 0;
        for (candidates, most) in [(asked, usize::MAX), (generated, request.generate)] {
            let mut made = 0;
            for candidate in candidates {
                if made >= most {
                    break;
                }
                let kind = refusals.kind(&candidate);
                let Some(side) = sides.get(&candidate.document) else {
                    continue;
                };
                let passages = self.passages_for(&candidate, kind, *side, &pool).await?;
                let builder = builder.clone();
                let example = blocking(move || builder.build(&candidate, kind, &passages)).await?;
                made += usize::from(example.is_some());
                examples.extend(example);
                done += 1;
                on_progress(done.min(wanted), wanted);
            }
        }
        self.write_dataset(request, target, examples, sides).await
    }

    /// Checks, splits and writes examples, and records them.
    async fn write_dataset(
        &self,
        request: &PrepareRequest,
        target: PathBuf,
        examples: Vec<Example>,
        sides: BTreeMap<String, Side>,
    ) -> Result<DatasetRecord> {
        let (chat, embedder) = (self.chat_format().await?, self.embedder().await?);
        let (name, seed) = (request.name.clone(), request.seed);
        let limits = Limits {
            max_tokens: request.max_tokens,
            ..Limits::default()
        };
        let written = target.clone();
        let (card, documents) = blocking(move || {
            let tokens = |example: &Example| count(example, chat.as_ref(), embedder.as_ref());
            let tokens_of = chat.as_ref().map_or_else(
                || embedder.space().id.clone(),
                |chat| chat.name().to_owned(),
            );
            let checked = check(examples, limits, &tokens);
            let mut dropped = checked.dropped;
            let (sets, misplaced) = place(checked.kept, &sides, |(example, _)| example);
            dropped.extend(misplaced);
            let card = Card::new(&name, seed, &tokens_of, &sets, dropped);
            let documents: BTreeSet<String> = sets
                .values()
                .flatten()
                .flat_map(|(example, _)| example.about.documents.iter().cloned())
                .filter(|document| !document.starts_with(imports::PREFIX))
                .collect();
            let card = folder::write(&written, &sets, card).map_err(|error| unusable(&error))?;
            Ok((card, documents.into_iter().collect::<Vec<String>>()))
        })
        .await?;
        let shown = target.display().to_string();
        if !self.catalog.add_dataset(&shown, &card, &documents).await? {
            blocking(move || super::remove(&target)).await?;
            return Err(exists(&request.name).into());
        }
        // A document may have been deleted while this was made.
        self.dataset(&request.name).await
    }

    /// A folder that is not there. One that no record names was left by a kill.
    async fn empty_dataset_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.dataset_folder(name);
        let stale = folder.clone();
        blocking(move || {
            super::remove(&stale)?;
            if let Some(parent) = stale.parent() {
                std::fs::create_dir_all(parent)?;
            }
            Ok(())
        })
        .await?;
        Ok(folder)
    }

    async fn approved_examples(&self) -> Result<Vec<Example>> {
        let filter = FeedbackFilter {
            state: Some(FeedbackState::Approved),
            answer: None,
        };
        let mut examples = Vec::new();
        let mut after: Option<(i64, String)> = None;
        loop {
            let place = after.as_ref().map(|(time, id)| (*time, id.as_str()));
            let found = self.catalog.feedback_list(filter, PART, place).await?;
            examples.extend(found.iter().filter_map(Feedback::data_example));
            match found.last() {
                Some(last) if found.len() == PART => after = Some(last.key()),
                _ => return Ok(examples),
            }
        }
    }

    /// Sentences of the library that rules make questions of, in the order in which they are tried:
    /// one of each document after the other, so that a long one does not fill the dataset. At most
    /// `most` of them, of `documents` documents that the seed chooses.
    pub(crate) async fn sentences_to_ask(
        &self,
        most: usize,
        documents: usize,
        seed: u64,
    ) -> Result<Vec<Candidate>> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let mut chosen = self.catalog.documents(None).await?;
        chosen.sort_by_cached_key(|document| digest(seed, &document.id));
        chosen.truncate(documents);
        let mut of_documents = Vec::new();
        for document in chosen {
            let ids = self.catalog.chunk_ids(&document.id).await?;
            let mut found = Vec::new();
            for part in ids.chunks(PART) {
                let texts = self.catalog.texts_of(part).await?;
                for (chunk, text) in texts {
                    for range in ingest::sentence::split(&text) {
                        let place = range.start;
                        let sentence = &text[range];
                        let asked = questions::ask(sentence).filter(|_| is_prose(sentence));
                        let Some(question) = asked else {
                            continue;
                        };
                        found.push(Candidate {
                            id: format!("{chunk}:{place}"),
                            source: Source::Generated,
                            question,
                            answer: sentence.to_owned(),
                            sentence: sentence.to_owned(),
                            document: document.id.clone(),
                        });
                    }
                }
            }
            sort_by_seed(&mut found, seed);
            of_documents.push(found);
        }
        let rounds = of_documents.iter().map(Vec::len).max();
        Ok((0..rounds.unwrap_or(0))
            .flat_map(|round| {
                of_documents
                    .iter()
                    .filter_map(move |found| found.get(round).cloned())
            })
            .take(most)
            .collect())
    }

    /// Questions on papers, with the ids of those papers; those on others are left out.
    async fn resolved(&self, mut imported: Imported) -> Result<Imported> {
        let documents = self.catalog.documents(None).await?;
        let by_file: BTreeMap<&str, &str> = documents
            .iter()
            .map(|document| (document.file.as_str(), document.id.as_str()))
            .collect();
        imported.on_papers.retain_mut(|candidate| {
            let found = by_file.get(candidate.document.as_str());
            if let Some(id) = found {
                candidate.document = (*id).to_owned();
            }
            found.is_some()
        });
        Ok(imported)
    }

    async fn builder(&self) -> Result<Builder> {
        let teacher = match self.settings.llm {
            Some(_) => Some(self.generator().await?),
            None => None,
        };
        Ok(Builder {
            embedder: self.embedder().await?,
            indexes: self.indexes().await?,
            prompt_tokens: self.settings.answer_evidence_tokens,
            teacher,
        })
    }

    /// The tokenizer of the model in this process; none where a server answers.
    async fn chat_format(&self) -> Result<Option<ChatFormat>> {
        if matches!(self.answerer, Answerer::Server(_)) {
            return Ok(None);
        }
        let base = self.base_file().await?;
        blocking(move || Ok(Some(ChatFormat::from_gguf(&base.path)?))).await
    }
}

impl PrepareRequest {
    fn validate(&self) -> Result<(), Problem> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let starts_well = self
            .name
            .starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !starts_well || self.name.len() > 64 || !self.name.chars().all(is_plain) {
            return Err(Problem::new(
                Fault::Usage,
                "dataset_name_invalid",
                format!("{:?} cannot be the name of a dataset", self.name),
                "take small letters, digits, - and _, at most 64, and a letter or digit in front",
            ));
        }
        if !self.feedback && self.generate == 0 && self.imports.is_empty() {
            return Err(Problem::new(
                Fault::Usage,
                "dataset_sources_missing",
                "nothing is named that a dataset could be made of",
                "give --feedback, --generate N or --import FILE, or several of them",
            ));
        }
        if !(0.0..=0.9).contains(&self.refusals) {
            return Err(Problem::new(
                Fault::Usage,
                "refusals_invalid",
                format!("{} cannot be the share of refusals", self.refusals),
                "give a number from 0 to 0.9, such as 0.25",
            ));
        }
        Ok(())
    }
}

/// What has to be on one side: the documents of each piece of feedback, each other document alone. Each
/// file of contexts is a source of its own beside the library.
fn groups<'c>(
    feedback: &[Example],
    candidates: impl Iterator<Item = &'c Candidate>,
    contexts: &BTreeMap<String, Vec<Passage>>,
) -> Vec<Group> {
    let stratum = |document: &str| {
        let first = contexts.get(document).and_then(|own| own.first());
        first
            .map(|passage| passage.file.clone())
            .unwrap_or_default()
    };
    let mut weights: BTreeMap<&str, usize> = BTreeMap::new();
    for candidate in candidates {
        *weights.entry(&candidate.document).or_default() += 1;
    }
    let single = weights.into_iter().map(|(document, weight)| Group {
        documents: vec![document.to_owned()],
        weight,
        stratum: stratum(document),
    });
    let judged = feedback.iter().map(|example| Group {
        documents: example.about.documents.clone(),
        weight: 1,
        stratum: String::new(),
    });
    judged.chain(single).collect()
}

fn unusable(error: &finetune::Error) -> anyhow::Error {
    let shown = error.to_string();
    let (message, hint) = shown
        .split_once("; hint: ")
        .unwrap_or((shown.as_str(), "run it again with more sources"));
    Problem::new(Fault::Input, "dataset_unusable", message, hint).into()
}

fn count(
    example: &Example,
    chat: Option<&ChatFormat>,
    embedder: &dyn retrieval::embed::Embedder,
) -> usize {
    let by_embedder = || -> usize {
        let texts = example.messages.iter();
        texts.map(|one| embedder.count_tokens(&one.content)).sum()
    };
    let (Some(chat), Some((prompt, completion))) = (chat, example.parts()) else {
        return by_embedder();
    };
    match (chat.encode(prompt), chat.encode_completion(completion)) {
        (Ok(prompt), Ok(completion)) => prompt.len() + completion.len(),
        // A chat that the template refuses cannot be trained on.
        _ => usize::MAX,
    }
}

/// A number that the seed and a name decide.
pub(super) fn digest(seed: u64, text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(text);
    hash.finalize().into()
}

fn sort_by_seed(candidates: &mut [Candidate], seed: u64) {
    candidates.sort_by_cached_key(|candidate| digest(seed, &candidate.id));
}

fn exists(name: &str) -> Problem {
    Problem::new(
        Fault::Conflict,
        "dataset_exists",
        format!("there is a dataset {name:?} already"),
        "take another name, or delete it with `lectern finetune datasets delete`",
    )
}
