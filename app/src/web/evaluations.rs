//! What the library answers to its own questions, over HTTP.

use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::State;
use super::problem::Failed;
use crate::error::{Fault, Problem};
use crate::eval::own::{self, QUESTIONS, SelfEvaluation, SelfRequest};

type Shared = web::Data<State>;
type Answered = Result<HttpResponse, Failed>;

/// Evaluations that are listed, at most.
const LISTED: u32 = 50;

/// Evaluations of the library by its own questions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SelfEvaluations {
    /// Newest first, 50 at most.
    evaluations: Vec<SelfEvaluation>,
    /// True while the questions are being asked.
    running: bool,
}

/// What to ask.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SelfEvaluate {
    /// Questions on sentences of the library, 1 to 1000; 60 where not given.
    questions: Option<usize>,
    /// Forget those that are kept, and make others.
    anew: bool,
    /// Answer with quotes only.
    extractive: bool,
}

/// List how the library answered its own questions.
#[utoipa::path(tag = "evaluation", responses((status = 200, body = SelfEvaluations)))]
#[get("/evaluations")]
pub(super) async fn list_evaluations(state: Shared) -> Answered {
    Ok(HttpResponse::Ok().json(SelfEvaluations {
        evaluations: state.library.catalog.self_evaluations(LISTED).await?,
        running: own::is_running(&state.library),
    }))
}

/// Ask the library its own questions again.
///
/// It runs in the background; `running` of `GET /api/v1/evaluations` says when it is over.
#[utoipa::path(
    tag = "evaluation",
    responses((status = 202, description = "They are being asked.", body = SelfEvaluations)),
)]
#[post("/evaluations")]
pub(super) async fn start_evaluation(state: Shared, request: web::Json<SelfEvaluate>) -> Answered {
    let questions = request.questions.unwrap_or(QUESTIONS);
    if !(1..=1000).contains(&questions) {
        return Err(Problem::new(
            Fault::Usage,
            "questions_invalid",
            format!("{questions} is no number of questions"),
            "give a number from 1 to 1000",
        )
        .into());
    }
    let started = own::start(
        state.library.clone(),
        SelfRequest {
            questions,
            anew: request.anew,
            extractive: request.extractive,
            reason: "asked for".to_owned(),
        },
    );
    if !started {
        return Err(Problem::new(
            Fault::Conflict,
            "self_evaluation_running",
            "the library is being asked its own questions already",
            "wait until `running` of GET /api/v1/evaluations is false",
        )
        .into());
    }
    Ok(HttpResponse::Accepted().json(SelfEvaluations {
        evaluations: state.library.catalog.self_evaluations(LISTED).await?,
        running: true,
    }))
}
