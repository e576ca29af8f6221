//! The web page and its API.
//!
//! [`serve`] binds and runs; every request passes [`security`] first. [`pages`] are the HTML pages
//! (their data is in [`views`]), [`search`] finds passages for both, [`api`] the JSON routes, [`upload`] takes files, [`ask`] streams
//! answers, [`answers`] shows those that were given, [`conversations`] keeps them together,
//! [`feedback`] is what people say of them, [`datasets`] and [`training`] make adapters of that,
//! [`adapters`] lets the better ones answer, [`evaluations`] asks the library its own questions. [`openapi`]
//! describes the API to programs and people, [`idempotency`] lets requests be sent twice, [`mcp`]
//! serves the Model Context Protocol, [`openai`] is the API that OpenAI's clients speak.

mod adapters;
mod answers;
mod api;
mod ask;
mod assets;
mod comparisons;
mod conversations;
mod datasets;
mod evaluations;
mod feedback;
mod idempotency;
mod mcp;
mod openai;
mod openapi;
mod pages;
mod problem;
mod search;
pub mod security;
mod training;
mod upload;
pub mod views;

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use anyhow::{Context, Result};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};

use crate::error::{Fault, Problem};
use crate::jobs::Worker;
use crate::library::Library;
use crate::settings::Settings;
use security::Guard;

/// What every handler can reach.
pub struct State {
    /// The library.
    pub library: Arc<Library>,
    /// Works through uploads.
    pub worker: Arc<Worker>,
    /// Who may do what.
    pub guard: Guard,
    in_flight: idempotency::InFlight,
}

/// Binds the address that the settings name.
///
/// # Errors
/// A problem `token_required` where it is not a loopback address and no token is set, or
/// `address_unavailable`.
pub fn bind(settings: &Settings) -> Result<TcpListener, Problem> {
    let addr = settings.addr;
    if !addr.ip().is_loopback() && settings.token.is_none() {
        return Err(Problem::new(
            Fault::Usage,
            "token_required",
            format!("{addr} can be reached from other machines, and no token is set"),
            "set LECTERN_TOKEN to a secret of at least 16 characters, or listen on 127.0.0.1",
        ));
    }
    TcpListener::bind(addr).map_err(|error| {
        Problem::new(
            Fault::Conflict,
            "address_unavailable",
            format!("cannot listen on {addr}: {error}"),
            "stop what uses that port, or choose another with --addr, such as --addr 127.0.0.1:0",
        )
    })
}

/// Serves the library on a bound listener until the server is stopped. The background worker runs
/// beside it.
///
/// # Errors
/// Where the server cannot be started.
pub fn serve(library: Arc<Library>, listener: TcpListener) -> Result<Server> {
    let local = listener.local_addr().context("reading the bound address")?;
    let worker = Worker::start(library.clone());
    let guard = Guard::new(&library.settings, local);
    let state = web::Data::new(State {
        library,
        worker,
        guard,
        in_flight: idempotency::InFlight::default(),
    });
    let server = HttpServer::new(move || {
        let (app, document) = App::new()
            .into_utoipa_app()
            .openapi(openapi::base())
            .configure(routes)
            .split_for_parts();
        app.app_data(state.clone())
            .app_data(web::Data::new(openapi::ApiDocument::new(document)))
            .app_data(problem::json_config())
            .app_data(problem::query_config())
            .app_data(problem::path_config())
            .wrap(from_fn(problem::catch_panics))
            .wrap(from_fn(security::check))
    })
    .workers(2)
    // A client that closes its side is gone: what it asked for is not worth finishing.
    .h1_allow_half_closed(false)
    .shutdown_timeout(2)
    .disable_signals()
    .listen(listener)
    .context("starting the web server")?
    .run();
    Ok(server)
}

/// All routes. What is given to `service` is described in the OpenAPI document, or does not compile;
/// pages for people, and what speaks another protocol, are added beside it.
fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(api::live)
        .service(api::ready)
        .service(
            scope::scope("/api/v1")
                .service(openapi::openapi_json)
                .service(api::session)
                .service(api::documents::list_documents)
                .service(api::documents::show_document)
                .service(api::documents::delete_document)
                .service(api::documents::move_document)
                .service(api::collections::list_collections)
                .service(api::collections::create_collection)
                .service(api::collections::delete_collection)
                .service(api::search_passages)
                .service(search::search_api)
                .service(api::jobs::list_jobs)
                .service(api::jobs::show_job)
                .service(api::jobs::cancel_job)
                .service(answers::list_answers)
                .service(answers::show_answer)
                .service(answers::delete_answer)
                .service(answers::replay_answer)
                .service(evaluations::list_evaluations)
                .service(evaluations::start_evaluation)
                .service(feedback::give_feedback)
                .service(feedback::list_feedback)
                .service(feedback::export_feedback)
                .service(feedback::import_feedback)
                .service(feedback::show_feedback)
                .service(feedback::edit_feedback)
                .service(feedback::delete_feedback)
                .service(feedback::approve_feedback)
                .service(feedback::reject_feedback)
                .service(feedback::withdraw_feedback)
                .service(adapters::list_adapters)
                .service(adapters::rollback_adapter)
                .service(adapters::show_adapter)
                .service(adapters::delete_adapter)
                .service(adapters::evaluate_adapter)
                .service(adapters::promote_adapter)
                .service(adapters::adapter_lineage)
                .service(adapters::answer_lineage)
                .service(comparisons::list_comparisons)
                .service(comparisons::start_comparison)
                .service(comparisons::show_comparison)
                .service(comparisons::vote)
                .service(comparisons::delete_comparison)
                .service(datasets::list_datasets)
                .service(datasets::prepare_dataset)
                .service(datasets::show_dataset)
                .service(datasets::delete_dataset)
                .service(training::list_runs)
                .service(training::start_run)
                .service(training::show_run)
                .service(training::run_events)
                .service(training::stop_run)
                .service(training::resume_run)
                .service(training::delete_run)
                .service(training::estimate)
                .service(upload::upload)
                .service(conversations::list)
                .service(conversations::begin)
                .service(conversations::show)
                .service(conversations::rename)
                .service(conversations::forget)
                .service(conversations::export)
                .service(ask::ask),
        )
        .map(|config| {
            config
                .service(pages::ask_page)
                .service(conversations::list_page)
                .service(pages::conversation_page)
                .service(conversations::turn)
                .service(feedback::review_page)
                .service(training::page::training_page)
                .service(training::page::run_page)
                .service(training::page::run_panel)
                .service(training::page::comparison_page)
                .service(pages::library_page)
                .service(search::search_page)
                .service(pages::document_page)
                .service(pages::page_image)
                .service(pages::page_view)
                .service(pages::document_file)
                .service(pages::login_form)
                .service(pages::login)
                .service(openapi::api_page)
                .service(assets::asset)
                .service(assets::icon)
                .service(mcp::endpoint())
                .service(openai::scope())
        })
        .default_service(web::route().to(problem::no_route));
}
