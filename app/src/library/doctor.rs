//! Checks that catalog, indexes, files and models agree, and says what to do where they don't.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::index::check::{IndexesReport, PartReport};
use super::{Library, blocking};
use crate::catalog::READER_VERSION;
use crate::models::{self, Role, pull};
use crate::settings::AdapterChoice;

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
    /// The indexes, where there are any.
    #[serde(default)]
    pub indexes: Option<IndexesReport>,
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
        let mut chunks = ChunkCounts {
            catalog: self.catalog.count_chunks().await?,
            ..ChunkCounts::default()
        };
        let indexes = match self.check_indexes().await {
            Ok(indexes) => {
                checks.push(check(
                    "indexes",
                    indexes.is_some() || documents == 0,
                    match &indexes {
                        Some(indexes) => self.describe(indexes),
                        None => "there are none yet".to_owned(),
                    },
                    "they are made at the next ingest, search or serve",
                ));
                indexes
            }
            Err(error) => {
                checks.push(check(
                    "indexes",
                    false,
                    format!("{error:#}"),
                    "run `lectern reindex`",
                ));
                None
            }
        };
        for part in indexes.iter().flat_map(|indexes| &indexes.parts) {
            match part.name.as_str() {
                "vectors" => chunks.dense = part.chunks,
                "postings" => chunks.bm25 = part.chunks,
                _ => {}
            }
            let latest = indexes.as_ref().map_or(0, |indexes| indexes.latest_change);
            checks.push(level(part, chunks.catalog, latest));
        }
        checks.push(self.check_blobs().await?);
        checks.extend(self.check_reading().await?);
        checks.extend(self.check_models().await?);
        checks.push(self.check_answerer().await?);
        checks.push(self.check_adapter().await?);
        Ok(Report {
            ok: checks.iter().all(|check| check.ok),
            chunks,
            documents,
            indexes,
            checks,
        })
    }

    fn describe(&self, indexes: &IndexesReport) -> String {
        let mut text = format!(
            "generation {} with {}, chunks of {} tokens at most",
            indexes.generation, indexes.embedder, indexes.max_tokens
        );
        if let Some(building) = &indexes.building {
            let how_far = match (building.done, building.total) {
                (Some(done), Some(total)) => format!("{done} of {total} documents done"),
                _ => "`lectern serve` or `lectern reindex` goes on with it".to_owned(),
            };
            text += &format!(
                "; generation {} with {}, chunks of {} tokens at most, is being built: {how_far}",
                building.generation, building.embedder, building.max_tokens
            );
        } else if self.settings_ask_for_others(indexes) {
            text +=
                "; the settings ask for others, which `lectern serve` or `lectern reindex` builds";
        }
        text
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

    /// Which model answers, and whether it can be used.
    pub(crate) async fn check_answerer(&self) -> Result<Check> {
        let (answerer, models_dir) = (self.answerer.clone(), self.settings.models_dir.clone());
        blocking(move || {
            Ok(match answerer.check(&models_dir) {
                Ok(detail) => check("answerer", true, detail, ""),
                Err(problem) => check("answerer", false, problem.message, &problem.hint),
            })
        })
        .await
    }

    /// Whether the adapter that is to answer is whole and can be used.
    async fn check_adapter(&self) -> Result<Check> {
        let (ok, detail) = self.adapter_health().await?;
        let hint = match self.settings.answer_adapter {
            AdapterChoice::Auto => "promote another, or run `lectern finetune rollback`",
            _ => "correct the setting answer.adapter",
        };
        Ok(check("adapter", ok, detail, hint))
    }

    async fn check_models(&self) -> Result<Vec<Check>> {
        let models_dir = self.settings.models_dir.clone();
        let needed = models::needed(&self.settings)?;
        blocking(move || {
            Ok(needed
                .iter()
                .map(|model| {
                    let name = format!("model {}", model.id);
                    let hint = "run `lectern models pull`";
                    if model.role == Role::Runtime && !model.is_present(&models_dir) {
                        let detail = "not here; another library is used, or candle, several times \
                                      slower";
                        return check(&name, true, detail.into(), hint);
                    }
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

/// Whether an index holds what the catalog has.
fn level(part: &PartReport, wanted: u64, latest: u64) -> Check {
    let name = match part.name.as_str() {
        "vectors" => "dense index",
        "postings" => "BM25 index",
        other => other,
    };
    let mut detail = format!(
        "{} of {wanted} chunks, at change {} of {latest}, {:.1} MB",
        part.chunks,
        part.change,
        part.bytes as f64 / 1e6
    );
    if part.orphans > 0 {
        detail += &format!("; {} of documents that are no more", part.orphans);
    }
    if let Some(first) = part.incomplete.first() {
        let count = part.incomplete.len();
        detail += &format!("; {count} documents are not held as they are, such as {first}");
    }
    let hint = if part.change < latest {
        "it catches up by itself at the next ingest, search or serve"
    } else {
        "run `lectern reindex`"
    };
    check(name, part.is_exact() && part.change >= latest, detail, hint)
}

fn check(name: &str, ok: bool, detail: String, hint: &str) -> Check {
    Check {
        name: name.to_owned(),
        ok,
        detail,
        hint: (!ok).then(|| hint.to_owned()),
    }
}
