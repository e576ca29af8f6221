//! A conversation as a file: Markdown with a footnote for each quote, or the bibliography of the
//! papers that it cites.

use anyhow::Result;
use generation::{Answer, IndexInfo, ModelInfo, Origin, Outcome, Timings, Usage};

use crate::catalog::{Deleted, Turn};
use crate::control::{ExportFormat, export};
use crate::library::Library;
use crate::library::answers::export::markdown;

impl Library {
    /// A conversation written out.
    ///
    /// # Errors
    /// A problem `conversation_not_found` or `conversation_ambiguous`.
    pub async fn export_conversation(&self, id: &str, format: ExportFormat) -> Result<String> {
        let details = self.conversation_details(id).await?;
        if format == ExportFormat::Markdown {
            let title = details.conversation.title.replace(['<', '>', '#'], " ");
            let answers: Vec<Answer> = details.messages.iter().map(shown).collect();
            return Ok(format!("# {}\n\n{}", title.trim(), markdown(&answers)));
        }
        let mut documents: Vec<String> = Vec::new();
        for answer in details
            .messages
            .iter()
            .filter_map(|turn| turn.answer.as_ref())
        {
            for citation in &answer.citations {
                if !documents.contains(&citation.document_id) {
                    documents.push(citation.document_id.clone());
                }
            }
        }
        if documents.is_empty() {
            // No ids would mean all documents.
            return Ok(match format {
                ExportFormat::CslJson => "[]\n".to_owned(),
                _ => String::new(),
            });
        }
        let text = std::sync::Mutex::new(String::new());
        export::run(self, &documents, None, format, &|part| {
            text.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push_str(&part);
            true
        })
        .await?;
        Ok(text
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A turn as an answer; one that was deleted says so.
fn shown(turn: &Turn) -> Answer {
    if let Some(answer) = &turn.answer {
        return answer.clone();
    }
    Answer {
        id: turn.answer_id.clone(),
        question: turn.question.clone(),
        outcome: Outcome::InsufficientEvidence,
        answer: deleted_text(turn.deleted).to_owned(),
        sentences: Vec::new(),
        citations: Vec::new(),
        origin: Origin::default(),
        short: None,
        parts: Vec::new(),
        standalone: None,
        conversation: None,
        warnings: Vec::new(),
        confidence: None,
        model: ModelInfo {
            id: String::new(),
            adapter: None,
        },
        index: IndexInfo {
            embedder: String::new(),
            revision: 0,
        },
        seed: None,
        timings_ms: Timings::default(),
        usage: Usage::default(),
    }
}

/// What stands in the place of an answer that is gone.
pub fn deleted_text(deleted: Option<Deleted>) -> &'static str {
    match deleted {
        Some(Deleted::ByHand) => "This answer was deleted.",
        _ => "This answer was deleted with its source.",
    }
}
