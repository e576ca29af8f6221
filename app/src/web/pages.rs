//! The HTML pages.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, ContentType, LOCATION};
use actix_web::{HttpResponse, get, post, web};
use anyhow::Context;
use askama::Template;
use ingest::{Format, locate};
use serde::Deserialize;

use super::State;
use super::problem;
use super::security::SESSION_COOKIE;
use super::views::{
    AskPage, Document, DocumentPage, LibraryPage, LoginPage, PageImage, PageView, Paper, TurnView,
};
use crate::catalog::{DEFAULT_COLLECTION, DocumentRecord, DocumentStatus, Turn};
use crate::error::{Fault, Problem};
use crate::library::details::DocumentDetails;
use crate::library::page_image::DEFAULT_WIDTH;

/// Longest quote that is looked for on a page, in bytes.
const QUOTE_BYTES: usize = 8000;

/// Earlier conversations that the ask page names.
const RECENT: u32 = 5;

type Shared = web::Data<State>;

#[derive(Deserialize)]
struct Asking {
    document: Option<String>,
}

/// The question box of a new conversation; with `?document=ID` one about that document.
#[get("/")]
pub(super) async fn ask_page(state: Shared, asking: web::Query<Asking>) -> HttpResponse {
    shown(async {
        let mut about = Vec::new();
        if let Some(id) = &asking.document {
            let document = record(&state, id).await?;
            about.push((document.id, document.title));
        }
        Ok(AskPage {
            about,
            recent: state
                .library
                .conversations(Some(RECENT), None)
                .await?
                .conversations,
            ..ask_form(&state).await?
        })
    })
    .await
}

/// A conversation, with the question box for what follows.
#[get("/conversations/{id}")]
pub(super) async fn conversation_page(state: Shared, id: web::Path<String>) -> HttpResponse {
    shown(async {
        let details = state.library.conversation_details(&id).await?;
        let conversation = details.conversation;
        let mut about = Vec::new();
        for id in &conversation.documents {
            if let Some(document) = state.library.catalog.document(id).await? {
                about.push((document.id, document.title));
            }
        }
        Ok(AskPage {
            about,
            turns: turn_views(&state, &conversation.id, &details.messages).await?,
            conversation: Some(conversation),
            ..ask_form(&state).await?
        })
    })
    .await
}

/// Turns of a conversation as they are shown, with what was said of their answers.
pub(super) async fn turn_views(
    state: &State,
    conversation: &str,
    turns: &[Turn],
) -> anyhow::Result<Vec<TurnView>> {
    let answers: Vec<String> = turns.iter().map(|turn| turn.answer_id.clone()).collect();
    let given = state.library.catalog.feedback_on_answers(&answers).await?;
    Ok(turns
        .iter()
        .map(|turn| TurnView::of(conversation, turn, given.get(&turn.answer_id)))
        .collect())
}

async fn ask_form(state: &State) -> anyhow::Result<AskPage> {
    Ok(AskPage {
        csrf_token: state.guard.csrf().to_owned(),
        collections: collections(state).await?,
        documents: state.library.catalog.count_documents().await? as usize,
        ..AskPage::default()
    })
}

#[get("/library")]
pub(super) async fn library_page(state: Shared) -> HttpResponse {
    shown(async {
        let records = state.library.catalog.documents(None).await?;
        Ok(LibraryPage {
            csrf_token: state.guard.csrf().to_owned(),
            collections: collections(&state).await?,
            collection: DEFAULT_COLLECTION.to_owned(),
            documents: records.into_iter().map(view).collect(),
        })
    })
    .await
}

#[get("/documents/{id}")]
pub(super) async fn document_page(state: Shared, id: web::Path<String>) -> HttpResponse {
    shown(async {
        let details = state.library.details(&id).await?;
        Ok(DocumentPage {
            csrf_token: state.guard.csrf().to_owned(),
            paper: paper(&details),
            collections: collections(&state).await?,
            document: view(details.record),
        })
    })
    .await
}

#[derive(Deserialize)]
struct Marked {
    q: Option<String>,
    passage: Option<u64>,
    from: Option<String>,
}

#[get("/documents/{id}/pages/{number}")]
pub(super) async fn page_view(
    state: Shared,
    place: web::Path<(String, u32)>,
    marked: web::Query<Marked>,
) -> HttpResponse {
    let (id, number) = place.into_inner();
    shown(async {
        let record = record(&state, &id).await?;
        let page = state
            .library
            .catalog
            .page(&record.id, number)
            .await?
            .ok_or_else(|| {
                Problem::new(
                    Fault::NotFound,
                    "page_not_found",
                    format!("{} has no page {number}", record.file),
                    format!("it has {} pages", record.pages),
                )
            })?;
        let Marked { q, passage, from } = marked.into_inner();
        let quote = asked(q);
        let mut place = quote.as_deref().and_then(|quote| find(&page.text, quote));
        if let (None, Some(chunk)) = (&quote, passage) {
            let of_chunk = state
                .library
                .catalog
                .chunk_on_page(chunk, &record.id, number);
            place = of_chunk
                .await?
                .filter(|place| page.text.get(place.clone()).is_some());
        }
        let place = place.unwrap_or(page.text.len()..page.text.len());
        Ok(PageView {
            csrf_token: state.guard.csrf().to_owned(),
            image: (record.format == Format::Pdf).then(|| PageImage {
                width: page.width,
                height: page.height,
                marks: locate::rects(std::slice::from_ref(&page), place.start, place.end)
                    .into_iter()
                    .map(|mark| mark.rect)
                    .collect(),
            }),
            document: view(record),
            page: number,
            before: page.text[..place.start].to_owned(),
            marked: page.text[place.clone()].to_owned(),
            after: page.text[place.end..].to_owned(),
            back: from.as_deref().and_then(answer_address),
            quote,
        })
    })
    .await
}

/// Where the answer is that led here: `CONVERSATION.TURN`.
fn answer_address(from: &str) -> Option<String> {
    let (conversation, turn) = from.split_once('.')?;
    let turn: u64 = turn.parse().ok()?;
    let is_id = (1..=64).contains(&conversation.len())
        && conversation
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_id.then(|| format!("/conversations/{conversation}#turn-{turn}"))
}

/// The quote that was asked for, if it can be one.
fn asked(quote: Option<String>) -> Option<String> {
    quote.filter(|quote| !quote.trim().is_empty() && quote.len() <= QUOTE_BYTES)
}

#[derive(Deserialize)]
struct Picture {
    width: Option<u32>,
    q: Option<String>,
}

/// The page as printed; the lines of the quote `q` are highlighted.
#[get("/documents/{id}/pages/{number}.png")]
pub(super) async fn page_image(
    state: Shared,
    place: web::Path<(String, u32)>,
    picture: web::Query<Picture>,
) -> HttpResponse {
    let (id, number) = place.into_inner();
    let Picture { width, q } = picture.into_inner();
    let drawn = async {
        let mut marks = Vec::new();
        if let Some(quote) = asked(q) {
            let record = record(&state, &id).await?;
            let page = state.library.catalog.page(&record.id, number).await?;
            if let Some(page) = page
                && let Some(place) = find(&page.text, &quote)
            {
                let rects = locate::rects(std::slice::from_ref(&page), place.start, place.end);
                marks.extend(rects.into_iter().map(|mark| mark.rect));
            }
        }
        state
            .library
            .page_image(&id, number, width.unwrap_or(DEFAULT_WIDTH), marks)
            .await
    };
    match drawn.await {
        Ok(png) => HttpResponse::Ok()
            .content_type("image/png")
            .insert_header((CACHE_CONTROL, "private, max-age=3600"))
            .body(png),
        Err(error) => problem::json(&Problem::from_error(&error)),
    }
}

#[get("/documents/{id}/file")]
pub(super) async fn document_file(state: Shared, id: web::Path<String>) -> HttpResponse {
    let found = async {
        let record = record(&state, &id).await?;
        let bytes = state.library.blobs.get(&record.sha256).await?;
        anyhow::Ok((record.file, record.format, bytes))
    };
    match found.await {
        // A web page or an XML file from elsewhere must not run here: it is downloaded.
        Ok((file, format, bytes)) if format != Format::Pdf => HttpResponse::Ok()
            .content_type("application/octet-stream")
            .insert_header((
                CONTENT_DISPOSITION,
                inline(&file).replacen("inline", "attachment", 1),
            ))
            .body(bytes),
        Ok((file, _, bytes)) => HttpResponse::Ok()
            .content_type("application/pdf")
            .insert_header((CONTENT_DISPOSITION, inline(&file)))
            .body(bytes),
        Err(error) => problem::page(&Problem::from_error(&error)),
    }
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

#[get("/login")]
pub(super) async fn login_form(next: web::Query<Next>) -> HttpResponse {
    let page = LoginPage {
        next: local(next.into_inner().next),
        error: None,
    };
    shown(async { Ok(page) }).await
}

#[derive(Deserialize)]
struct SignIn {
    token: String,
    next: Option<String>,
}

#[post("/login")]
pub(super) async fn login(state: Shared, form: web::Form<SignIn>) -> HttpResponse {
    let SignIn { token, next } = form.into_inner();
    let next = local(next);
    match state.guard.sign_in(&token) {
        Some(session) => {
            let cookie = Cookie::build(SESSION_COOKIE, session.to_owned())
                .path("/")
                .http_only(true)
                .same_site(SameSite::Strict)
                .finish();
            HttpResponse::build(StatusCode::SEE_OTHER)
                .cookie(cookie)
                .insert_header((LOCATION, next))
                .finish()
        }
        None => {
            // Guessing is slow: each wrong try costs a second.
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let page = LoginPage {
                next,
                error: Some("That is not the token of this Lectern.".into()),
            };
            let mut response = shown(async { Ok(page) }).await;
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        }
    }
}

pub(super) async fn shown<T: Template>(
    page: impl Future<Output = anyhow::Result<T>>,
) -> HttpResponse {
    let rendered = async { page.await?.render().context("rendering the page") };
    match rendered.await {
        Ok(html) => HttpResponse::Ok()
            .content_type(ContentType::html())
            .body(html),
        Err(error) => problem::page(&Problem::from_error(&error)),
    }
}

pub(super) async fn collections(state: &State) -> anyhow::Result<Vec<String>> {
    Ok(state
        .library
        .catalog
        .collections()
        .await?
        .into_iter()
        .map(|(name, _)| name)
        .collect())
}

async fn record(state: &State, id: &str) -> anyhow::Result<DocumentRecord> {
    state.library.document(id).await
}

fn view(record: DocumentRecord) -> Document {
    Document {
        id: record.id,
        file: record.file,
        title: Some(record.title),
        authors: record.authors,
        year: record.year.and_then(|year| u32::try_from(year).ok()),
        pages: record.pages,
        chunks: record.chunks,
        is_pdf: record.format == Format::Pdf,
        status: match record.status {
            DocumentStatus::Ready => "ready".into(),
            DocumentStatus::NeedsOcr => "needs_ocr".into(),
        },
        collection: record.collection,
        added_at: record.added_at,
        bytes: record.bytes,
    }
}

fn paper(details: &DocumentDetails) -> Paper {
    let metadata = &details.record.metadata;
    let value = |field: &Option<ingest::Field<String>>| field.as_ref().map(|f| f.value.clone());
    Paper {
        venue: value(&metadata.venue),
        doi: value(&metadata.doi),
        arxiv_id: value(&metadata.arxiv_id),
        abstract_text: value(&metadata.abstract_text)
            .map(|text| text.split("\n\n").map(str::to_owned).collect())
            .unwrap_or_default(),
        keywords: metadata
            .keywords
            .as_ref()
            .map(|field| field.value.clone())
            .unwrap_or_default(),
        warnings: details
            .record
            .warnings
            .iter()
            .map(|warning| warning.message.clone())
            .collect(),
        references: details
            .references
            .iter()
            .map(|linked| (linked.reference.text.clone(), linked.document_id.clone()))
            .collect(),
        cited_by: details
            .cited_by
            .iter()
            .map(|citing| (citing.document_id.clone(), citing.title.clone()))
            .collect(),
        duplicates: details
            .duplicates
            .iter()
            .map(|one| (one.document_id.clone(), one.title.clone(), one.why()))
            .collect(),
    }
}

/// Where a quote stands on a page; runs of white space count as one, because an address may have
/// lost line ends.
fn find(text: &str, quote: &str) -> Option<std::ops::Range<usize>> {
    if let Some(start) = text.find(quote) {
        return Some(start..start + quote.len());
    }
    let words: Vec<&str> = quote.split_whitespace().collect();
    let first = words.first()?;
    'places: for (start, _) in text.match_indices(first) {
        let mut end = start;
        for word in &words {
            let rest = &text[end..];
            let skipped = rest.len() - rest.trim_start().len();
            if !rest[skipped..].starts_with(word) {
                continue 'places;
            }
            end += skipped + word.len();
        }
        return Some(start..end);
    }
    None
}

/// A path on this server, whatever was asked for.
fn local(next: Option<String>) -> String {
    match next {
        Some(next)
            if next.starts_with('/')
                && !next.starts_with("//")
                && !next.contains('\\')
                && !next.chars().any(char::is_control) =>
        {
            next
        }
        _ => "/".to_owned(),
    }
}

/// `Content-Disposition` for a file shown in the browser (RFC 6266, RFC 8187).
fn inline(file: &str) -> String {
    let ascii: String = file
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_. ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut encoded = String::new();
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("inline; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_found_over_line_ends() {
        let text = "A leader is\nelected  in 35 ms. A leader is elected twice.";
        let place = find(text, "leader is elected in 35 ms.").unwrap();
        assert_eq!(&text[place], "leader is\nelected  in 35 ms.");
        assert_eq!(find(text, "nowhere"), None);
        assert_eq!(find(text, " "), Some(1..2));
    }

    #[test]
    fn sign_in_leads_nowhere_else() {
        assert_eq!(local(Some("/library?x=1".into())), "/library?x=1");
        for next in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "",
        ] {
            assert_eq!(local(Some(next.into())), "/");
        }
    }

    #[test]
    fn the_way_back_leads_to_an_answer() {
        assert_eq!(
            answer_address("0199-ab.3").as_deref(),
            Some("/conversations/0199-ab#turn-3")
        );
        for from in ["", "a", ".1", "a.x", "../x.1", "//evil.example.1"] {
            assert_eq!(answer_address(from), None, "{from}");
        }
    }

    #[test]
    fn file_names_cannot_break_the_header() {
        let header = inline("a\"b\r\nü.pdf");
        assert!(
            !header.contains('\r') && header.contains("filename=\"a_b___.pdf\""),
            "{header}"
        );
        assert!(header.contains("%C3%BC.pdf"), "{header}");
    }
}
