//! Adapters that are trained further: a few corrections must add to what answers, not take its place.
//!
//! A run goes on from what answers unless it is told otherwise. What it makes learnt from all that the
//! one before it did, and is taken down so: nobody is tested on what either was trained on, and who
//! deletes a document sees both.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::built_in::built_in;
use super::evaluate::BASE;
use super::files::Files;
use super::service::{ID_DIGITS, Wanted};
use crate::library::{Library, blocking};
use crate::models::answerer::Answerer;

impl Library {
    /// The folder of the adapter that a run goes on from: that of the one named (an id, the start of
    /// one, or an absolute path), of what answers where none is named; none for `base`, and where what
    /// answers has none.
    ///
    /// # Errors
    /// A problem `adapter_not_found`, `adapter_ambiguous` or `adapter_base_differs`.
    pub async fn adapter_to_train(&self, from: Option<&str>) -> Result<Option<PathBuf>> {
        let Some(named) = from else {
            if let Answerer::Server(_) = &self.answerer {
                return Ok(None);
            }
            return Ok(match self.wanted().await?.0 {
                Wanted::None(_) => None,
                Wanted::At { folder, .. } => Some(folder),
            });
        };
        if named == BASE {
            return Ok(None);
        }
        if Path::new(named).is_absolute() {
            // A run's folder or an adapter's; what is neither is told of when it is read.
            let (run, folder) = (Path::new(named).join("adapter"), PathBuf::from(named));
            return blocking(move || Ok(Some(if run.is_dir() { run } else { folder }))).await;
        }
        let own = built_in();
        if own.id() == named {
            return self.keep_built_in(own).await.map(Some);
        }
        let record = self.found_adapter(named).await?;
        self.check_base(&record).await?;
        Ok(Some(self.adapter_folder(&record.sha256)))
    }

    /// As [`adapter_to_train`](Self::adapter_to_train) for requests that may not name files.
    ///
    /// # Errors
    /// As there, and where a path is named.
    pub async fn known_adapter_to_train(&self, from: Option<&str>) -> Result<Option<PathBuf>> {
        match from.filter(|named| Path::new(named).is_absolute()) {
            Some(named) => Err(super::not_found(named).into()),
            None => self.adapter_to_train(from).await,
        }
    }

    /// What the adapter `id` learnt from, wherever it came from: documents, and feedback.
    pub(super) async fn sources_of(&self, id: &str) -> Result<(Vec<String>, Vec<String>)> {
        let own = built_in();
        match own.id() == id {
            true => Ok((own.documents().map(str::to_owned).collect(), Vec::new())),
            false => self.catalog.adapter_sources(id).await,
        }
    }
}

/// The id of the adapter that a run went on from, by the copy in its folder; none where it began anew.
pub(super) fn started_from(run: &Path) -> Result<Option<String>> {
    let folder = run.join("start");
    if !folder.is_dir() {
        return Ok(None);
    }
    let sha256 = Files::read(&folder)?.sha256;
    let own = built_in();
    Ok(Some(match own.sha256() == sha256 {
        true => own.id().to_owned(),
        false => sha256[..ID_DIGITS].to_owned(),
    }))
}
