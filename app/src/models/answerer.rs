//! Which model answers: one in this process, or one on a server that the settings name.

use std::path::Path;

use serde::Serialize;

use super::server::{Server, ServerConfig};
use super::{DEFAULT_ANSWERER, Model, find};
use crate::error::Problem;
use crate::settings::Settings;

/// The answerer that the settings choose.
#[derive(Debug, Clone)]
pub enum Answerer {
    /// A model of the registry, in this process.
    Local(Box<Model>),
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
    /// Where the registry does not know the model.
    pub fn choose(settings: &Settings) -> Result<Self, Problem> {
        Ok(match &settings.llm {
            Some(server) => Answerer::Server(server.clone()),
            None => Answerer::Local(Box::new(find(DEFAULT_ANSWERER)?)),
        })
    }

    /// The model to have on this machine.
    pub fn model(&self) -> Option<&Model> {
        match self {
            Answerer::Local(model) => Some(model),
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
