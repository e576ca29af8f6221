//! The cross-encoder that reads the best passages again: a model that fastembed knows, by its name or
//! its repository's, a folder, or, where `search.reranker` is left at `auto`, the one that `lectern
//! finetune reranker` trained for this library and found better than the ranking without it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use retrieval::cross_encoder::{self, CrossEncoder, DEPTH, Residual};
use retrieval::embed::{self, Backend, Engine};
use sha2::{Digest, Sha256};

use super::embedder::{from_hub, libraries, physical_cores};
use super::{Model, Role, pull};
use crate::error::{Fault, Problem};
use crate::library::blocking;
use crate::reranker::adopted;
use crate::settings::Settings;

/// The setting under which the library's own is used, where it has one.
pub const AUTO: &str = "auto";

/// Longest pair of question and passage, in tokens.
const CONTEXT: usize = 512;

/// A chosen cross-encoder.
#[derive(Debug, Clone)]
pub struct RerankerModel {
    source: Source,
    engine: Engine,
}

#[derive(Debug, Clone)]
enum Source {
    Known(Box<Model>),
    Folder(PathBuf),
    /// One that was trained here, whose graph lies beside its weights.
    Own(PathBuf),
}

/// A cross-encoder in memory.
pub struct LoadedReranker {
    /// The model.
    pub encoder: Box<dyn CrossEncoder>,
    /// How it is put together with the ranking, where it does not rank by itself.
    pub residual: Option<Residual>,
    /// What the person should know.
    pub warnings: Vec<String>,
}

impl LoadedReranker {
    /// Passages of a ranking that it reads.
    pub fn depth(&self) -> usize {
        self.residual.map_or(DEPTH, |residual| residual.depth)
    }
}

/// Loads what `settings` name, `None` where they name nothing; see [`RerankerModel::choose`].
///
/// # Errors
/// Those of [`RerankerModel::choose`] and [`RerankerModel::load`].
pub async fn load(settings: &Settings) -> Result<Option<LoadedReranker>> {
    let Some(model) = RerankerModel::choose(settings)? else {
        return Ok(None);
    };
    let (models_dir, offline) = (settings.models_dir.clone(), settings.offline);
    blocking(move || {
        let place = pull::Place {
            models_dir: &models_dir,
            offline,
        };
        model.load(&place).map(Some)
    })
    .await
}

impl RerankerModel {
    /// What the setting `search.reranker` names, `None` where it names nothing.
    ///
    /// # Errors
    /// Where the name is not known.
    pub fn choose(settings: &Settings) -> Result<Option<Self>, Problem> {
        let name = settings.search_reranker.as_str();
        if name.is_empty() || name == "none" {
            return Ok(None);
        }
        if name == AUTO {
            let own = adopted::folder(&settings.data_dir);
            return Ok(own.map(|folder| Self::new(Source::Own(folder), settings)));
        }
        let path = Path::new(name);
        let known = embed::published_rerankers();
        let source = if path.is_dir() {
            Source::Folder(path.to_owned())
        } else {
            let found = known.iter().find(|known| {
                known.name.eq_ignore_ascii_case(name) || known.repository.eq_ignore_ascii_case(name)
            });
            let Some(found) = found else {
                let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
                return Err(Problem::new(
                    Fault::Usage,
                    "reranker_unknown",
                    format!(
                        "the setting search.reranker names {name:?}, which is neither a folder nor a known model"
                    ),
                    format!("known models: {}; or leave it empty", names.join(", ")),
                ));
            };
            Source::Known(Box::new(Model {
                role: Role::Reranker,
                dimension: None,
                ..from_hub(found.clone())
            }))
        };
        Ok(Some(Self::new(source, settings)))
    }

    /// The model that was trained in `folder`.
    pub fn trained(folder: &Path, settings: &Settings) -> Self {
        Self::new(Source::Own(folder.to_owned()), settings)
    }

    fn new(source: Source, settings: &Settings) -> Self {
        Self {
            source,
            engine: Engine {
                backend: settings.embedding_backend,
                precision: settings.embedding_precision,
                threads: settings.embedding_threads.unwrap_or_else(physical_cores),
                libraries: Vec::new(),
            },
        }
    }

    /// What tells it from others, without loading it.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Known(model) => model.id.clone(),
            Source::Folder(folder) | Source::Own(folder) => folder.display().to_string(),
        }
    }

    /// Loads it, fetching what is missing first. Blocking.
    ///
    /// # Errors
    /// Where it is missing and cannot be fetched, is no classifier, or no ONNX Runtime can be used.
    pub fn load(&self, place: &pull::Place<'_>) -> Result<LoadedReranker> {
        let (folder, derived) = match &self.source {
            Source::Known(model) => {
                pull::ensure(model, place)?;
                let folder = model.folder(place.models_dir);
                (folder.clone(), folder)
            }
            Source::Own(folder) => (folder.clone(), folder.clone()),
            Source::Folder(folder) => {
                let weights =
                    pull::sha256_of(&folder.join("model.safetensors")).unwrap_or_default();
                let hash = format!("{:x}", Sha256::digest(weights));
                (
                    folder.clone(),
                    place.models_dir.join("local").join(&hash[..12]),
                )
            }
        };
        let residual = Residual::read(&folder)?;
        let context = residual.map_or(CONTEXT, |residual| residual.max_length);
        let engine = Engine {
            libraries: match self.engine.backend {
                Backend::Candle => Vec::new(),
                Backend::Auto | Backend::Onnx => libraries(place).0,
            },
            ..self.engine.clone()
        };
        let loaded = cross_encoder::load(&folder, &derived, context, &engine)?;
        Ok(LoadedReranker {
            encoder: loaded.encoder,
            residual,
            warnings: loaded.warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(name: &str) -> Result<Option<RerankerModel>, Problem> {
        let flags = [("search.reranker", name.to_owned())];
        RerankerModel::choose(&Settings::load(None, std::iter::empty(), &flags).unwrap())
    }

    #[test]
    fn fastembeds_rerankers_are_known_by_name_and_by_repository() {
        for none in ["", "none", AUTO] {
            assert!(choose(none).unwrap().is_none(), "{none}");
        }
        for name in ["BGERerankerBase", "baai/bge-reranker-base"] {
            let Some(RerankerModel {
                source: Source::Known(model),
                ..
            }) = choose(name).unwrap()
            else {
                panic!("{name} is a known model");
            };
            assert_eq!(
                (model.id.as_str(), model.role),
                ("BGERerankerBase", Role::Reranker)
            );
        }
        let problem = choose("no-such-model").unwrap_err();
        assert!(problem.hint.contains("BGERerankerBase"), "{problem}");
    }
}
