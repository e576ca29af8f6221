//! Checks that catalog, indexes, files and models agree, and says what to do where they don't.

use anyhow::Result;
use retrieval::dense::DenseIndex;
use serde::{Deserialize, Serialize};

use super::{Indexes, Library, blocking};
use crate::catalog::READER_VERSION;
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
                    indexes.dense.watermark()?,
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
        checks.extend(self.check_reading().await?);
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

    /// How files are read: what confines the reading process, text recognition, old readings.
    async fn check_reading(&self) -> Result<Vec<Check>> {
        let reader = self.reader.clone();
        let mut checks = blocking(move || {
            let hint =
                "use Linux 5.13 or newer for both layers; memory and time are limited anyway";
            let confined = match reader.reader.probe() {
                Ok(probe) => {
                    let layers = [
                        (probe.confinement.files, "no files (Landlock)"),
                        (
                            probe.confinement.system_calls,
                            "no system calls beyond memory and pipes (seccomp)",
                        ),
                    ];
                    let names: Vec<&str> = layers
                        .iter()
                        .filter(|layer| layer.0)
                        .map(|layer| layer.1)
                        .collect();
                    let escaped: Vec<&str> = probe
                        .attempts
                        .iter()
                        .filter(|attempt| !attempt.refused)
                        .map(|attempt| attempt.what.as_str())
                        .collect();
                    let detail = if escaped.is_empty() {
                        format!(
                            "the process that reads files was refused all it tried: {}",
                            names.join(", ")
                        )
                    } else {
                        format!("the process that reads files could: {}", escaped.join(", "))
                    };
                    check("reader confinement", escaped.is_empty(), detail, hint)
                }
                Err(error) => check("reader confinement", false, error.to_string(), error.hint()),
            };
            // Its absence is no fault: it is said so that scans are no surprise.
            let recognition = match reader.recognition() {
                Ok(found) => format!(
                    "tesseract {} reads pages without text",
                    found.tesseract.version
                ),
                Err(why) => format!("pages without text stay unread: {why}"),
            };
            Ok(vec![
                confined,
                check("text recognition", true, recognition, ""),
            ])
        })
        .await?;
        let old = self
            .catalog
            .documents(None)
            .await?
            .iter()
            .filter(|record| record.reader < READER_VERSION)
            .count();
        if old > 0 {
            let detail = format!(
                "{old} documents were read by an older Lectern, without structure; ingest their files again to have them read anew"
            );
            checks.push(check("readings", true, detail, ""));
        }
        Ok(checks)
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
