//! Models on this machine: which there are, where they lie, and how they get here.
//!
//! One folder holds the models of all libraries. A model is a folder in it; a file is complete
//! when it has its final name, because it gets that name only after its SHA-256 was checked.

pub mod answerer;
pub mod embedder;
mod hub;
pub mod pull;
mod record;
pub mod reranker;
pub mod server;
mod wheel;

use std::path::{Path, PathBuf};

use retrieval::embed::Prompts;
use retrieval::onnx::Pooling;
use serde::{Deserialize, Serialize};

use crate::error::{Fault, Problem};
use crate::settings::Settings;
use answerer::Answerer;
use embedder::EmbedderModel;
use retrieval::embed::Backend;

/// The embedder used unless told otherwise.
pub const DEFAULT_EMBEDDER: &str = "all-MiniLM-L6-v2";
/// The answerer used unless told otherwise.
pub const DEFAULT_ANSWERER: &str = "SmolLM2-135M-Instruct";
/// The library that embedders run in.
pub const RUNTIME: &str = "onnxruntime";

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Text to vectors.
    Embedder,
    /// Questions to answers.
    Answerer,
    /// Reads question and passage together.
    Reranker,
    /// A library that models run in.
    Runtime,
}

/// A file of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelFile {
    /// Name in the hub's repository, in the wheel's folder and in the model's folder here.
    pub name: String,
    /// Size; 0 where it is not known before the file is fetched.
    #[serde(default)]
    pub bytes: u64,
    /// Hash of the whole file, in hexadecimal; empty where it is not known before.
    #[serde(default)]
    pub sha256: String,
}

/// A repository of the model hub.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hub {
    /// `owner/name`.
    pub repository: String,
    /// Branch, tag or commit; the hash of each file is what pins it.
    pub revision: String,
}

/// A Python wheel that carries the files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wheel {
    /// Package name.
    pub package: String,
    /// Exact version.
    pub version: String,
    /// Folder inside the wheel.
    pub folder: String,
    /// Version of Python that it is built for, where it holds for one only.
    pub python: Option<String>,
    /// Platform that it is built for, as pip names it, where it holds for one only.
    pub platform: Option<String>,
}

/// A model that Lectern knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// What it is good at.
    pub task: Vec<String>,
    /// Size tier: mobile, budget or best.
    pub tier: String,
    /// Number of weights.
    pub parameters: u64,
    /// Length of a vector, for embedders.
    pub dimension: Option<usize>,
    /// Longest input in tokens.
    pub context: usize,
    /// Licence, as SPDX id.
    pub licence: String,
    /// Which vector stands for a text, for embedders.
    #[serde(default)]
    pub pooling: Pooling,
    /// What it wants before a text, for embedders.
    #[serde(default)]
    pub prompts: Prompts,
    /// A published ONNX file; one is written here where there is none.
    pub graph: Option<String>,
    /// The platform that this is for, as `ARCHITECTURE-SYSTEM`; all where empty.
    target: Option<String>,
    hub: Option<Hub>,
    wheel: Option<Wheel>,
    /// A file made here from the first file.
    convert: Option<String>,
    #[serde(rename = "file")]
    files: Vec<ModelFile>,
}

#[derive(Deserialize)]
struct Registry {
    model: Vec<Model>,
    family: Vec<Family>,
}

/// What a family of published embedders wants before a text.
#[derive(Deserialize)]
struct Family {
    part: String,
    prompts: Prompts,
}

fn built_in() -> Registry {
    toml::from_str(include_str!("../../models.toml")).expect("the built-in registry is valid")
}

/// All models of the registry, `app/models.toml`, that are for this platform.
pub fn registry() -> Vec<Model> {
    let here = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let mut models = built_in().model;
    models.retain(|model| model.target.as_ref().is_none_or(|target| *target == here));
    models
}

/// What the library needs as it is set: its embedder, unless that is a folder, the library that it
/// runs in, where there is one for this platform, and the answerer, unless a server has it.
///
/// # Errors
/// Where the embedder is not known.
pub fn needed(settings: &Settings) -> Result<Vec<Model>, Problem> {
    let embedder = EmbedderModel::choose(settings)?;
    let mut models: Vec<Model> = embedder.model().cloned().into_iter().collect();
    if settings.embedding_backend != Backend::Candle {
        models.extend(registry().into_iter().filter(|model| model.id == RUNTIME));
    }
    models.extend(Answerer::choose(settings)?.model().cloned());
    Ok(models)
}

/// The model of that id.
///
/// # Errors
/// Where the registry has none, with the ids that exist.
pub fn find(id: &str) -> Result<Model, Problem> {
    let models = registry();
    let known: Vec<String> = models.iter().map(|model| model.id.clone()).collect();
    models
        .into_iter()
        .find(|model| model.id.eq_ignore_ascii_case(id))
        .or_else(|| embedder::published(id))
        .ok_or_else(|| {
            Problem::new(
                Fault::NotFound,
                "model_unknown",
                format!("there is no model {id:?}"),
                format!("known models: {}", known.join(", ")),
            )
        })
}

impl Model {
    /// The model's folder.
    pub fn folder(&self, models_dir: &Path) -> PathBuf {
        models_dir.join(&self.id)
    }

    /// The file that an answerer is loaded from.
    pub fn weights(&self, models_dir: &Path) -> PathBuf {
        let name = self.convert.as_ref().unwrap_or(&self.files[0].name);
        self.folder(models_dir).join(name)
    }

    /// SHA-256 of the file that an answerer is loaded from or, where that one is made here, of the
    /// file that it is made of.
    pub fn weights_sha256(&self, models_dir: &Path) -> Option<String> {
        let known = record::expected(&self.folder(models_dir), self.files.first()?)?;
        Some(known.sha256)
    }

    /// Which version of the files this is: the start of the largest file's hash, or the hub's
    /// revision where hashes are not known before.
    pub fn revision(&self) -> String {
        self.files
            .iter()
            .max_by_key(|file| file.bytes)
            .map(|file| file.sha256.chars().take(12).collect())
            .filter(|revision: &String| !revision.is_empty())
            .or_else(|| Some(self.hub.as_ref()?.revision.clone()))
            .unwrap_or_default()
    }

    /// Files that are not there yet, or not whole.
    pub fn missing(&self, models_dir: &Path) -> Vec<&ModelFile> {
        let folder = self.folder(models_dir);
        self.files
            .iter()
            .filter(|file| {
                let expected = record::expected(&folder, file).map(|known| known.bytes);
                let found = std::fs::metadata(folder.join(&file.name)).map(|meta| meta.len());
                expected.is_none() || found.ok() != expected
            })
            .collect()
    }

    /// True where all files are there, converted ones too.
    pub fn is_present(&self, models_dir: &Path) -> bool {
        self.missing(models_dir).is_empty() && self.weights(models_dir).is_file()
    }

    /// Size of the files to fetch.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sound() {
        let models = registry();
        for default in [DEFAULT_EMBEDDER, DEFAULT_ANSWERER] {
            assert!(models.iter().any(|model| model.id == default));
        }
        for model in &models {
            assert!(
                model.role != Role::Embedder || model.dimension.is_some(),
                "{}",
                model.id
            );
            assert!(!model.files.is_empty());
            assert!(model.hub.is_some() || model.wheel.is_some());
            for file in &model.files {
                assert!(
                    file.sha256.len() == 64 || file.sha256.is_empty() && model.hub.is_some(),
                    "{}",
                    file.name
                );
            }
        }
        assert_eq!(find("nothing").unwrap_err().code, "model_unknown");
        let runtimes = built_in()
            .model
            .into_iter()
            .filter(|model| model.id == RUNTIME);
        assert!(runtimes.clone().count() > 1);
        for runtime in runtimes {
            assert!(runtime.target.is_some() && runtime.bytes() > 0);
        }
    }
}
