//! Conversations over HTTP: their JSON routes, their list, and one turn as a piece of a page.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::Deserialize;

use super::State;
use super::pages::shown;
use super::problem::Failed;
use super::views::{ConversationsPage, TurnFragment, TurnView};
use crate::control::ExportFormat;
use crate::error::{Fault, Problem};

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// Conversations on a page of the list.
const LISTED: usize = 30;

#[derive(Deserialize)]
struct Listing {
    limit: Option<usize>,
    cursor: Option<String>,
}

#[get("/conversations")]
pub(super) async fn list(state: Shared, listing: web::Query<Listing>) -> Answered {
    let Listing { limit, cursor } = listing.into_inner();
    let found = state
        .library
        .conversations(limit, cursor.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginning {
    title: Option<String>,
    collection: Option<String>,
    #[serde(default)]
    documents: Vec<String>,
}

#[post("/conversations")]
pub(super) async fn begin(state: Shared, beginning: web::Json<Beginning>) -> Answered {
    let Beginning {
        title,
        collection,
        documents,
    } = beginning.into_inner();
    let begun = state
        .library
        .begin_conversation(title.as_deref(), collection.as_deref(), &documents)
        .await?;
    Ok(HttpResponse::Created().json(begun))
}

#[get("/conversations/{id}")]
pub(super) async fn show(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.conversation_details(&id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Titled {
    title: String,
}

#[patch("/conversations/{id}")]
pub(super) async fn rename(
    state: Shared,
    id: web::Path<String>,
    titled: web::Json<Titled>,
) -> Answered {
    let renamed = state
        .library
        .rename_conversation(&id, &titled.title)
        .await?;
    Ok(HttpResponse::Ok().json(renamed))
}

#[delete("/conversations/{id}")]
pub(super) async fn forget(state: Shared, id: web::Path<String>) -> Answered {
    state.library.delete_conversation(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
struct Exporting {
    #[serde(default = "markdown")]
    format: ExportFormat,
}

fn markdown() -> ExportFormat {
    ExportFormat::Markdown
}

#[get("/conversations/{id}/export")]
pub(super) async fn export(
    state: Shared,
    id: web::Path<String>,
    exporting: web::Query<Exporting>,
) -> Answered {
    let id = state.library.conversation(&id).await?.id;
    let text = state
        .library
        .export_conversation(&id, exporting.format)
        .await?;
    let (kind, ending) = match exporting.format {
        ExportFormat::Bibtex => ("application/x-bibtex; charset=utf-8", "bib"),
        ExportFormat::CslJson => ("application/vnd.citationstyles.csl+json", "json"),
        ExportFormat::Markdown => ("text/markdown; charset=utf-8", "md"),
    };
    let file = format!("attachment; filename=\"conversation-{id}.{ending}\"");
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header((CONTENT_DISPOSITION, file))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(text))
}

#[get("/conversations")]
pub(super) async fn list_page(state: Shared, listing: web::Query<Listing>) -> HttpResponse {
    shown(async {
        let cursor = listing.into_inner().cursor;
        let found = state
            .library
            .conversations(Some(LISTED), cursor.as_deref())
            .await?;
        Ok(ConversationsPage {
            csrf_token: state.guard.csrf().to_owned(),
            conversations: found.conversations,
            next: found.next_cursor,
        })
    })
    .await
}

/// The turn that an answer belongs to, as the page of its conversation shows it.
#[get("/conversations/{id}/turns/{answer}")]
pub(super) async fn turn(state: Shared, place: web::Path<(String, String)>) -> HttpResponse {
    let (id, answer) = place.into_inner();
    shown(async {
        let details = state.library.conversation_details(&id).await?;
        let turn = details
            .messages
            .iter()
            .find(|turn| turn.answer_id == answer)
            .ok_or_else(|| {
                Problem::new(
                    Fault::NotFound,
                    "answer_not_found",
                    "this conversation has no such answer",
                    "reload the page",
                )
            })?;
        Ok(TurnFragment {
            turn: TurnView::of(&details.conversation.id, turn),
        })
    })
    .await
}
