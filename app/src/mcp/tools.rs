//! The tools: what each takes, and how it is carried out.

use rmcp::model::{
    CallToolResult, ContentBlock, JsonObject, ProgressNotificationParam, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::results::{
    AnswerResult, DetailsResult, DocumentsResult, PagesResult, Readable, SearchResult,
};
use super::{Lectern, next};
use crate::catalog::{DocumentRecord, Place};
use crate::control::{Event, Request};
use crate::error::{Fault, Problem};
use crate::library::ask::{AskEvent, AskRequest};
use crate::library::search::SearchRequest;
use crate::paging::Page;

/// Documents in a part of the list where no limit is given.
const LISTED: u32 = 50;
/// Most characters of pages in one result, about 10,000 tokens; at least one page is given.
const MOST_CHARACTERS: usize = 40_000;
/// A client hears of each so many tokens of a draft.
const TOKENS_A_NOTE: u32 = 16;

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// By words.
    Bm25,
    /// By meaning.
    Dense,
    /// By both.
    #[default]
    Hybrid,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// What to look for: words or a question; `"phrases"` and `-without` are understood.
    query: String,
    /// How many passages, 1 to 100 [default: 8].
    top_k: Option<usize>,
    /// By words, meaning or both [default: hybrid].
    #[serde(default)]
    mode: Mode,
    /// Only this collection.
    collection: Option<String>,
    /// Only papers with an author of this name: `Smith`, `Jane Smith`.
    author: Option<String>,
    /// Only papers of these years, such as `2012` or `2010..2020`.
    year: Option<String>,
    /// Only papers of this journal or conference.
    venue: Option<String>,
    /// Only these documents: ids or file names.
    #[serde(default)]
    documents: Vec<String>,
    /// Only sections of these kinds: abstract, introduction, background, methods, results,
    /// discussion, conclusion, back, other.
    #[serde(default)]
    sections: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The question, in full: name what it is about.
    question: String,
    /// Only from this collection.
    collection: Option<String>,
    /// Only from these documents: ids or file names.
    #[serde(default)]
    documents: Vec<String>,
    /// Answer with verbatim quotes only, which is faster.
    #[serde(default)]
    extractive: bool,
    /// The conversation to go on with, as an earlier answer gave it.
    conversation: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListDocuments {
    /// Only of this collection.
    collection: Option<String>,
    /// How many at most, 1 to 1000 [default: 50].
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetDocument {
    /// Its id, the start of it, or its file name.
    document: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadDocument {
    /// Its id, the start of it, or its file name.
    document: String,
    /// First page, from 1 [default: 1].
    first_page: Option<u32>,
    /// Last page [default: as far as fits].
    last_page: Option<u32>,
}

/// All tools.
pub(super) fn all() -> Vec<Tool> {
    vec![
        tool::<Ask, AnswerResult>(
            "ask",
            "Ask the papers",
            "Answers a question from the user's papers. Every sentence of the answer is tied to verbatim \
             quotes with file and page, or marked as supported by none; where the papers do not answer, \
             the outcome is insufficient_evidence and the nearest passages are given.",
        ),
        tool::<Search, SearchResult>(
            "search",
            "Search the papers",
            "Finds passages in the user's papers, by words and meaning, with file, page and section.",
        ),
        tool::<ListDocuments, DocumentsResult>(
            "list_documents",
            "List papers",
            "Lists the user's papers, newest first.",
        ),
        tool::<GetDocument, DetailsResult>(
            "get_document",
            "Show a paper",
            "Says what is known of a paper: authors, year, venue, abstract, outline, what it cites and \
             what cites it.",
        ),
        tool::<ReadDocument, PagesResult>(
            "read_document",
            "Read a paper",
            "Gives the text of pages of a paper, as many as fit.",
        ),
    ]
}

fn tool<I: JsonSchema + 'static, O: JsonSchema + 'static>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
) -> Tool {
    // Nothing outside the library is touched. Asking keeps the answer, which changes no paper.
    let hints = ToolAnnotations::with_title(title)
        .read_only(true)
        .open_world(false);
    Tool::new(name, description, JsonObject::new())
        .with_title(title)
        .with_input_schema::<I>()
        .with_output_schema::<O>()
        .with_annotations(hints)
}

type Outcome = Result<CallToolResult, Problem>;

impl Lectern {
    /// Carries out a call. What the model can mend is a result that says so.
    pub(super) async fn call(
        &self,
        name: &str,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let outcome = match name {
            "ask" => self.ask(arguments, context).await,
            "search" => self.search(arguments, context).await,
            "list_documents" => self.list_documents(arguments, context).await,
            "get_document" => self.get_document(arguments, context).await,
            "read_document" => self.read_document(arguments, context).await,
            _ => {
                let message = format!("there is no tool {name:?}");
                return Err(ErrorData::invalid_params(message, None));
            }
        };
        Ok(outcome.unwrap_or_else(|problem| failed(&problem)))
    }

    async fn search(&self, arguments: JsonObject, context: &RequestContext<RoleServer>) -> Outcome {
        let search: Search = parsed(arguments)?;
        let request = SearchRequest {
            query: search.query,
            mode: match search.mode {
                Mode::Bm25 => retrieval::Mode::Bm25,
                Mode::Dense => retrieval::Mode::Dense,
                Mode::Hybrid => retrieval::Mode::Hybrid,
            },
            top_k: search.top_k,
            collection: search.collection,
            author: search.author,
            year: search.year,
            venue: search.venue,
            documents: search.documents,
            sections: search.sections,
            ..SearchRequest::default()
        };
        let found = self
            .single(Request::Search(request), context, |event| match event {
                Event::Search(found) => Some(found),
                _ => None,
            })
            .await?;
        given(&SearchResult::from(found))
    }

    async fn ask(&self, arguments: JsonObject, context: &RequestContext<RoleServer>) -> Outcome {
        let ask: Ask = parsed(arguments)?;
        let request = AskRequest {
            question: ask.question,
            collection: ask.collection,
            documents: ask.documents,
            extractive: ask.extractive,
            conversation: ask.conversation,
            ..AskRequest::default()
        };
        let mut events = self.start(Request::Ask(request)).await?;
        let mut steps = 0;
        let answer = loop {
            match next(&mut events, context).await? {
                Event::Answer(answer) => break answer,
                Event::Asking(event) => {
                    steps += 1;
                    progress(context, steps, &event).await;
                }
                _ => {}
            }
        };
        given(&AnswerResult::from(answer))
    }

    async fn list_documents(
        &self,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Outcome {
        let list: ListDocuments = parsed(arguments)?;
        let limit = Some(list.limit.unwrap_or(LISTED));
        let page = Page::<Place>::read("documents", limit, list.cursor.as_deref())?;
        let request = Request::DocumentsAfter {
            collection: list.collection,
            after: page.after.clone(),
            limit: page.wanted(),
        };
        let found = self
            .single(request, context, |event| match event {
                Event::Documents(documents) => Some(documents),
                _ => None,
            })
            .await?;
        let (documents, next_cursor) = page.cut(found, DocumentRecord::place);
        given(&DocumentsResult::new(&documents, next_cursor))
    }

    async fn get_document(
        &self,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Outcome {
        let GetDocument { document: id } = parsed(arguments)?;
        let details = self
            .single(Request::Document { id }, context, |event| match event {
                Event::Document(details) => Some(details),
                _ => None,
            })
            .await?;
        given(&DetailsResult::from(*details))
    }

    async fn read_document(
        &self,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Outcome {
        let read: ReadDocument = parsed(arguments)?;
        let first = read.first_page.unwrap_or(1);
        let last = read.last_page.unwrap_or(u32::MAX);
        let request = Request::Pages {
            id: read.document,
            first,
            last,
        };
        let (record, mut pages) = self
            .single(request, context, |event| match event {
                Event::Pages(record, pages) => Some((record, pages)),
                _ => None,
            })
            .await?;
        if pages.is_empty() {
            return Err(Problem::new(
                Fault::NotFound,
                "page_not_found",
                format!("{} has no pages {first} to {last}", record.file),
                format!("it has pages 1 to {}", record.pages),
            ));
        }
        let mut characters = 0;
        let fit = pages
            .iter()
            .take_while(|(_, text)| {
                characters += text.chars().count();
                characters <= MOST_CHARACTERS
            })
            .count();
        let next = pages.get(fit.max(1)).map(|(number, _)| *number);
        pages.truncate(fit.max(1));
        given(&PagesResult::new(&record, pages, next))
    }
}

fn parsed<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Problem> {
    serde_json::from_value(arguments.into()).map_err(|error| {
        Problem::new(
            Fault::Usage,
            "arguments_malformed",
            format!("the arguments cannot be used: {error}"),
            "give what the tool's input schema says",
        )
    })
}

fn given<T: Serialize + Readable>(result: &T) -> Outcome {
    let data = serde_json::to_value(result).map_err(|error| Problem::from_error(&error.into()))?;
    let mut given = CallToolResult::structured(data);
    given.content = vec![ContentBlock::text(result.readable())];
    Ok(given)
}

fn failed(problem: &Problem) -> CallToolResult {
    let text = format!(
        "error: {}\nhint: {}\ncode: {}",
        problem.message, problem.hint, problem.code
    );
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// Tells a client that wants to know how an answer comes along.
async fn progress(context: &RequestContext<RoleServer>, step: u32, event: &AskEvent) {
    let Some(token) = context.meta.get_progress_token() else {
        return;
    };
    let message = match event {
        AskEvent::Evidence(quotes) => format!("reading {} quotes", quotes.len()),
        AskEvent::Token(_) if step % TOKENS_A_NOTE == 2 => "writing".to_owned(),
        AskEvent::Token(_) => return,
    };
    let told = ProgressNotificationParam::new(token, f64::from(step)).with_message(message);
    // A client that has gone needs no telling.
    let _ = context.peer.notify_progress(told).await;
}
