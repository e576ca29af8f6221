//! What may be asked of a run, and the settings that come of it.
//!
//! The settings of a run are `finetune`'s own, in its own TOML; here are only the short ways to name the
//! usual ones (a dataset of the library, the answerer as the base), which become `key=value` like all
//! others, so that there is one reader and one set of messages.

use std::path::{Path, PathBuf};

use anyhow::Result;
use finetune::data::{Side, folder};
use finetune::{Recipe, TrainConfig};
use generation::decoder::Adapter;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::catalog::DatasetRecord;
use crate::error::{Fault, Problem};
use crate::models::answerer::Answerer;
use crate::models::{Model, pull};
use crate::settings::Settings;

/// Settings that name files, which requests over HTTP may not.
const FILES: [&str; 4] = ["base", "train", "eval", "adapter"];

/// A run that is wanted.
#[derive(Debug, Clone, Default)]
pub struct RunRequest {
    /// What is trained; `lora` where neither this nor a setting says.
    pub recipe: Option<Recipe>,
    /// A TOML file of settings.
    pub config: Option<PathBuf>,
    /// `key=value`, after the file.
    pub overrides: Vec<String>,
    /// Training data.
    pub train: Option<PathBuf>,
    /// Held-out data.
    pub eval: Option<PathBuf>,
    /// The base model, a GGUF file.
    pub base: Option<PathBuf>,
    /// Folder of the adapter to train further.
    pub adapter: Option<PathBuf>,
}

/// A run as it is asked for over HTTP.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// The dataset to train on.
    pub dataset: String,
    /// `lora`, `qlora` or `full`; `lora` where not given.
    pub recipe: Option<String>,
    /// What the run's folder is named after; the recipe where not given.
    pub name: Option<String>,
    /// Steps after which to stop; none where not given.
    pub max_steps: Option<u64>,
    /// The adapter to train further, by its id, or `base` to begin anew; what answers now where not
    /// given.
    pub from: Option<String>,
    /// Further settings by name, those of `docs/training.md`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

impl NewRun {
    /// The same with the dataset's files.
    ///
    /// # Errors
    /// A problem `training_settings_invalid`.
    pub fn with(&self, dataset: &DatasetRecord) -> Result<RunRequest> {
        let mut request = RunRequest::default();
        if let Some(recipe) = &self.recipe {
            request.overrides.push(setting("recipe", recipe.as_str()));
        }
        if let Some(name) = &self.name {
            request.overrides.push(setting("name", name.as_str()));
        }
        if let Some(steps) = self.max_steps {
            request.overrides.push(format!("max_steps={steps}"));
        }
        for (key, value) in &self.settings {
            if FILES.contains(&key.as_str()) {
                return Err(invalid(
                    format!("{key}: files are not named over HTTP"),
                    "name a dataset; `lectern finetune run` takes files",
                )
                .into());
            }
            let value = toml::Value::try_from(value)
                .map_err(|error| invalid(format!("{key}: {error}"), "see docs/training.md"))?;
            request.overrides.push(format!("{key}={value}"));
        }
        request.name_dataset(dataset);
        Ok(request)
    }
}

impl RunRequest {
    /// Takes the files of a dataset: those to train on, and those to choose between checkpoints.
    pub fn name_dataset(&mut self, dataset: &DatasetRecord) {
        let place = Path::new(&dataset.folder);
        self.train = Some(folder::file(place, Side::Train));
        let held_out = dataset.card.sides.get(&Side::Validation);
        self.eval = held_out
            .filter(|side| side.examples > 0)
            .map(|_| folder::file(place, Side::Validation));
    }

    /// True where it says itself what it trains, so that this is not what answers.
    pub fn names_model(&self) -> bool {
        self.base.is_some()
            || self.names("base", &self.overrides)
            || self.names("adapter", &self.overrides)
    }

    /// The settings, checked, with absolute paths. `default_base` is asked where none is named.
    ///
    /// # Errors
    /// A problem `training_settings_invalid` with all that is wrong, `training_data_missing`, or those
    /// of `default_base`.
    pub fn resolve(&self, default_base: impl FnOnce() -> Result<PathBuf>) -> Result<TrainConfig> {
        let mut overrides = self.overrides.clone();
        let files = [
            ("train", &self.train),
            ("eval", &self.eval),
            ("base", &self.base),
            ("adapter", &self.adapter),
        ];
        for (key, path) in files {
            if let Some(path) = path {
                overrides.push(setting(key, shown(path)?));
            }
        }
        if let Some(adapter) = &self.adapter {
            // Its shape is that of the run, unless that says otherwise and is refused for it.
            for (key, value) in shape(adapter) {
                if !self.names(key, &overrides) {
                    overrides.push(format!("{key}={value}"));
                }
            }
        }
        if !self.names("train", &overrides) {
            return Err(Problem::new(
                Fault::Usage,
                "training_data_missing",
                "nothing is named to train on",
                "give --dataset NAME (`lectern finetune datasets list` shows them) or --train FILE",
            )
            .into());
        }
        if !self.names("base", &overrides) {
            // Whatever else is wrong is told before a model is fetched.
            let mut checked = overrides.clone();
            checked.push(setting("base", "base.gguf"));
            self.parse(&checked)?;
            overrides.push(setting("base", shown(&default_base()?)?));
        }
        let mut config = self.parse(&overrides)?;
        for path in [
            &mut config.base,
            &mut config.train,
            &mut config.eval,
            &mut config.adapter,
        ] {
            if !path.as_os_str().is_empty() {
                *path = std::path::absolute(&*path)?;
            }
        }
        Ok(config)
    }

    fn parse(&self, overrides: &[String]) -> Result<TrainConfig> {
        Ok(match &self.config {
            Some(path) => TrainConfig::read(path, overrides, self.recipe)?,
            None => TrainConfig::parse("", overrides, self.recipe)?,
        })
    }

    /// Whether a setting is given anywhere. A file that cannot be read is told of when it is parsed.
    fn names(&self, key: &str, overrides: &[String]) -> bool {
        let named = |given: &String| {
            given
                .split_once('=')
                .is_some_and(|(name, _)| name.trim() == key)
        };
        let in_file = || {
            let Some(path) = &self.config else {
                return false;
            };
            let text = std::fs::read_to_string(path).ok();
            let table = text.map(|text| text.parse::<toml::Table>());
            table.is_none_or(|table| table.map_or(true, |table| table.contains_key(key)))
        };
        overrides.iter().any(named) || in_file()
    }
}

/// The GGUF file of the model that answers, fetched where it is missing. Blocking.
///
/// # Errors
/// A problem `base_missing` where a server answers, or those of fetching.
pub fn default_base(settings: &Settings) -> Result<PathBuf> {
    match trainable(settings)? {
        Base::File { path, .. } => Ok(path),
        Base::Registered(model) => {
            pull::ensure(
                &model,
                &pull::Place {
                    models_dir: &settings.models_dir,
                    offline: settings.offline,
                },
            )?;
            Ok(model.weights(&settings.models_dir))
        }
    }
}

/// A model that can be trained here.
#[derive(Debug, Clone)]
pub enum Base {
    /// One of the registry, which may have to be fetched.
    Registered(Box<Model>),
    /// A GGUF file of the user's.
    File {
        /// What it is called.
        id: String,
        /// The file.
        path: PathBuf,
    },
}

impl Base {
    /// What it is called.
    pub fn id(&self) -> &str {
        match self {
            Self::Registered(model) => &model.id,
            Self::File { id, .. } => id,
        }
    }
}

/// The model that answers, where it can be trained here.
///
/// # Errors
/// A problem `base_missing` where a server answers.
pub fn trainable(settings: &Settings) -> Result<Base, Problem> {
    match Answerer::choose(settings)? {
        Answerer::Local(model) => Ok(Base::Registered(model)),
        Answerer::File { id, path } => Ok(Base::File { id, path }),
        Answerer::Server(config) => Err(Problem::new(
            Fault::Usage,
            "base_missing",
            format!(
                "the model that answers is on the server {}, and cannot be trained here",
                config.address
            ),
            "name a GGUF file with --base, or unset LECTERN_LLM_URL",
        )),
    }
}

/// The settings of a run that an adapter decides. One that cannot be read is told of by the run.
fn shape(adapter: &Path) -> Vec<(&'static str, toml::Value)> {
    let Ok(adapter) = Adapter::load(adapter) else {
        return Vec::new();
    };
    let config = adapter.config();
    vec![
        ("rank", (config.r as i64).into()),
        ("alpha", config.lora_alpha.into()),
        ("rslora", config.use_rslora.into()),
        ("target_modules", config.target_modules.clone().into()),
    ]
}

/// `key=value` with a text that stays one whatever it looks like.
fn setting(key: &str, text: &str) -> String {
    format!("{key}={}", toml::Value::from(text))
}

fn shown(path: &Path) -> Result<&str, Problem> {
    path.to_str().ok_or_else(|| {
        invalid(
            format!("the path {} is not UTF-8", path.display()),
            "rename the file",
        )
    })
}

fn invalid(message: impl Into<String>, hint: &str) -> Problem {
    Problem::new(Fault::Usage, "training_settings_invalid", message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Result<PathBuf> {
        Ok("/models/answerer.gguf".into())
    }

    fn problem(request: &RunRequest) -> Problem {
        Problem::from_error(&request.resolve(base).unwrap_err())
    }

    #[test]
    fn files_settings_and_defaults_come_together() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, "train = \"a.jsonl\"\nrank = 4\nepochs = 9\n").unwrap();
        let request = RunRequest {
            config: Some(file),
            overrides: vec!["epochs=2".into(), "name=try".into()],
            eval: Some("123".into()),
            ..RunRequest::default()
        };
        let config = request.resolve(base).unwrap();
        assert_eq!(config.train, folder.path().join("a.jsonl"));
        assert_eq!(config.base, Path::new("/models/answerer.gguf"));
        assert_eq!((config.rank, config.epochs), (4, 2));
        assert_eq!(config.name, "try");
        assert!(config.eval.is_absolute() && config.eval.ends_with("123"));

        let own = RunRequest {
            base: Some("/own.gguf".into()),
            recipe: Some(Recipe::Qlora),
            train: Some("/t.jsonl".into()),
            ..RunRequest::default()
        };
        let config = own.resolve(|| panic!("a base is named")).unwrap();
        assert_eq!(config.recipe, Recipe::Qlora);
        assert_eq!(config.base, Path::new("/own.gguf"));
    }

    #[test]
    fn what_is_wrong_is_told_before_a_model_is_fetched() {
        let nothing = RunRequest::default();
        assert_eq!(problem(&nothing).code, "training_data_missing");
        let wrong = RunRequest {
            train: Some("/t.jsonl".into()),
            overrides: vec!["epochz=3".into(), "rank=0".into(), "seed".into()],
            ..RunRequest::default()
        };
        let told = wrong.resolve(|| panic!("nothing is fetched")).unwrap_err();
        let told = Problem::from_error(&told);
        assert_eq!(told.code, "training_settings_invalid");
        assert_eq!(told.fault, Fault::Usage);
        for part in ["epochz", "rank", "seed"] {
            assert!(told.message.contains(part), "{told}");
        }
        let one = RunRequest {
            overrides: vec!["rank=0".into()],
            ..wrong
        };
        let told = problem(&one);
        assert!(!told.message.contains("hint:"), "{told}");
        assert!(!told.hint.is_empty());
    }

    #[test]
    fn no_files_are_named_over_http() {
        let record = |name: &str| -> DatasetRecord {
            let card = serde_json::json!({
                "name": name, "seed": 0, "sha256": "", "tokens_of": "", "dropped": {},
                "sides": {}, "dropped_examples": [], "lengths": [], "warnings": [],
            });
            serde_json::from_value(serde_json::json!({
                "name": name, "folder": "/data/set", "sha256": "", "card": card,
                "changed": false, "created_at": "", "updated_at": "",
            }))
            .unwrap()
        };
        let mut asked: NewRun = serde_json::from_value(serde_json::json!({
            "dataset": "set", "recipe": "qlora", "max_steps": 5,
            "settings": { "rank": 4, "learning_rate": 1e-3, "packing": true,
                          "schedule": "linear", "target_modules": ["q_proj"] },
        }))
        .unwrap();
        let config = asked.with(&record("set")).unwrap().resolve(base).unwrap();
        assert_eq!((config.recipe, config.rank), (Recipe::Qlora, 4));
        assert_eq!((config.max_steps, config.packing), (5, true));
        assert_eq!(config.target_modules, ["q_proj"]);
        assert_eq!(config.train, Path::new("/data/set/train.jsonl"));
        assert_eq!(config.eval, Path::new(""), "no example to hold back");
        for file in FILES {
            asked.settings.insert(file.to_owned(), "/etc/passwd".into());
            let error = asked.with(&record("set")).unwrap_err();
            assert_eq!(
                Problem::from_error(&error).code,
                "training_settings_invalid"
            );
            asked.settings.remove(file);
        }
    }
}
