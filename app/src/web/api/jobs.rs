//! Jobs: what becomes of uploads.

use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::State;
use super::{Answered, Shared};
use crate::catalog::{Job, Place};
use crate::error::{Fault, Problem};
use crate::paging::Page;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Only those that are queued or running.
    #[serde(default)]
    unfinished: bool,
    /// How many at most, 1 to 1000; 100 where not given.
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

/// A part of the list of jobs.
#[derive(Serialize, ToSchema)]
struct JobList {
    /// Newest first.
    jobs: Vec<Job>,
    /// `cursor` of the next part; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// One job.
#[derive(Serialize, ToSchema)]
pub(crate) struct OneJob {
    /// The job.
    pub(crate) job: Job,
}

/// List jobs, newest first.
#[utoipa::path(tag = "jobs", params(Listing), responses((status = 200, body = JobList)))]
#[get("/jobs")]
pub(crate) async fn list_jobs(state: Shared, listing: web::Query<Listing>) -> Answered {
    let page = Page::<Place>::read("jobs", listing.limit, listing.cursor.as_deref())?;
    let catalog = &state.library.catalog;
    let found = catalog
        .jobs_after(listing.unfinished, page.after.as_ref(), page.wanted())
        .await?;
    let (mut jobs, next_cursor) = page.cut(found, Job::place);
    for job in &mut jobs {
        state.worker.complete(job);
    }
    Ok(HttpResponse::Ok().json(JobList { jobs, next_cursor }))
}

/// Show a job.
#[utoipa::path(
    tag = "jobs",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, body = OneJob)),
)]
#[get("/jobs/{id}")]
pub(crate) async fn show_job(state: Shared, id: web::Path<String>) -> Answered {
    one_job(&state, &id).await
}

/// Cancel a job.
///
/// At once where it waits, at the next page or batch where it runs; a finished one stays as it is.
#[utoipa::path(
    tag = "jobs",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, body = OneJob)),
)]
#[post("/jobs/{id}/cancel")]
pub(crate) async fn cancel_job(state: Shared, id: web::Path<String>) -> Answered {
    state.worker.cancel(&id).await?;
    one_job(&state, &id).await
}

async fn one_job(state: &State, id: &str) -> Answered {
    let mut job = state.library.catalog.job(id).await?.ok_or_else(|| {
        Problem::new(
            Fault::NotFound,
            "job_not_found",
            format!("there is no job {id:?}"),
            "GET /api/v1/jobs lists them",
        )
    })?;
    state.worker.complete(&mut job);
    Ok(HttpResponse::Ok().json(OneJob { job }))
}
