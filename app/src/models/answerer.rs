//! Which model answers: one in this process, or one on a server that the settings name.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::server::{Server, ServerConfig};
use super::{Model, Role, find};
use crate::error::{Fault, Problem};
use crate::settings::Settings;

/// The answerer that the settings choose.
#[derive(Debug, Clone)]
pub enum Answerer {
    /// A model of the registry, in this process.
    Local(Box<Model>),
    /// A GGUF file of the user's, in this process.
    File {
        /// What answers record as the model: the file's name without its ending.
        id: String,
        /// The file.
        path: PathBuf,
    },
    /// A model on a server.
    Server(ServerConfig),
}

/// An answerer as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswererInfo {
    /// The model; the server's first where `None`.
    pub model: Option<String>,
    /// The server; this process where `None`.
    pub server: Option<String>,
}

impl Answerer {
    /// The one that the settings choose.
    ///
    /// # Errors
    /// Where the registry does not know the model, or the file is not there.
    pub fn choose(settings: &Settings) -> Result<Self, Problem> {
        if let Some(server) = &settings.llm {
            return Ok(Answerer::Server(server.clone()));
        }
        let name = settings.answerer.as_str();
        let path = Path::new(name);
        if path.extension().is_some_and(|ending| ending == "gguf") || path.is_file() {
            return Self::file(path);
        }
        let model = find(name)?;
        if model.role != Role::Answerer {
            return Err(Problem::new(
                Fault::Usage,
                "not_an_answerer",
                format!("the setting answerer names {}, which is none", model.id),
                "`lectern models list` shows which models are answerers",
            ));
        }
        Ok(Answerer::Local(Box::new(model)))
    }

    fn file(path: &Path) -> Result<Self, Problem> {
        let found = std::path::absolute(path).ok().filter(|path| path.is_file());
        let Some(path) = found else {
            return Err(Problem::new(
                Fault::Usage,
                "answerer_not_found",
                format!(
                    "the setting answerer names {}, which is no file",
                    path.display()
                ),
                "name a GGUF file, or a model that `lectern models list` shows",
            ));
        };
        let id = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Answerer::File {
            id: id.into_owned(),
            path,
        })
    }

    /// The model to have on this machine.
    pub fn model(&self) -> Option<&Model> {
        match self {
            Answerer::Local(model) => Some(model),
            Answerer::File { .. } | Answerer::Server(_) => None,
        }
    }

    /// How many weights the model has, about; none where a server has it.
    pub fn parameters(&self) -> Option<u64> {
        match self {
            Answerer::Local(model) => Some(model.parameters),
            // Half a byte a weight to four: right enough to tell a small model from a large one.
            Answerer::File { path, .. } => std::fs::metadata(path).ok().map(|about| about.len()),
            Answerer::Server(_) => None,
        }
    }

    /// What it is.
    pub fn info(&self) -> AnswererInfo {
        match self {
            Answerer::Local(model) => AnswererInfo {
                model: Some(model.id.clone()),
                server: None,
            },
            Answerer::File { id, .. } => AnswererInfo {
                model: Some(id.clone()),
                server: None,
            },
            Answerer::Server(config) => AnswererInfo {
                model: config.model.clone(),
                server: Some(config.address.to_string()),
            },
        }
    }

    /// Looks whether it can be used, and says what it is. Blocking; fetches nothing.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn check(&self, models_dir: &Path) -> Result<String, Problem> {
        match self {
            Answerer::Local(model) if model.is_present(models_dir) => {
                Ok(format!("{}, in this process", model.id))
            }
            Answerer::Local(model) => Ok(format!(
                "{}, in this process; fetched at the first question",
                model.id
            )),
            Answerer::File { id, path } => {
                Ok(format!("{id} from {}, in this process", path.display()))
            }
            Answerer::Server(config) => {
                let model = Server::check(config)?;
                let open = !config.address.is_local() && !config.address.is_encrypted();
                let warning = match open {
                    true => "; excerpts of papers go there without encryption",
                    false => "",
                };
                Ok(format!("{model} at {}{warning}", config.address))
            }
        }
    }
}

impl std::fmt::Display for AnswererInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let model = self.model.as_deref().unwrap_or("its first model");
        match &self.server {
            Some(server) => write!(f, "{model} at {server} (llm.url)"),
            None => write!(f, "{model}, in this process"),
        }
    }
}
