//! Conversations over HTTP: their JSON routes, their list, and one turn as a piece of a page.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::State;
use super::pages::{shown, turn_views};
use super::problem::Failed;
use super::views::{ConversationsPage, TurnFragment};
use crate::catalog::Conversation;
use crate::control::ExportFormat;
use crate::error::{Fault, Problem};
use crate::library::conversations::{ConversationDetails, ConversationList};

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// Conversations on a page of the list.
const LISTED: u32 = 30;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// How many at most, 1 to 1000.
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

/// List conversations, the one asked in last first.
#[utoipa::path(
    tag = "conversations",
    operation_id = "list_conversations",
    params(Listing),
    responses((status = 200, body = ConversationList)),
)]
#[get("/conversations")]
pub(super) async fn list(state: Shared, listing: web::Query<Listing>) -> Answered {
    let Listing { limit, cursor } = listing.into_inner();
    let found = state
        .library
        .conversations(limit, cursor.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

/// A conversation to begin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Beginning {
    /// Its name; the first question where not given.
    title: Option<String>,
    /// Ask this collection only.
    collection: Option<String>,
    /// Ask these documents only: ids, starts of ids, or file names.
    #[serde(default)]
    documents: Vec<String>,
}

/// Begin a conversation.
#[utoipa::path(
    tag = "conversations",
    operation_id = "begin_conversation",
    responses((status = 201, description = "It is there.", body = Conversation)),
)]
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

/// Show a conversation with its questions and answers.
#[utoipa::path(
    tag = "conversations",
    operation_id = "show_conversation",
    params(("id" = String, Path, description = "The conversation's id, or a start of it.")),
    responses((status = 200, body = ConversationDetails)),
)]
#[get("/conversations/{id}")]
pub(super) async fn show(state: Shared, id: web::Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(state.library.conversation_details(&id).await?))
}

/// What a conversation is to be called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Titled {
    /// Its name.
    title: String,
}

/// Rename a conversation.
#[utoipa::path(
    tag = "conversations",
    operation_id = "rename_conversation",
    params(("id" = String, Path, description = "The conversation's id, or a start of it.")),
    responses((status = 200, body = Conversation)),
)]
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

/// Delete a conversation with its questions and answers.
#[utoipa::path(
    tag = "conversations",
    operation_id = "delete_conversation",
    params(("id" = String, Path, description = "The conversation's id, or a start of it.")),
    responses((status = 204, description = "It is gone.")),
)]
#[delete("/conversations/{id}")]
pub(super) async fn forget(state: Shared, id: web::Path<String>) -> Answered {
    state.library.delete_conversation(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Exporting {
    /// `markdown` with footnotes, or the sources as `bibtex` or `csl-json`.
    #[serde(default = "markdown")]
    #[param(inline, value_type = Option<ExportFormat>)]
    format: ExportFormat,
}

fn markdown() -> ExportFormat {
    ExportFormat::Markdown
}

/// Write a conversation out.
#[utoipa::path(
    tag = "conversations",
    operation_id = "export_conversation",
    params(("id" = String, Path, description = "The conversation's id, or a start of it."), Exporting),
    responses((status = 200, description = "The text.", content(
        (String = "text/markdown"),
        (String = "application/x-bibtex"),
        (String = "application/vnd.citationstyles.csl+json"),
    ))),
)]
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
        let views =
            turn_views(&state, &details.conversation.id, std::slice::from_ref(turn)).await?;
        let turn = views.into_iter().next().unwrap_or_default();
        Ok(TurnFragment { turn })
    })
    .await
}
