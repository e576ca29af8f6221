//! How an adapter is taken in: from a run of this library, from a run elsewhere, or from any folder in
//! PEFT's format.
//!
//! What it was trained on is read where the run says, and taken down: who deletes a document later sees
//! which adapters learnt from it, and nobody is tested on what they were trained on.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use finetune::held_out::Trained;
use finetune::run;
use generation::decoder::Adapter;
use generation::llama::Llama;

use super::files::Files;
use super::further::started_from;
use super::service::{ID_DIGITS, base_differs, hash};
use crate::catalog::{AdapterBase, AdapterDataset, AdapterRecord, AdapterState, NewAdapter};
use crate::error::{Fault, Problem};
use crate::library::{Library, blocking};
use crate::training;

/// Settings of a run; a folder that has them is one.
const CONFIG: &str = "config.toml";

/// What a run's folder says.
struct Source {
    name: String,
    /// The run's folder.
    run: Option<PathBuf>,
    /// The adapter's.
    adapter: PathBuf,
    /// Hash of the model that was trained.
    base_sha256: Option<String>,
    dataset: Option<AdapterDataset>,
    trained: Trained,
    /// The adapter that it went on from.
    started_from: Option<String>,
    /// True where the file that was trained on is not what it was then.
    is_changed: bool,
}

impl Library {
    /// Takes in an adapter: `named` is the id of one that is there (or a start of it), the name of a
    /// run of this library (or `latest`), or an absolute path of a run's or an adapter's folder.
    ///
    /// # Errors
    /// A problem `adapter_not_found`; `run_not_finished`; `run_without_adapter`; `adapter_unusable`
    /// where files or matrices are missing or of another shape; `adapter_base_differs`.
    pub async fn register_adapter(&self, named: &str) -> Result<AdapterRecord> {
        if let Some(found) = self.adapter_of(named).await? {
            return Ok(found);
        }
        let Some(folder) = self.folder_named(named) else {
            return Err(super::not_found(named).into());
        };
        let base = self.base_identity().await?;
        let llama = self.base_llama().await?;
        let datasets = self.catalog.datasets().await?;
        let new = blocking(move || {
            let mut source = Source::read(&folder)?;
            if let Some(sha256) = &source.base_sha256
                && ![Some(&base.sha256), base.source_sha256.as_ref()].contains(&Some(sha256))
            {
                let start: String = sha256.chars().take(12).collect();
                let trained_on = format!("a model with the SHA-256 {start}…");
                return Err(base_differs(&format!("the run {}", source.name), &trained_on).into());
            }
            let known = source.dataset.as_mut().and_then(|dataset| {
                let folder = Path::new(&dataset.train).parent()?.to_owned();
                let known = datasets
                    .iter()
                    .find(|known| Path::new(&known.folder) == folder)?;
                dataset.name = Some(known.name.clone());
                dataset.sha256 = Some(known.sha256.clone());
                Some(known)
            });
            let is_poorer = source.is_changed && known.is_some_and(|known| known.changed);
            taken_in(source, base, &llama, u64::from(is_poorer))
        })
        .await?;
        let (mut new, files) = new;
        if let Some(before) = &new.record.started_from {
            let (documents, feedback) = self.sources_of(before).await?;
            new.documents.extend(documents);
            new.feedback.extend(feedback);
        }
        let folder = self.adapter_folder(&new.record.sha256);
        blocking(move || files.keep(&folder)).await?;
        self.catalog.add_adapter(&new).await?;
        self.found_adapter(&new.record.id).await
    }

    fn folder_named(&self, named: &str) -> Option<PathBuf> {
        let path = Path::new(named);
        if path.is_absolute() {
            return path.is_dir().then(|| path.to_owned());
        }
        let is_plain =
            !named.is_empty() && path.components().count() == 1 && !named.starts_with('.');
        let folder = self.settings.runs_dir.join(named);
        (is_plain && folder.is_dir()).then_some(folder)
    }
}

impl Source {
    fn read(folder: &Path) -> Result<Self> {
        // `latest` is a link to a run that has a name.
        let folder = folder.canonicalize()?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        if !folder.join(CONFIG).is_file() {
            return Ok(Self {
                name,
                run: None,
                adapter: folder,
                base_sha256: None,
                dataset: None,
                trained: Trained::default(),
                started_from: None,
                is_changed: false,
            });
        }
        let adapter = folder.join("adapter");
        if training::is_held(&folder) {
            return Err(Problem::new(
                Fault::Conflict,
                "run_not_finished",
                format!("the run {name} is being trained"),
                "wait until it has ended, or stop it",
            )
            .into());
        }
        if !adapter.is_dir() {
            let (why, hint) = match folder.join("model").is_dir() {
                true => (
                    "it trained all weights",
                    "name its model/model.gguf in the setting answerer to answer with it",
                ),
                false => (
                    "it has not come to its end",
                    "let it go on, and evaluate it then",
                ),
            };
            return Err(Problem::new(
                Fault::Conflict,
                "run_without_adapter",
                format!("the run {name} has no adapter: {why}"),
                hint,
            )
            .into());
        }
        let origin = run::origin(&folder).map_err(|error| damaged(&error))?;
        let card = run::train_card(&folder).map_err(|error| damaged(&error))?;
        let train = std::path::absolute(&card.path)?;
        // Without the file the adapter can be used; what it learnt from is not known then.
        let trained = Trained::read(&train).unwrap_or_default();
        let is_changed = hash(&train).map_or(true, |sha256| sha256 != card.sha256);
        Ok(Self {
            started_from: started_from(&folder)?,
            name,
            run: Some(folder),
            adapter,
            base_sha256: Some(origin.base_sha256),
            dataset: Some(AdapterDataset {
                name: None,
                sha256: None,
                train: train.display().to_string(),
                train_sha256: card.sha256,
                examples: card.examples as u64,
            }),
            trained,
            is_changed,
        })
    }
}

/// A run whose own files are not there or cannot be read.
fn damaged(error: &finetune::Error) -> Problem {
    let shown = error.to_string();
    let message = shown.split("; hint: ").next().unwrap_or(&shown);
    Problem::new(
        Fault::Input,
        "run_damaged",
        message,
        "name the folder of the adapter in it to take that in without what it was trained on",
    )
}

fn taken_in(
    source: Source,
    base: AdapterBase,
    llama: &Arc<Llama>,
    deleted_documents: u64,
) -> Result<(NewAdapter, Files)> {
    let files = Files::read(&source.adapter)?;
    let adapter = Adapter::load(&source.adapter)?;
    let decoder = llama.decoder();
    decoder.with_adapter(&adapter)?;
    check_whole(&adapter, decoder.config().n_layers, &source.name)?;
    let documents: HashSet<String> = source.trained.documents;
    let new = NewAdapter {
        record: AdapterRecord {
            id: files.sha256[..ID_DIGITS].to_owned(),
            sha256: files.sha256.clone(),
            name: source.name,
            run: source.run.map(|run| run.display().to_string()),
            base,
            dataset: source.dataset,
            started_from: source.started_from,
            rank: adapter.config().r as u64,
            parameters: adapter.parameters() as u64,
            state: AdapterState::Candidate,
            deleted_documents,
            evaluation: None,
            created_at: String::new(),
            updated_at: String::new(),
        },
        documents: documents.into_iter().collect(),
        feedback: source.trained.feedback,
    };
    Ok((new, files))
}

/// Matrices that are missing leave the model as it was there, without a word: half an adapter looks
/// like one that does not work.
fn check_whole(adapter: &Adapter, layers: usize, name: &str) -> Result<(), Problem> {
    let targets: HashSet<&String> = adapter.config().target_modules.iter().collect();
    let (found, wanted) = (adapter.tensors().len() / 2, targets.len() * layers);
    if found == wanted {
        return Ok(());
    }
    Err(Problem::new(
        Fault::Input,
        "adapter_unusable",
        format!(
            "the adapter of {name} has matrices for {found} projections, and its configuration names \
             {} in each of {layers} layers",
            targets.len()
        ),
        "save the adapter again: matrices are missing",
    ))
}
