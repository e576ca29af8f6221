//! The pages of conversations as plain data: the ask page, a turn of it, and the list.

use askama::Template;
use generation::{Answer, Citation, Outcome, Sentence};

use super::FeedbackForm;
use crate::catalog::{Conversation, Feedback, Turn};
use crate::library::conversations::deleted_text;

/// Longer quotes would make the address of the page view too long for some servers, in characters.
const LONGEST_QUOTE: usize = 1500;

/// `/` and `/conversations/{id}`: what was said, and the question box.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "ask.html")]
pub struct AskPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// All collections; a choice is offered when there is more than one.
    pub collections: Vec<String>,
    /// How many documents there are; at 0 the page points to the library instead.
    pub documents: usize,
    /// The conversation; `None` where one is to begin.
    pub conversation: Option<Conversation>,
    /// Its turns, oldest first.
    pub turns: Vec<TurnView>,
    /// Ids and titles of the documents that it is about, where it is about some only.
    pub about: Vec<(String, String)>,
    /// Conversations to go on with.
    pub recent: Vec<Conversation>,
}

impl AskPage {
    /// Id of the conversation; empty where one is to begin.
    #[must_use]
    pub fn id(&self) -> &str {
        self.conversation.as_ref().map_or("", |found| &found.id)
    }

    /// The heading.
    #[must_use]
    pub fn title(&self) -> &str {
        self.conversation.as_ref().map_or("", shown_title)
    }

    /// Whether a collection is the one that is asked.
    #[must_use]
    pub fn is_chosen(&self, collection: &str) -> bool {
        self.collection() == collection
    }

    /// The collection that is asked; empty for all.
    #[must_use]
    pub fn collection(&self) -> &str {
        self.conversation
            .as_ref()
            .and_then(|found| found.collection.as_deref())
            .unwrap_or_default()
    }

    /// Whether there is nothing to ask, and nothing was asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents == 0 && self.conversation.is_none()
    }
}

/// `/conversations`: all conversations.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "conversations.html")]
pub struct ConversationsPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// The one asked in last first.
    pub conversations: Vec<Conversation>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What stands for a conversation.
fn shown_title(conversation: &Conversation) -> &str {
    match conversation.title.as_str() {
        "" => "New conversation",
        title => title,
    }
}

/// `/conversations/{id}/turns/{answer}`: one turn, to be put into the page.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "_turn.html")]
pub struct TurnFragment {
    /// The turn.
    pub turn: TurnView,
}

/// A question and its answer as they are shown.
#[derive(Debug, Clone, Default)]
pub struct TurnView {
    /// Place in the conversation, from 1.
    pub position: u64,
    /// The question as typed.
    pub question: String,
    /// What was searched for, where that is something else.
    pub standalone: Option<String>,
    /// What stands in the place of an answer that is gone.
    pub deleted: Option<&'static str>,
    /// True where the papers do not answer; the sources are the nearest passages then.
    pub is_unanswered: bool,
    /// The fact that was asked for, and the source that has it.
    pub short: Option<(String, Option<CiteView>)>,
    /// Why there is no answer, where that is known exactly.
    pub why_none: Option<String>,
    /// Paragraphs, each with its heading where it has one.
    pub paragraphs: Vec<ParagraphView>,
    /// A comparison, in place of paragraphs.
    pub table: Option<TableView>,
    /// How many sentences no source supports.
    pub unsupported: usize,
    /// What went less well than it should.
    pub warnings: Vec<String>,
    /// Who wrote it and how long that took.
    pub made_by: String,
    /// The quotes.
    pub sources: Vec<SourceView>,
    /// What can be said of it; `None` where there is no answer any more.
    pub feedback: Option<FeedbackForm>,
}

/// Sentences that stand together.
#[derive(Debug, Clone, Default)]
pub struct ParagraphView {
    /// What it is about: a paper, a section.
    pub heading: Option<String>,
    /// Its sentences.
    pub sentences: Vec<SentenceView>,
}

/// What papers say on some aspects.
#[derive(Debug, Clone, Default)]
pub struct TableView {
    /// The columns.
    pub aspects: Vec<String>,
    /// The rows.
    pub rows: Vec<RowView>,
}

/// A row of a comparison.
#[derive(Debug, Clone, Default)]
pub struct RowView {
    /// Title of the paper.
    pub paper: String,
    /// What it says on each aspect.
    pub cells: Vec<CellView>,
}

/// A cell of a comparison.
#[derive(Debug, Clone, Default)]
pub struct CellView {
    /// Its sentences; none where the paper says nothing.
    pub sentences: Vec<SentenceView>,
}

/// A sentence and its markers.
#[derive(Debug, Clone, Default)]
pub struct SentenceView {
    /// The sentence.
    pub text: String,
    /// Whether a source supports it.
    pub is_supported: bool,
    /// Its markers.
    pub cites: Vec<CiteView>,
}

/// A marker that leads to a source.
#[derive(Debug, Clone, Default)]
pub struct CiteView {
    /// The number shown.
    pub key: u32,
    /// What a screen reader says.
    pub label: String,
}

/// A source.
#[derive(Debug, Clone, Default)]
pub struct SourceView {
    /// The number shown.
    pub key: u32,
    /// Title of the paper.
    pub title: String,
    /// Authors and year.
    pub byline: String,
    /// The quote.
    pub quote: String,
    /// File name.
    pub file: String,
    /// Page, from 1.
    pub page: u32,
    /// The document's id.
    pub document_id: String,
    /// The quote as the address of the page has it.
    pub short_quote: String,
    /// The conversation and the turn that the page leads back to.
    pub back: String,
    /// Whether a browser shows the file at a page.
    pub is_pdf: bool,
    /// Whether somebody said that it supports the answer, or that it does not.
    pub mark: Option<bool>,
}

impl TurnView {
    /// A turn of the conversation `id`, and what was last said of its answer.
    #[must_use]
    pub fn of(id: &str, turn: &Turn, given: Option<&Feedback>) -> Self {
        let mut view = Self {
            position: turn.position,
            question: turn.question.clone(),
            ..Self::default()
        };
        match &turn.answer {
            Some(answer) => {
                view.fill(id, answer);
                view.feedback = Some(FeedbackForm::of(answer, given));
                let marks = given.map_or(&[][..], |given| &given.opinion.citations);
                for source in &mut view.sources {
                    let mark = marks.iter().find(|mark| mark.key == source.key);
                    source.mark = mark.map(|mark| mark.right);
                }
            }
            None => view.deleted = Some(deleted_text(turn.deleted)),
        }
        view
    }

    fn fill(&mut self, id: &str, answer: &Answer) {
        self.standalone.clone_from(&answer.standalone);
        self.warnings.clone_from(&answer.warnings);
        self.is_unanswered = answer.outcome == Outcome::InsufficientEvidence;
        self.made_by = made_by(answer);
        let back = format!("{id}.{}", self.position);
        self.sources = answer
            .citations
            .iter()
            .map(|citation| source(citation, &back))
            .collect();
        if self.is_unanswered {
            let is_known = answer.answer != generation::answer::INSUFFICIENT;
            self.why_none = is_known.then(|| answer.answer.clone());
            return;
        }
        let cite = |key: &u32| {
            let citation = answer
                .citations
                .iter()
                .find(|citation| citation.key == *key)?;
            Some(CiteView {
                key: *key,
                label: format!("Source {key}: {}, page {}", citation.title, citation.page),
            })
        };
        self.short = answer
            .short
            .as_ref()
            .map(|short| (short.text.clone(), cite(&short.citation)));
        self.unsupported = answer.sentences.iter().filter(|one| !one.supported).count();
        let shown = |sentence: &Sentence| SentenceView {
            text: sentence.text.trim().to_owned(),
            is_supported: sentence.supported,
            cites: sentence.citations.iter().filter_map(cite).collect(),
        };
        self.table = table(answer, &shown);
        if self.table.is_some() {
            return;
        }
        self.paragraphs = paragraphs(answer)
            .into_iter()
            .map(|(heading, sentences)| ParagraphView {
                heading: heading.filter(|heading| !heading.is_empty()),
                sentences: sentences.iter().map(shown).collect(),
            })
            .collect();
    }
}

/// The table of an answer whose parts all have an aspect: a row a paper.
fn table(answer: &Answer, shown: &dyn Fn(&Sentence) -> SentenceView) -> Option<TableView> {
    let mut table = TableView::default();
    let mut rest = &answer.sentences[..];
    for part in &answer.parts {
        let aspect = part.aspect.as_ref()?;
        if !table.aspects.contains(aspect) {
            table.aspects.push(aspect.clone());
        }
        if table.aspects.first() == Some(aspect) {
            table.rows.push(RowView {
                paper: part.heading.clone(),
                cells: Vec::new(),
            });
        }
        let (sentences, others) = rest.split_at(part.sentences.min(rest.len()));
        table.rows.last_mut()?.cells.push(CellView {
            sentences: sentences.iter().map(shown).collect(),
        });
        rest = others;
    }
    (!table.rows.is_empty()).then_some(table)
}

/// The sentences as they stand together: under the headings of parts, and otherwise as the text of
/// the answer has them, whose line ends the sentences alone do not know.
fn paragraphs(answer: &Answer) -> Vec<(Option<String>, &[Sentence])> {
    let mut rest = &answer.sentences[..];
    let mut made = Vec::new();
    for part in &answer.parts {
        let (sentences, others) = rest.split_at(part.sentences.min(rest.len()));
        made.push((Some(part.heading.clone()), sentences));
        rest = others;
    }
    let mut at = 0;
    let mut first = 0;
    for (index, sentence) in rest.iter().enumerate() {
        let text = sentence.text.trim();
        let Some(found) = answer.answer.get(at..).and_then(|left| left.find(text)) else {
            continue;
        };
        if index > first && answer.answer[at..at + found].contains('\n') {
            made.push((None, &rest[first..index]));
            first = index;
        }
        at += found + text.len();
    }
    if first < rest.len() {
        made.push((None, &rest[first..]));
    }
    made
}

fn source(citation: &Citation, back: &str) -> SourceView {
    let names = match citation.authors.len() {
        0..=3 => citation.authors.join(", "),
        _ => format!("{} et al.", citation.authors[0]),
    };
    let year = citation.year.map(|year| year.to_string());
    let byline: Vec<String> = [names, year.unwrap_or_default()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    SourceView {
        key: citation.key,
        title: match citation.title.trim() {
            "" => citation.file.clone(),
            title => title.to_owned(),
        },
        byline: byline.join(", "),
        quote: citation.quote.clone(),
        file: citation.file.clone(),
        page: citation.page,
        document_id: citation.document_id.clone(),
        short_quote: citation.quote.trim().chars().take(LONGEST_QUOTE).collect(),
        back: back.to_owned(),
        is_pdf: citation.file.to_lowercase().ends_with(".pdf"),
        mark: None,
    }
}

fn made_by(answer: &Answer) -> String {
    use generation::Origin;
    let mut parts = Vec::new();
    if answer.outcome == Outcome::Answered {
        let adapter = answer.model.adapter.as_ref();
        let adapter = adapter.map_or(String::new(), |name| format!(" with {name}"));
        parts.push(match answer.origin {
            Origin::Model => format!("Written by {}{adapter}.", answer.model.id),
            Origin::Fallback => "Made of quotes only: what the model wrote was not supported by \
                                 your papers."
                .to_owned(),
            Origin::Extractive => {
                "Made of quotes only: every sentence is copied from your papers.".to_owned()
            }
            Origin::Catalog => "Read from the library’s catalog.".to_owned(),
        });
    }
    if let Some(total) = answer.timings_ms.total {
        parts.push(format!("Took {:.1} s.", total / 1000.0));
    }
    parts.join(" ")
}
