//! `lectern finetune reranker`: a small cross-encoder, trained on what our own search finds and judged
//! on questions that it has not seen.
//!
//! [`collect`] has the search find passages for questions whose answers are known; [`train`] puts the
//! lists on three sides, trains on the first, picks the best step by the second, and [`judge`]s on the
//! third; [`adopted`] is what a library uses from then on. Questions of the library itself come from
//! [`crate::library::Library::reranker_lists`].

pub mod adopted;
mod collect;
pub mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use finetune::reranker::lists::{self, List};
use finetune::{Recipe, RunFolder, Summary, TrainConfig, Watch};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Fault, Problem};
use crate::eval::beir::Collection;
use crate::eval::retrieval::index_folder;
use crate::library::{Library, blocking};
use crate::models::reranker::RerankerModel;
use crate::models::{self, pull};
use crate::settings::Settings;
use judge::Judgement;

/// Questions of each hundred that are trained on, and those that choose the step; the rest are judged
/// on. Many, since it takes many to tell a small difference.
const TRAIN: usize = 60;
const CHOOSE: usize = 10;

/// Names of the sides' files.
const SIDES: [&str; 3] = ["train", "eval", "test"];

/// How a reranker is trained.
#[derive(Debug, Clone, Default)]
pub struct Training {
    /// The BERT folder that it begins with; the default embedder's where not given.
    pub base: Option<PathBuf>,
    /// Where the run's folder goes; the data folder's `runs` where not given.
    pub runs: Option<PathBuf>,
    /// Further settings, as `key=value`.
    pub settings: Vec<String>,
    /// Decides what is held out.
    pub seed: u64,
}

impl Training {
    /// Looks at the settings alone.
    ///
    /// # Errors
    /// A problem `reranker_unusable`.
    pub fn check(&self) -> Result<()> {
        let config = "base = \"a\"\ntrain = \"b\"\neval = \"c\"\n";
        TrainConfig::parse(config, &self.settings, Some(Recipe::Reranker))
            .map(|_| ())
            .map_err(|error| unusable(&error))
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Trained {
    /// The run.
    pub summary: Summary,
    /// The model's folder.
    pub model: PathBuf,
    /// Size of its graph, in bytes.
    pub bytes: u64,
    /// What was measured on held-out questions; none where the run was stopped.
    pub judgement: Option<Judgement>,
}

/// The lists of collections and of files of pairs. Their indexes go to `keep`, or away.
///
/// # Errors
/// A problem that names what cannot be read; where the embedder or an index fails.
pub async fn collected(
    settings: &Settings,
    collections: &[PathBuf],
    pairs: &[PathBuf],
    keep: Option<&Path>,
) -> Result<Vec<List>> {
    // Read first: a file that is wrong is told before anything is embedded.
    let (folders, files) = (collections.to_vec(), pairs.to_vec());
    let read = blocking(move || {
        let folders = folders.iter().map(|folder| Collection::read(folder, None));
        let files = files.iter().map(|file| collect::pairs(file));
        folders.chain(files).collect::<Result<Vec<Collection>>>()
    })
    .await?;
    // Its own folder: the library's lock and indexes are not touched.
    let home = tempfile::tempdir()?;
    let embedder = Library::open(Settings {
        data_dir: home.path().to_owned(),
        ..settings.clone()
    })
    .await?
    .embedder()
    .await?;
    let (max_tokens, keep) = (settings.chunk.max_tokens, keep.map(Path::to_path_buf));
    blocking(move || {
        let mut all = Vec::new();
        for collection in &read {
            let scratch = tempfile::tempdir()?;
            let folder = index_folder(keep.as_deref().unwrap_or(scratch.path()), collection);
            all.extend(collect::lists(collection, &embedder, max_tokens, &folder)?);
        }
        Ok(all)
    })
    .await
}

/// Begins a run on lists: splits and writes them, and makes the run's folder. `documents` are those of
/// the library that the lists hold text of, none for lists of files.
///
/// # Errors
/// A problem `reranker_questions_missing` where too few are left to train on, or where the settings
/// are wrong.
pub async fn begin(
    settings: &Settings,
    training: &Training,
    found: Vec<List>,
    documents: Option<&BTreeSet<String>>,
) -> Result<RunFolder> {
    let base = match &training.base {
        Some(folder) => folder.clone(),
        None => default_base(settings).await?,
    };
    let sides = split(found, training.seed);
    for (name, lists) in SIDES.iter().zip(&sides).take(2) {
        if !lists.iter().any(List::teaches) {
            return Err(Problem::new(
                Fault::Input,
                "reranker_questions_missing",
                format!(
                    "no question is left for the side {name:?}, of {} found",
                    count(&sides)
                ),
                "give more questions: --generate N, --pairs FILE or --collections FOLDER",
            )
            .into());
        }
    }
    let runs = training
        .runs
        .clone()
        .unwrap_or_else(|| settings.data_dir.join("runs"));
    let folder = runs.join(format!("lists-{}", digest(&sides)?));
    write(&folder, &sides, documents)?;
    let mut text = toml::Table::new();
    for (key, path) in [
        ("base", base.join("model.safetensors")),
        ("train", folder.join("train.jsonl")),
        ("eval", folder.join("eval.jsonl")),
    ] {
        text.insert(key.to_owned(), path.display().to_string().into());
    }
    text.insert("seed".to_owned(), (training.seed as i64).into());
    let config = TrainConfig::parse(
        &text.to_string(),
        &training.settings,
        Some(Recipe::Reranker),
    )
    .map_err(|error| unusable(&error))?;
    Ok(RunFolder::create(&runs, &config, None)?)
}

/// Trains in a run's folder, or goes on with it, and judges what came out on the run's own held-out
/// lists. Blocking.
///
/// # Errors
/// Those of the recipe; where the model cannot be run.
pub fn train(
    settings: &Settings,
    run: &RunFolder,
    config: &TrainConfig,
    watch: &mut Watch<'_>,
) -> Result<Trained> {
    let summary = finetune::recipes::train(config, run, watch).map_err(|error| unusable(&error))?;
    let model = run.model();
    let reranker = RerankerModel::trained(&model, settings).load(&pull::Place {
        models_dir: &settings.models_dir,
        offline: settings.offline,
    })?;
    let is_stopped = summary.ending == finetune::Ending::Stopped;
    let judgement = match is_stopped {
        true => None,
        false => {
            let held_out = lists::read(&config.train.with_file_name("test.jsonl"));
            let held_out: Vec<List> = held_out
                .unwrap_or_default()
                .into_iter()
                .map(|(_, list)| list)
                .filter(|list| {
                    list.passages.iter().any(|it| it.grade > 0) || !list.missed.is_empty()
                })
                .collect();
            Some(judge::judge(&held_out, &reranker)?)
        }
    };
    if let Some(judgement) = &judgement {
        let path = run.path().join("judgement.json");
        std::fs::write(&path, serde_json::to_vec_pretty(judgement)?)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    let graph = retrieval::onnx::file_name(
        retrieval::onnx::Head::Classification,
        retrieval::onnx::Precision::Int8,
    );
    let bytes = std::fs::metadata(model.join(graph)).map_or(0, |file| file.len());
    Ok(Trained {
        summary,
        model,
        bytes,
        judgement,
    })
}

/// Deletes the lists of a run, which hold text of documents.
///
/// # Errors
/// Where they cannot be deleted.
pub fn delete_lists(config: &TrainConfig) -> Result<()> {
    match config
        .train
        .parent()
        .filter(|folder| is_lists(folder) && folder.is_dir())
    {
        Some(folder) => std::fs::remove_dir_all(folder)
            .with_context(|| format!("deleting {}", folder.display())),
        None => Ok(()),
    }
}

/// True where the lists of a run are of the library rather than of files.
pub fn is_of_library(config: &TrainConfig) -> bool {
    config.train.with_file_name(DOCUMENTS).is_file()
}

/// Deletes lists that hold text of documents that are not among `documents`, those that there are.
/// Their runs can no longer go on.
///
/// # Errors
/// Where a folder cannot be read or deleted.
pub fn forget_documents(data_dir: &Path, documents: &BTreeSet<String>) -> Result<()> {
    let entries = std::fs::read_dir(data_dir.join("runs"))
        .into_iter()
        .flatten();
    for folder in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let Ok(text) = std::fs::read(folder.join(DOCUMENTS)) else {
            continue;
        };
        let held: BTreeSet<String> = serde_json::from_slice(&text).unwrap_or_default();
        if is_lists(&folder) && !held.is_subset(documents) {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("deleting {}", folder.display()))?;
        }
    }
    Ok(())
}

/// Which documents of the library lists hold text of.
const DOCUMENTS: &str = "documents.json";

fn is_lists(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("lists-")
}

async fn default_base(settings: &Settings) -> Result<PathBuf> {
    let model = models::find(models::DEFAULT_EMBEDDER)?;
    let (models_dir, offline) = (settings.models_dir.clone(), settings.offline);
    blocking(move || {
        let place = pull::Place {
            models_dir: &models_dir,
            offline,
        };
        pull::ensure(&model, &place)?;
        Ok(model.folder(&models_dir))
    })
    .await
}

/// Lists by side: those of one group are on one. Groups are taken in an order that the seed decides, so
/// that the shares are kept however few there are.
fn split(found: Vec<List>, seed: u64) -> [Vec<List>; 3] {
    let mut groups: BTreeMap<[u8; 32], Vec<List>> = BTreeMap::new();
    let all = found.len();
    for list in found {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(&list.group);
        groups.entry(hash.finalize().into()).or_default().push(list);
    }
    let mut sides: [Vec<List>; 3] = Default::default();
    let mut placed = 0;
    for lists in groups.into_values() {
        let side = match placed * 100 {
            before if before < TRAIN * all => 0,
            before if before < (TRAIN + CHOOSE) * all => 1,
            _ => 2,
        };
        placed += lists.len();
        sides[side].extend(lists);
    }
    sides
}

fn count(sides: &[Vec<List>]) -> usize {
    sides.iter().map(Vec::len).sum()
}

fn digest(sides: &[Vec<List>]) -> Result<String> {
    let mut hash = Sha256::new();
    for lists in sides {
        hash.update(serde_json::to_vec(lists)?);
    }
    Ok(format!("{:x}", hash.finalize())[..12].to_owned())
}

fn write(folder: &Path, sides: &[Vec<List>], documents: Option<&BTreeSet<String>>) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    // First, so that no text lies there of which nobody knows what it is of.
    if let Some(documents) = documents {
        let path = folder.join(DOCUMENTS);
        std::fs::write(&path, serde_json::to_vec(documents)?)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    for (name, lists) in SIDES.iter().zip(sides) {
        lists::write(&folder.join(format!("{name}.jsonl")), lists)?;
    }
    Ok(())
}

fn unusable(error: &finetune::Error) -> anyhow::Error {
    let shown = error.to_string();
    let (message, hint) = shown
        .split_once("; hint: ")
        .unwrap_or((shown.as_str(), "look at docs/reranker.md"));
    Problem::new(Fault::Input, "reranker_unusable", message, hint).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_on_one_side_and_all_sides_are_taken() {
        let lists: Vec<List> = (0..1000)
            .map(|at| List {
                question: format!("question {at}"),
                group: format!("document {}", at / 4),
                ..List::default()
            })
            .collect();
        let sides = split(lists.clone(), 1);
        assert_eq!(count(&sides), 1000);
        let groups = |side: &[List]| -> BTreeSet<String> {
            side.iter().map(|list| list.group.clone()).collect()
        };
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            assert!(groups(&sides[one]).is_disjoint(&groups(&sides[other])));
        }
        assert_eq!(sides.each_ref().map(Vec::len), [600, 100, 300]);
        assert_eq!(split(lists.clone(), 1), sides);
        assert_ne!(split(lists, 2), sides);
    }

    #[test]
    fn lists_with_text_of_a_deleted_document_go() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("runs/lists-0123456789ab");
        let list = List {
            question: "q".to_owned(),
            ..List::default()
        };
        let set = |ids: &[&str]| {
            ids.iter()
                .map(|id| (*id).to_owned())
                .collect::<BTreeSet<_>>()
        };
        let config = TrainConfig {
            train: folder.join("train.jsonl"),
            ..TrainConfig::new(Recipe::Reranker)
        };
        let sides = [vec![list], Vec::new(), Vec::new()];
        write(&folder, &sides, Some(&set(&["a", "b"]))).unwrap();
        assert!(is_of_library(&config));
        forget_documents(home.path(), &set(&["a", "b", "c"])).unwrap();
        assert!(folder.is_dir());
        forget_documents(home.path(), &set(&["a", "c"])).unwrap();
        assert!(!folder.exists());
        delete_lists(&config).unwrap();
    }
}
