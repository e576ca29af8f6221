//! Settings: built-in defaults < `lectern.toml` < `LECTERN_*` environment < flags.
//!
//! One table names every setting with its default; the sources are read into the same flat map of
//! `key -> (text, origin)` and parsed once, at the end, so that `lectern config show` can say of
//! each value where it came from and an error can name the culprit.

mod dense;
mod known;
mod llm;
mod parse;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use retrieval::embed::Backend;
use retrieval::onnx::Precision;

use crate::error::{Fault, Problem};
use known::KNOWN;

/// Settings whose values are never shown.
const SECRETS: [&str; 3] = ["token", "qdrant.api_key", "llm.api_key"];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Built in.
    Default,
    /// The settings file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => write!(f, "default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Environment(name) => write!(f, "{name}"),
            Origin::Flag => write!(f, "flag"),
        }
    }
}

/// One setting in force.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Entry {
    /// Its key, as in `lectern.toml`.
    pub key: &'static str,
    /// Its value; secrets are not shown.
    pub value: String,
    /// Where it came from.
    pub origin: String,
    /// What it means.
    pub meaning: &'static str,
}

/// All settings, parsed and valid.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the library.
    pub data_dir: PathBuf,
    /// Folder of the models.
    pub models_dir: PathBuf,
    /// Never use the network.
    pub offline: bool,
    /// Address that `serve` listens on.
    pub addr: std::net::SocketAddr,
    /// Token that the web page and the API ask for.
    pub token: Option<String>,
    /// Further host names under which the page is reached.
    pub allowed_hosts: Vec<String>,
    /// Largest file taken, in bytes.
    pub max_upload_bytes: u64,
    /// Passages that a search returns and an answer reads.
    pub top_k: usize,
    /// The embedder: a name, or a folder.
    pub embedder: String,
    /// What it computes in.
    pub embedding_precision: Precision,
    /// What it runs in.
    pub embedding_backend: Backend,
    /// Processor threads for it; one for each physical core where `None`.
    pub embedding_threads: Option<usize>,
    /// How the two rankings are joined.
    pub search_fusion: retrieval::Fusion,
    /// A cross-encoder for the first passages: a name, a folder, `none` or `auto`.
    pub search_reranker: String,
    /// Order the best passages again by their token vectors.
    pub search_rerank: bool,
    /// How documents are cut.
    pub chunk: ingest::chunk::ChunkConfig,
    /// Memory of the process that reads a PDF, in bytes.
    pub reader_memory_bytes: u64,
    /// Time to read a PDF, in seconds, before 0.2 s a page.
    pub reader_seconds: u64,
    /// Read pages without a text layer with tesseract, where it is installed.
    pub ocr_enabled: bool,
    /// Tesseract's languages.
    pub ocr_language: String,
    /// Path of tesseract, where given.
    pub ocr_tesseract: Option<PathBuf>,
    /// The model that answers in this process: a name, or a GGUF file.
    pub answerer: String,
    /// What it answers with.
    pub answer_adapter: AdapterChoice,
    /// Longest answer, in the model's tokens.
    pub answer_max_tokens: usize,
    /// Evidence that the model is given, in the embedder's tokens.
    pub answer_evidence_tokens: usize,
    /// Share of answers that are to be right, 0 to 0.99.
    pub answer_precision: f32,
    /// The server that answers, where it is not the model in this process.
    pub llm: Option<crate::models::server::ServerConfig>,
    /// Answer with quotes where that server fails.
    pub llm_falls_back: bool,
    /// Add a list of sources to the text of answers in OpenAI's shape.
    pub openai_sources: bool,
    /// Folder of training runs.
    pub runs_dir: PathBuf,
    /// Leave the processor to everybody else while training.
    pub training_is_idle: bool,
    /// Where chunk vectors are kept; see [`Settings::dense_config`].
    pub dense: retrieval::dense::DenseConfig,
    /// The binary that reads PDFs and trains; this one where not given. For tests, which run in another.
    pub reader_program: Option<PathBuf>,
    /// A server asks the library's own questions again when what answers has changed.
    pub self_evaluation: bool,
    /// Every setting with its origin, for `config show`.
    pub entries: Vec<Entry>,
}

/// What the model in this process answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The adapter that was promoted.
    Auto,
    /// Without one.
    None,
    /// The one that Lectern brings.
    BuiltIn,
    /// The one in this folder.
    Folder(PathBuf),
}

/// Values by key with their origin, before parsing.
type Values = BTreeMap<&'static str, (String, Origin)>;

impl Settings {
    /// Reads all sources.
    ///
    /// `environment` is the process environment as pairs; `flags` are `(key, value)` from the
    /// command line; `config` is the file given by `--config`, else `lectern.toml` in the data
    /// folder is read if it is there.
    ///
    /// # Errors
    /// A [`Problem`] naming the source, the key and what would be right.
    pub fn load(
        config: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(&'static str, String)],
    ) -> Result<Self, Problem> {
        let mut values: Values = KNOWN
            .iter()
            .map(|known| (known.key, (known.default.to_owned(), Origin::Default)))
            .collect();
        let directories = etcetera::choose_base_strategy().ok();
        if let Some(directories) = &directories {
            set(
                &mut values,
                "data_dir",
                directories.data_dir().join("lectern").display().to_string(),
                Origin::Default,
            );
            set(
                &mut values,
                "models_dir",
                directories
                    .cache_dir()
                    .join("lectern")
                    .join("models")
                    .display()
                    .to_string(),
                Origin::Default,
            );
        }

        let mut overriding: Vec<(&'static str, String, Origin)> = Vec::new();
        let mut config = config.map(Path::to_path_buf);
        for (name, value) in environment {
            let Some(rest) = name.strip_prefix("LECTERN_") else {
                continue;
            };
            if rest == "CONFIG" && config.is_none() {
                config = Some(PathBuf::from(&value));
            }
            if let Some(key) = key_of_variable(rest) {
                overriding.push((key, value, Origin::Environment(name)));
            }
        }
        for (key, value) in flags {
            overriding.push((key, value.clone(), Origin::Flag));
        }

        // The data folder must be known before the settings file in it can be read.
        for (key, value, origin) in overriding.iter().filter(|(key, ..)| *key == "data_dir") {
            set(&mut values, key, value.clone(), origin.clone());
        }
        read_file(config.as_deref(), &mut values)?;
        for (key, value, origin) in overriding {
            set(&mut values, key, value, origin);
        }
        parse::parse(&values)
    }
}

fn set(values: &mut Values, key: &'static str, value: String, origin: Origin) {
    values.insert(key, (value, origin));
}

/// `LECTERN_CHUNK_MAX_TOKENS` is `chunk.max_tokens`.
fn key_of_variable(rest: &str) -> Option<&'static str> {
    let wanted = rest.to_ascii_lowercase();
    KNOWN
        .iter()
        .map(|known| known.key)
        .find(|key| key.replace('.', "_") == wanted)
}

fn read_file(given: Option<&Path>, values: &mut Values) -> Result<(), Problem> {
    let path = match given {
        Some(path) => path.to_path_buf(),
        None => Path::new(&values["data_dir"].0).join("lectern.toml"),
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if given.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(());
        }
        Err(error) => {
            return Err(Problem::new(
                Fault::Usage,
                "settings_unreadable",
                format!(
                    "the settings file {} cannot be read: {error}",
                    path.display()
                ),
                "check the path given by --config or LECTERN_CONFIG",
            ));
        }
    };
    let table: toml::Table = text.parse().map_err(|error| {
        Problem::new(
            Fault::Usage,
            "settings_malformed",
            format!(
                "the settings file {} is not valid TOML: {error}",
                path.display()
            ),
            "write settings as `key = value`; `lectern config show` lists the keys",
        )
    })?;
    let mut flat = Vec::new();
    flatten("", &table, &mut flat);
    for (key, value) in flat {
        let Some(known) = KNOWN.iter().find(|known| known.key == key) else {
            return Err(Problem::new(
                Fault::Usage,
                "setting_unknown",
                format!("{} has the unknown setting `{key}`", path.display()),
                "`lectern config show` lists the settings that exist",
            ));
        };
        set(values, known.key, value, Origin::File(path.clone()));
    }
    Ok(())
}

fn flatten(prefix: &str, table: &toml::Table, flat: &mut Vec<(String, String)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, flat),
            toml::Value::String(text) => flat.push((key, text.clone())),
            toml::Value::Array(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| {
                        item.as_str()
                            .map_or_else(|| item.to_string(), str::to_owned)
                    })
                    .collect();
                flat.push((key, items.join(",")));
            }
            other => flat.push((key, other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
