//! The cross-encoder that reads the best passages again, where one is set: a model that fastembed
//! knows, by its name or its repository's, or a folder of the person's own.

use std::path::{Path, PathBuf};

use anyhow::Result;
use retrieval::cross_encoder::{CrossEncoder, OnnxCrossEncoder};
use retrieval::embed::{self, Backend, Engine};
use sha2::{Digest, Sha256};

use super::embedder::{from_hub, libraries, physical_cores};
use super::{Model, Role, pull};
use crate::error::{Fault, Problem};
use crate::settings::Settings;

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
}

impl RerankerModel {
    /// What the setting `search.reranker` names, `None` where it names nothing.
    ///
    /// # Errors
    /// Where the name is not known.
    pub fn choose(settings: &Settings) -> Result<Option<Self>, Problem> {
        let name = settings.search_reranker.as_str();
        if name.is_empty() {
            return Ok(None);
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
        Ok(Some(Self {
            source,
            engine: Engine {
                backend: Backend::Onnx,
                precision: settings.embedding_precision,
                threads: settings.embedding_threads.unwrap_or_else(physical_cores),
                libraries: Vec::new(),
            },
        }))
    }

    /// Loads it, fetching what is missing first. Blocking.
    ///
    /// # Errors
    /// Where it is missing and cannot be fetched, is no classifier, or no ONNX Runtime can be used.
    pub fn load(&self, place: &pull::Place<'_>) -> Result<Box<dyn CrossEncoder>> {
        let (folder, derived) = match &self.source {
            Source::Known(model) => {
                pull::ensure(model, place)?;
                let folder = model.folder(place.models_dir);
                (folder.clone(), folder)
            }
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
        let engine = Engine {
            libraries: libraries(place).0,
            ..self.engine.clone()
        };
        let loaded = OnnxCrossEncoder::load(&folder, &derived, CONTEXT, &engine)?;
        Ok(Box::new(loaded))
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
        assert!(choose("").unwrap().is_none());
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
