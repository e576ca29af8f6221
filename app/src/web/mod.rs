//! The web page and its API.
//!
//! [`serve`] binds and runs; every request passes [`security`] first. [`pages`] are the HTML pages
//! (their data is in [`views`]), [`search`] finds passages for both, [`api`] the JSON routes, [`upload`] takes files, [`ask`] streams
//! answers, [`conversations`] keeps them together.

mod api;
mod ask;
mod assets;
mod conversations;
mod pages;
mod problem;
mod search;
pub mod security;
mod upload;
pub mod views;

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use anyhow::{Context, Result};

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
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(problem::json_config())
            .app_data(problem::query_config())
            .app_data(problem::path_config())
            .wrap(from_fn(security::check))
            .configure(routes)
    })
    .workers(2)
    .shutdown_timeout(2)
    .disable_signals()
    .listen(listener)
    .context("starting the web server")?
    .run();
    Ok(server)
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(pages::ask_page)
        .service(conversations::list_page)
        .service(pages::conversation_page)
        .service(conversations::turn)
        .service(pages::library_page)
        .service(search::search_page)
        .service(pages::document_page)
        .service(pages::page_image)
        .service(pages::page_view)
        .service(pages::document_file)
        .service(pages::login_form)
        .service(pages::login)
        .service(assets::asset)
        .service(assets::icon)
        .service(api::live)
        .service(api::ready)
        .service(
            web::scope("/api/v1")
                .service(api::session)
                .service(api::list_documents)
                .service(api::show_document)
                .service(api::delete_document)
                .service(api::move_document)
                .service(api::list_collections)
                .service(api::create_collection)
                .service(api::delete_collection)
                .service(api::search_passages)
                .service(search::search_api)
                .service(api::list_jobs)
                .service(api::show_job)
                .service(api::cancel_job)
                .service(upload::upload)
                .service(conversations::list)
                .service(conversations::begin)
                .service(conversations::show)
                .service(conversations::rename)
                .service(conversations::forget)
                .service(conversations::export)
                .service(ask::ask),
        )
        .default_service(web::route().to(pages::not_found));
}
