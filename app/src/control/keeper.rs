//! A library that is kept open from one request to the next, for a process that lives as long as a
//! conversation and asks now and then.
//!
//! Where another process owns the data folder, requests go to it. Where none does, this one opens the
//! folder, answers others over the socket meanwhile, and lets go once nobody has asked for a while:
//! models stay loaded through a conversation, and `lectern serve` can be started beside it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use super::{Event, Reached, Request, reach, socket, start_here};
use crate::library::Library;
use crate::settings::Settings;

/// Who holds the library while nothing is asked of it: the keeper and its socket.
const HOLDERS: usize = 2;

/// Keeps a library open while it is used.
pub struct Keeper {
    settings: Settings,
    idle: Duration,
    held: Mutex<Option<Held>>,
}

struct Held {
    library: Arc<Library>,
    socket: JoinHandle<()>,
    asked: Instant,
}

impl Keeper {
    /// A keeper that lets go of the data folder when nobody has asked for `idle`.
    pub fn new(settings: Settings, idle: Duration) -> Arc<Self> {
        let keeper = Arc::new(Self {
            settings,
            idle,
            held: Mutex::default(),
        });
        let watched = Arc::downgrade(&keeper);
        let pause = (idle / 4).max(Duration::from_millis(50));
        tokio::spawn(async move {
            while let Some(keeper) = watched.upgrade() {
                keeper.let_go_if_idle().await;
                drop(keeper);
                tokio::time::sleep(pause).await;
            }
        });
        keeper
    }

    /// Starts a request where the library is. Dropping the receiver cancels the request.
    ///
    /// # Errors
    /// Where the folder cannot be opened.
    pub async fn start(&self, request: Request) -> Result<UnboundedReceiver<Event>> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_mut() {
            held.asked = Instant::now();
            return Ok(start_here(held.library.clone(), request));
        }
        match reach(&self.settings, &request).await? {
            Reached::Elsewhere(events) => Ok(events),
            Reached::Here(library) => {
                *held = Some(Held {
                    socket: socket::listen(library.clone())?,
                    library: library.clone(),
                    asked: Instant::now(),
                });
                Ok(start_here(library, request))
            }
        }
    }

    /// Lets go of the data folder now.
    pub async fn close(&self) {
        if let Some(held) = self.held.lock().await.take() {
            held.close().await;
        }
    }

    async fn let_go_if_idle(&self) {
        let mut held = self.held.lock().await;
        let is_idle = held.as_ref().is_some_and(|held| {
            held.asked.elapsed() >= self.idle && Arc::strong_count(&held.library) <= HOLDERS
        });
        if is_idle && let Some(held) = held.take() {
            held.close().await;
        }
    }
}

impl Held {
    async fn close(self) {
        self.socket.abort();
        let _ = self.socket.await;
        if let Err(error) = self.library.close().await {
            tracing::warn!("the indexes could not be written, they catch up later: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[tokio::test]
    async fn a_folder_is_free_again_when_nobody_asks() {
        let folder = tempfile::tempdir().unwrap();
        let flags = [("data_dir", folder.path().display().to_string())];
        let settings = Settings::load(None, std::iter::empty(), &flags).unwrap();
        let keeper = Keeper::new(settings.clone(), Duration::from_millis(100));
        let mut events = keeper.start(Request::Collections).await.unwrap();
        assert!(matches!(events.recv().await, Some(Event::Collections(_))));
        assert!(keeper.held.lock().await.is_some());

        // Another process is served over the socket meanwhile.
        let mut others = super::super::start(settings.clone(), Request::Collections)
            .await
            .unwrap();
        assert!(matches!(others.recv().await, Some(Event::Collections(_))));

        let library = opened(&settings).await;
        assert!(keeper.held.lock().await.is_none());
        drop(library);
        let mut events = keeper.start(Request::Collections).await.unwrap();
        assert!(events.recv().await.is_some(), "and taken again");
        keeper.close().await;
        opened(&settings).await;
    }

    #[tokio::test]
    async fn a_folder_that_somebody_is_about_to_let_go_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let flags = [("data_dir", folder.path().display().to_string())];
        let settings = Settings::load(None, std::iter::empty(), &flags).unwrap();
        let library = opened(&settings).await;
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            drop(library);
        });
        let mut events = super::super::start(settings, Request::Collections)
            .await
            .unwrap();
        assert!(matches!(events.recv().await, Some(Event::Collections(_))));
    }

    /// The library, once nobody else has it open.
    async fn opened(settings: &Settings) -> Arc<Library> {
        loop {
            if let Ok(library) = Library::open(settings.clone()).await {
                return library;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
