//! What a server does for its indexes in the background: catching up, building the generation that
//! the settings ask for, and, when writes have gone quiet, the slow work that makes searching
//! faster. Nothing of it holds up a search, or a write for longer than one document takes to apply.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;

use super::follow::Writing;
use super::locked;
use crate::library::Library;

/// How long writes must have been quiet before the slow work begins.
const QUIET: Duration = Duration::from_secs(5);
/// How long to wait after a failure, and at most between two looks.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Library {
    /// Keeps the indexes in shape from now on, until the library is [closed](Self::close) or gone.
    /// What is behind is caught up with in the background then, and searches don't wait for it.
    pub fn keep_up(self: &Arc<Self>) {
        self.resident.store(true, Ordering::Release);
        let library = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(library) = library.upgrade() {
                if !library.is_resident() {
                    return;
                }
                if let Err(error) = library.look_after_indexes().await {
                    tracing::warn!(
                        "the indexes cannot be kept up, trying again in {} s: {error:#}",
                        LOOK_AGAIN.as_secs()
                    );
                    tokio::time::sleep(LOOK_AGAIN).await;
                    continue;
                }
                let woken = library.upkeep.clone();
                drop(library);
                let _ = tokio::time::timeout(LOOK_AGAIN, woken.notified()).await;
            }
        });
    }

    /// After many writes: makes them durable and, where no server does it later, does the slow
    /// work on the indexes now.
    ///
    /// # Errors
    /// Where an index cannot be written; it catches up later then.
    pub async fn settle(&self) -> Result<()> {
        self.commit().await?;
        if !self.is_resident()
            && self.unoptimised.swap(false, Ordering::Relaxed)
            && let Some(indexes) = self.active()
        {
            self.optimize(&indexes).await?;
        }
        Ok(())
    }

    /// Makes durable what is not yet, and ends the upkeep.
    ///
    /// # Errors
    /// Where an index cannot be written; it catches up when it is next opened.
    pub async fn close(&self) -> Result<()> {
        self.resident.store(false, Ordering::Release);
        self.wake_upkeep();
        self.commit().await
    }

    /// True where a server runs: slow work goes to the background.
    pub(super) fn is_resident(&self) -> bool {
        self.resident.load(Ordering::Acquire)
    }

    /// Has the upkeep look after the indexes now.
    pub(super) fn wake_upkeep(&self) {
        self.upkeep.notify_one();
    }

    async fn look_after_indexes(&self) -> Result<()> {
        let indexes = self.indexes().await?;
        if !self.pending(&indexes, None).await?.is_empty() {
            let caught_up = self
                .catch_up(&indexes, None, Writing::Free, &|_, _| ())
                .await;
            if let Err(error) = caught_up {
                let _writing = self.writing.lock().await;
                // What was replaced is behind, and this is called again at once.
                return match self.mend(&indexes, &error).await? {
                    true => Ok(()),
                    false => Err(error),
                };
            }
        }
        drop(indexes);
        self.build_if_wanted().await?;
        if self.unoptimised.load(Ordering::Relaxed) && self.is_quiet().await? {
            self.unoptimised.store(false, Ordering::Relaxed);
            let indexes = self.indexes().await?;
            if self.optimize(&indexes).await? {
                tracing::debug!("the indexes were optimised");
            }
        }
        Ok(())
    }

    /// True where nothing is written for a while.
    async fn is_quiet(&self) -> Result<bool> {
        let before = self.catalog.latest_change().await?;
        tokio::time::sleep(QUIET).await;
        let is_written = self
            .active()
            .is_some_and(|active| locked(&active.dirty).is_some());
        Ok(!is_written && self.catalog.latest_change().await? == before)
    }
}
