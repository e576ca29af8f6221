//! `lectern serve`.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Result;

use super::args::Serve;
use super::{Exit, output};
use crate::control::socket;
use crate::library::Library;
use crate::settings::Settings;
use crate::web;

pub(super) async fn run(settings: Settings, _args: Serve) -> Result<Exit> {
    let listener = web::bind(&settings)?;
    let library = Library::open(settings).await?;
    until_stopped(library, listener).await
}

/// Serves the web page and the socket until Ctrl-C or SIGTERM.
pub(super) async fn until_stopped(library: Arc<Library>, listener: TcpListener) -> Result<Exit> {
    let address = listener.local_addr()?;
    socket::listen(library.clone())?;
    let server = web::serve(library.clone(), listener)?;
    let handle = server.handle();
    output::line(&format!("listening on http://{address}"))?;
    eprintln!(
        "library: {}; stop with Ctrl-C",
        library.settings.data_dir.display()
    );

    library.keep_up();
    let evaluating = library.clone();
    tokio::spawn(async move {
        if let Err(error) = evaluating.resume_evaluations().await {
            tracing::warn!("evaluations that were under way: {error:#}");
        }
    });
    if library.settings.self_evaluation {
        tokio::spawn(crate::eval::own::keep_asking(library.clone()));
    }
    // Models and indexes are opened now rather than at the first question.
    let warming = library.clone();
    tokio::spawn(async move {
        let warmed = async {
            warming.indexes().await?;
            warming.embedder().await?;
            let answerer = warming.check_answerer().await?;
            match answerer.hint {
                Some(hint) => tracing::warn!("{}; hint: {hint}", answerer.detail),
                None => drop(warming.generator().await?),
            }
            anyhow::Ok(())
        };
        if let Err(error) = warmed.await {
            tracing::warn!("{error:#}; questions will fail until this is mended");
        }
    });

    let running = tokio::spawn(server);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    handle.stop(true).await;
    running.await??;
    library.close().await?;
    Ok(Exit::Done)
}
