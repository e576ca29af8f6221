//! What is asked: kept questions on the library's own sentences, some of them of other papers only,
//! and what people approved as feedback.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;

use super::SelfRequest;
use crate::catalog::feedback::FeedbackFilter;
use crate::catalog::feedback::FeedbackSource;
use crate::catalog::{FeedbackState, OwnQuestion};
use crate::eval::answers::questions::{Gold, Question, Set};
use crate::library::Library;

/// Decides which sentences are taken.
const SEED: u64 = 7;

/// Papers that a question is asked of where its own is left out, at most.
const OTHERS: usize = 200;

/// Feedback that is asked, at most.
const FEEDBACK: usize = 200;

/// All questions of an evaluation. Questions whose document is gone went with it, and others take
/// their place.
pub(super) async fn collect(library: &Library, request: &SelfRequest) -> Result<Vec<Question>> {
    let mut kept = library.catalog.own_questions().await?;
    if request.anew {
        let mut others = fresh(library, &kept, request.questions).await?;
        // A small library does not have enough others.
        let missing = request.questions - others.len();
        others.extend(kept.into_iter().take(missing));
        library.catalog.replace_own_questions(&others).await?;
        kept = library.catalog.own_questions().await?;
    }
    if kept.len() < request.questions {
        let wanted = request.questions - kept.len();
        let fresh = fresh(library, &kept, wanted).await?;
        library.catalog.add_own_questions(&fresh).await?;
        kept = library.catalog.own_questions().await?;
    }
    kept.truncate(request.questions);
    let mut documents: Vec<String> = library
        .catalog
        .documents(None)
        .await?
        .into_iter()
        .map(|document| document.id)
        .collect();
    documents.sort_unstable();
    let mut questions: Vec<Question> = kept.iter().map(answerable).collect();
    let again = kept.iter().step_by(2);
    questions.extend(again.filter_map(|one| elsewhere(one, &documents)));
    questions.extend(approved(library).await?);
    Ok(questions)
}

/// Questions that are not kept yet, of as many documents as there are.
async fn fresh(library: &Library, kept: &[OwnQuestion], wanted: usize) -> Result<Vec<OwnQuestion>> {
    let known: HashSet<&str> = kept.iter().map(|one| one.id.as_str()).collect();
    let asked: HashSet<&str> = kept.iter().map(|one| one.question.as_str()).collect();
    // Two sentences may give one question, and some of these are kept.
    let most = 4 * (kept.len() + wanted);
    let found = library.sentences_to_ask(most, most, SEED).await?;
    let mut fresh: Vec<OwnQuestion> = found
        .into_iter()
        .filter(|one| !known.contains(one.id.as_str()) && !asked.contains(one.question.as_str()))
        .map(|one| OwnQuestion {
            id: one.id,
            document_id: one.document,
            file: String::new(),
            question: one.question,
            answer: one.answer,
        })
        .collect();
    let mut seen = HashSet::new();
    fresh.retain(|one| seen.insert(one.question.clone()));
    fresh.truncate(wanted);
    Ok(fresh)
}

fn answerable(one: &OwnQuestion) -> Question {
    Question {
        id: one.id.clone(),
        question: one.question.clone(),
        kind: "other".to_owned(),
        set: Set::Answerable,
        references: vec![one.answer.clone()],
        gold: vec![Gold {
            file: one.file.clone(),
            quote: one.answer.clone(),
            pages: Vec::new(),
        }],
        line: 0,
        documents: Vec::new(),
    }
}

/// The same question, asked of other papers: which ones depends on the question alone, as far as
/// they are still there.
fn elsewhere(one: &OwnQuestion, documents: &[String]) -> Option<Question> {
    let mut others: BTreeMap<[u8; 32], &String> = documents
        .iter()
        .filter(|document| **document != one.document_id)
        .map(|document| (crate::library::datasets::order(document, &one.id), document))
        .collect();
    while others.len() > OTHERS {
        others.pop_last();
    }
    (!others.is_empty()).then(|| Question {
        id: format!("{} (elsewhere)", one.id),
        set: Set::Absent,
        references: Vec::new(),
        gold: Vec::new(),
        documents: others.into_values().cloned().collect(),
        ..answerable(one)
    })
}

/// Questions that people gave feedback on, which was approved: what it says is what is right.
async fn approved(library: &Library) -> Result<Vec<Question>> {
    let filter = FeedbackFilter {
        state: Some(FeedbackState::Approved),
        answer: None,
    };
    let found = library
        .catalog
        .feedback_list(filter, FEEDBACK, None)
        .await?;
    Ok(found
        .iter()
        // Pairs that were imported are not about this library's papers.
        .filter(|feedback| feedback.source == FeedbackSource::Answer)
        .filter_map(|feedback| {
            let declines = feedback.teaches_refusal();
            let reference = feedback.completion()?;
            Some(Question {
                id: format!("feedback {}", feedback.id),
                question: feedback.question.clone(),
                kind: "other".to_owned(),
                set: match declines {
                    true => Set::Absent,
                    false => Set::Answerable,
                },
                references: match declines {
                    true => Vec::new(),
                    false => vec![generation::align::strip_markers(reference)],
                },
                gold: Vec::new(),
                line: 0,
                documents: Vec::new(),
            })
        })
        .collect())
}
