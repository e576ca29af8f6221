//! Checks that catalog, indexes, files and models agree, and says what to do where they don't.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{Indexes, Library, blocking};
use crate::models::{self, pull};

/// Chunks that each store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkCounts {
    /// In the catalog.
    pub catalog: u64,
    /// Vectors.
    pub dense: u64,
    /// Postings.
    pub bm25: u64,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do, where it is not.
    pub hint: Option<String>,
}

/// What `doctor --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// True where every check is.
    pub ok: bool,
    /// Chunks that each store holds.
    pub chunks: ChunkCounts,
    /// Documents in the catalog.
    pub documents: u64,
    /// What was looked at.
    pub checks: Vec<Check>,
}

impl Library {
    /// Looks at everything; changes nothing, fetches nothing.
    ///
    /// # Errors
    /// Where the catalog cannot be read at all.
    pub async fn doctor(&self) -> Result<Report> {
        let mut checks = Vec::new();
        let integrity = self.catalog.integrity().await?;
        checks.push(check(
            "catalog",
            integrity == "ok",
            integrity,
            "restore a backup of the data folder",
        ));

        let documents = self.catalog.count_documents().await?;
        let latest = self.catalog.latest_change().await?;
        let mut chunks = ChunkCounts {
            catalog: self.catalog.count_chunks().await?,
            ..ChunkCounts::default()
        };
        match self.indexes_as_they_are() {
            Ok(indexes) => {
                let (dense, bm25) = (indexes.dense.count(None)?, indexes.lexical.count(None)?);
                chunks.dense = dense as u64;
                chunks.bm25 = bm25 as u64;
                checks.push(self.level(
                    "dense index",
                    dense as u64,
                    chunks.catalog,
                    indexes.dense.watermark(),
                    latest,
                ));
                checks.push(self.level(
                    "BM25 index",
                    bm25 as u64,
                    chunks.catalog,
                    indexes.lexical.watermark()?,
                    latest,
                ));
            }
            Err(error) => checks.push(check(
                "indexes",
                false,
                format!("{error:#}"),
                "run `lectern reindex`",
            )),
        }
        checks.push(self.check_blobs().await?);
        checks.extend(self.check_models().await?);
        Ok(Report {
            ok: checks.iter().all(|check| check.ok),
            chunks,
            documents,
            checks,
        })
    }

    /// The indexes without catching up, so that the doctor sees what is there.
    fn indexes_as_they_are(&self) -> Result<std::sync::Arc<Indexes>> {
        match self.indexes.get() {
            Some(indexes) => Ok(indexes.clone()),
            None => Ok(Indexes::open(&self.index_folder(), &self.embedder_model.space())?.into()),
        }
    }

    fn level(&self, name: &str, held: u64, wanted: u64, watermark: u64, latest: u64) -> Check {
        let ok = held == wanted && watermark >= latest;
        let detail = format!("{held} of {wanted} chunks, at change {watermark} of {latest}");
        let hint = if watermark < latest {
            "it catches up by itself at the next ingest, search or serve"
        } else {
            "run `lectern reindex`"
        };
        check(name, ok, detail, hint)
    }

    async fn check_blobs(&self) -> Result<Check> {
        let mut missing = Vec::new();
        for record in self.catalog.documents(None).await? {
            if !self.blobs.has(&record.sha256).await {
                missing.push(record.file);
            }
        }
        let detail = match missing.len() {
            0 => "every document's file is there".to_owned(),
            count => format!("{count} files are missing: {}", missing.join(", ")),
        };
        Ok(check(
            "files",
            missing.is_empty(),
            detail,
            "add those files again",
        ))
    }

    async fn check_models(&self) -> Result<Vec<Check>> {
        let models_dir = self.settings.models_dir.clone();
        blocking(move || {
            Ok(models::registry()
                .iter()
                .map(|model| {
                    let name = format!("model {}", model.id);
                    let hint = "run `lectern models pull`";
                    if !model.is_present(&models_dir) {
                        let detail = format!("not in {} yet", model.folder(&models_dir).display());
                        return check(&name, false, detail, hint);
                    }
                    match pull::verify(model, &models_dir) {
                        Ok(()) => check(&name, true, "present, SHA-256 as expected".into(), hint),
                        Err(error) => check(&name, false, format!("{error:#}"), hint),
                    }
                })
                .collect())
        })
        .await
    }
}

fn check(name: &str, ok: bool, detail: String, hint: &str) -> Check {
    Check {
        name: name.to_owned(),
        ok,
        detail,
        hint: (!ok).then(|| hint.to_owned()),
    }
}
