//! Makes a stored answer again and says what differs.
//!
//! The answer is made from what was kept: its passages are cut out of the pages again, the model
//! is given the prompt of then with the seed of then. Beside that, the question is put to today's
//! indexes, to tell whether another search would find other evidence. What has changed around the
//! answer (version, model, index, settings) is listed in any case; the verdict goes by the answer.
//! Answers about papers are made anew from the library ([`replay_papers`](super::replay_papers)).

use std::time::Instant;

use anyhow::Result;
use generation::answer::Request;
use generation::evidence::{self, Limits, Sources};
use generation::question::Question;
use generation::replay;
use generation::{Answer, IndexInfo, Origin, Sentence, Trace};
use retrieval::{Mode, Passage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::{KeptPassage, Provenance, StoredAnswer, digest};
use crate::error::{Fault, Problem};
use crate::library::ask::DIVERSITY;
use crate::library::search::SearchRequest;
use crate::library::{Library, blocking};

/// Whether a replay gave the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The same sentences with the same quotes.
    Same,
    /// Something differs.
    Differs,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// What: `answer`, `completion`, `lectern`, `model`, `search.rerank`, ...
    pub what: String,
    /// As it was when the answer was given.
    pub then: String,
    /// As it is now.
    pub now: String,
}

/// A sentence that a search chooses as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceNote {
    /// Its document.
    pub document_id: String,
    /// Title of that.
    pub title: String,
    /// The text, white space folded.
    pub text: String,
}

/// What today's search chooses as evidence, beside what was chosen then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceChange {
    /// Sentences that are chosen again.
    pub kept: usize,
    /// Those that are chosen now and were not then.
    pub new: Vec<EvidenceNote>,
    /// Those that were chosen then and are not now.
    pub missed: Vec<EvidenceNote>,
}

/// What became of an answer's passages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PassageChange {
    /// Still there as they were.
    pub same: usize,
    /// Their text is as it was, but papers are cut otherwise now.
    pub cut_otherwise: usize,
    /// Their text is another one, or gone.
    pub changed: usize,
}

/// What `answers replay --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    /// Which answer.
    pub id: String,
    /// The question as asked.
    pub question: String,
    /// The same or not.
    pub verdict: Verdict,
    /// What of the answer differs.
    pub differences: Vec<Difference>,
    /// What has changed around it.
    pub changes: Vec<Difference>,
    /// What became of its passages.
    pub passages: PassageChange,
    /// What a search chooses now; `None` where none could be made.
    #[schema(required)]
    pub evidence: Option<EvidenceChange>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// The answer as it was given.
    pub then: Answer,
    /// The answer as it is made now.
    pub now: Answer,
}

impl Library {
    /// Makes a stored answer again; stores nothing.
    ///
    /// # Errors
    /// A problem `answer_not_found`, or `answer_not_replayable` where what it takes was not kept;
    /// or where the model fails.
    pub async fn replay_answer(&self, id: &str) -> Result<Replay> {
        let started = Instant::now();
        let StoredAnswer {
            answer: then,
            trace,
            provenance,
            ..
        } = self.stored_answer(id).await?;
        if then.origin == Origin::Catalog || !then.parts.is_empty() {
            return self.replay_about_papers(then, provenance, started).await;
        }
        let (trace, provenance) = replayable(&then, trace, provenance)?;
        let question = then.standalone.as_ref().unwrap_or(&then.question).clone();

        let (passages, standing) = self.passages_of_then(&provenance.passages).await?;
        let mut notes = Vec::new();
        let indexes = self.indexes().await?;
        let embedder = self.embedder().await?;
        let generator = match trace.extractive || trace.passages.is_empty() {
            true => None,
            false => Some(self.writer_of(&provenance, &mut notes).await?),
        };
        let request = Request {
            id: then.id.clone(),
            question: question.clone(),
            extractive: trace.extractive,
            sampling: trace.sampling.clone(),
            limits: Limits::default(),
            prompt_tokens: self.settings.answer_evidence_tokens,
            calibration: self.calibration()?,
            precision: self.settings.answer_precision,
            index: IndexInfo {
                embedder: indexes.generation.spec.embedder.clone(),
                revision: indexes.watermark(),
            },
            retrieve_ms: None,
            rerank_ms: None,
            started,
        };
        let model = trace
            .completion
            .is_some()
            .then(|| generator.as_ref().map(|model| model.id().to_owned()))
            .flatten();
        let (again, trace) = blocking(move || {
            let lexical = indexes.lexical();
            let sources = Sources {
                passages: &passages,
                embedder: embedder.as_ref(),
                centre: &[],
                rarity: &|words| lexical.idf(words),
            };
            let again = replay::replay(
                &request,
                &trace,
                &sources,
                generator.as_deref(),
                &mut |_| true,
            )?;
            Ok((again, trace))
        })
        .await?;
        if again.prompt_differs {
            notes.push(
                "this version words the prompt otherwise; the model was given the prompt of then"
                    .to_owned(),
            );
        }
        if !again.lost.is_empty() {
            notes.push(format!(
                "{} of {} sentences of evidence stand nowhere in their papers any more",
                again.lost.len(),
                trace.evidence.len()
            ));
        }

        let present = self.provenance(provenance.asked.clone(), model).await?;
        let mut now = again.answered.answer;
        now.question = then.question.clone();
        now.standalone = then.standalone.clone();
        now.conversation = then.conversation.clone();
        let mut differences = differences(&then, &now);
        let written = (&trace.completion, &again.answered.trace.completion);
        if let (Some(before), Some(after)) = written
            && before != after
        {
            if after.starts_with(before.as_str()) {
                notes.push(
                    "what the model wrote then is the beginning of what it writes now: it was \
                     stopped early"
                        .to_owned(),
                );
            }
            differences.push(Difference::of("completion", before, after));
        }
        let evidence = match self.evidence_now(&question, &provenance).await {
            Ok(chosen) => Some(self.compare_evidence(&trace, chosen).await?),
            Err(error) => {
                notes.push(format!(
                    "the question could not be searched again: {error:#}"
                ));
                None
            }
        };
        Ok(Replay {
            id: then.id.clone(),
            question: then.question.clone(),
            verdict: match differences.is_empty() {
                true => Verdict::Same,
                false => Verdict::Differs,
            },
            differences,
            changes: changes(&then, &provenance, &now, &present),
            passages: standing,
            evidence,
            notes,
            then,
            now,
        })
    }

    /// The passages that an answer was made from, as their papers have them now.
    pub(in crate::library) async fn passages_of_then(
        &self,
        kept: &[KeptPassage],
    ) -> Result<(Vec<Passage>, PassageChange)> {
        let ids: Vec<u64> = kept.iter().map(|kept| kept.chunk_id).collect();
        let places = self.catalog.chunk_places(&ids).await?;
        let mut passages = Vec::with_capacity(kept.len());
        let mut standing = PassageChange::default();
        for (rank, kept) in (1..).zip(kept) {
            let Some(passage) = self.catalog.kept_passage(kept, rank).await? else {
                standing.changed += 1;
                continue;
            };
            if digest(&passage.text) != kept.sha256 {
                standing.changed += 1;
            } else if places.iter().any(|place| place.chunk_id == kept.chunk_id) {
                standing.same += 1;
            } else {
                standing.cut_otherwise += 1;
            }
            passages.push(passage);
        }
        Ok((passages, standing))
    }

    /// The evidence that today's indexes give for a question.
    async fn evidence_now(
        &self,
        question: &str,
        provenance: &Provenance,
    ) -> Result<Vec<EvidenceNote>> {
        let asked = &provenance.asked;
        let found = self
            .search(&SearchRequest {
                query: question.to_owned(),
                mode: Mode::Hybrid,
                top_k: asked.top_k,
                collection: asked.collection.clone(),
                documents: asked.documents.clone(),
                diversify: Some(DIVERSITY),
                is_question: true,
                ..SearchRequest::default()
            })
            .await?;
        let (indexes, embedder) = (self.indexes().await?, self.embedder().await?);
        let question = Question::read(question);
        blocking(move || {
            let passages: Vec<Passage> = found
                .passages
                .into_iter()
                .map(|found| found.passage)
                .collect();
            let (tokens, lexical) = (indexes.tokens(), indexes.lexical());
            let sources = Sources {
                passages: &passages,
                embedder: embedder.as_ref(),
                centre: tokens.centre().unwrap_or_default(),
                rarity: &|words| lexical.idf(words),
            };
            let chosen = evidence::select(&question, &sources, Limits::default())?;
            let note = |item: evidence::Evidence| {
                let passage = &passages[item.passage];
                EvidenceNote {
                    document_id: passage.document_id.clone(),
                    title: passage.title.clone(),
                    text: folded(&passage.text[item.range]),
                }
            };
            Ok(chosen.into_iter().map(note).collect())
        })
        .await
    }

    async fn compare_evidence(
        &self,
        trace: &Trace,
        chosen: Vec<EvidenceNote>,
    ) -> Result<EvidenceChange> {
        let mut change = EvidenceChange::default();
        for item in &trace.evidence {
            let text = folded(&item.text);
            let is_kept = chosen
                .iter()
                .any(|now| now.document_id == item.document_id && now.text == text);
            if is_kept {
                change.kept += 1;
                continue;
            }
            let document = self.catalog.document(&item.document_id).await?;
            change.missed.push(EvidenceNote {
                document_id: item.document_id.clone(),
                title: document.map(|document| document.title).unwrap_or_default(),
                text,
            });
        }
        let then: Vec<(&str, String)> = trace
            .evidence
            .iter()
            .map(|item| (item.document_id.as_str(), folded(&item.text)))
            .collect();
        change.new = chosen
            .into_iter()
            .filter(|now| !then.contains(&(now.document_id.as_str(), now.text.clone())))
            .collect();
        Ok(change)
    }
}

/// What it takes to make an answer again, or why that cannot be done.
fn replayable(
    answer: &Answer,
    trace: Option<Trace>,
    provenance: Option<Provenance>,
) -> Result<(Trace, Provenance), Problem> {
    match (trace, provenance) {
        (Some(trace), Some(provenance)) => Ok((trace, provenance)),
        _ => Err(not_replayable(
            answer,
            "another version of Lectern stored it, without what that takes",
        )),
    }
}

pub(super) fn not_replayable(answer: &Answer, why: &str) -> Problem {
    Problem::new(
        Fault::Input,
        "answer_not_replayable",
        format!("the answer {} cannot be made again: {why}", answer.id),
        "ask the question again; `lectern answers show` still shows the answer as it was given",
    )
}

impl Difference {
    fn of(what: &str, then: impl ToString, now: impl ToString) -> Self {
        Self {
            what: what.to_owned(),
            then: then.to_string(),
            now: now.to_string(),
        }
    }
}

/// What of the answer a reader would see differ.
pub(super) fn differences(then: &Answer, now: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |what: &str, before: String, after: String| {
        if before != after {
            found.push(Difference::of(what, before, after));
        }
    };
    compare("outcome", name(&then.outcome), name(&now.outcome));
    compare("origin", name(&then.origin), name(&now.origin));
    compare("answer", then.answer.clone(), now.answer.clone());
    let short = |answer: &Answer| {
        let short = answer.short.as_ref();
        short.map_or_else(|| "none".to_owned(), |short| short.text.clone())
    };
    compare("short answer", short(then), short(now));
    let parts = |answer: &Answer| {
        let headings = answer.parts.iter().map(|part| part.heading.as_str());
        headings.collect::<Vec<_>>().join("\n")
    };
    compare("parts", parts(then), parts(now));
    let support = |answer: &Answer| {
        let marks = answer
            .sentences
            .iter()
            .map(|sentence: &Sentence| match sentence.supported {
                true => format!("{:?}", sentence.citations),
                false => "not supported".to_owned(),
            });
        marks.collect::<Vec<_>>().join(", ")
    };
    compare("support", support(then), support(now));
    let quotes = |answer: &Answer| {
        let quotes = answer.citations.iter().map(|citation| {
            format!(
                "[{}] {}, page {}: {}",
                citation.key, citation.file, citation.page, citation.quote
            )
        });
        quotes.collect::<Vec<_>>().join("\n")
    };
    compare("quotes", quotes(then), quotes(now));
    found
}

/// What has changed around the answer.
pub(super) fn changes(
    then: &Answer,
    before: &Provenance,
    now: &Answer,
    present: &Provenance,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |what: &str, before: String, after: String| {
        if before != after {
            found.push(Difference::of(what, before, after));
        }
    };
    let some = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    compare("lectern", before.lectern.clone(), present.lectern.clone());
    compare("build", some(&before.build), some(&present.build));
    compare(
        "platform",
        before.platform.clone(),
        present.platform.clone(),
    );
    if before.model.is_some() && present.model.is_some() {
        compare("model", some(&before.model), some(&present.model));
        compare(
            "model file",
            some(&before.model_sha256),
            some(&present.model_sha256),
        );
    }
    let adapter = |answer: &Answer| some(&answer.model.adapter);
    if then.model.id == now.model.id {
        compare("adapter", adapter(then), adapter(now));
    }
    let spec = |provenance: &Provenance| {
        provenance.index.as_ref().map_or_else(
            || ["unknown".to_owned(), "unknown".to_owned()],
            |spec| {
                [
                    format!("{} ({})", spec.embedder, spec.revision),
                    format!("{} tokens, {} shared", spec.max_tokens, spec.overlap_tokens),
                ]
            },
        )
    };
    let [embedder_then, cut_then] = spec(before);
    let [embedder_now, cut_now] = spec(present);
    compare("embedder", embedder_then, embedder_now);
    compare("chunks", cut_then, cut_now);
    compare(
        "index generation",
        before.generation.to_string(),
        present.generation.to_string(),
    );
    compare(
        "last change of the library",
        then.index.revision.to_string(),
        now.index.revision.to_string(),
    );
    let unset = "not there".to_owned();
    let keys = before.settings.keys().chain(present.settings.keys());
    let mut keys: Vec<&String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let value =
            |provenance: &Provenance| provenance.settings.get(key).unwrap_or(&unset).clone();
        compare(key, value(before), value(present));
    }
    found
}

/// The name of an enum's value as JSON has it.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
