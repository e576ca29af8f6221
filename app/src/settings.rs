//! Settings: built-in defaults < `lectern.toml` < `LECTERN_*` environment < flags.
//!
//! One table names every setting with its default; the sources are read into the same flat map of
//! `key -> (text, origin)` and parsed once, at the end, so that `lectern config show` can say of
//! each value where it came from and an error can name the culprit.

mod dense;
mod known;
mod llm;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

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
        parse(&values)
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

fn parse(values: &Values) -> Result<Settings, Problem> {
    let folder = |key: &'static str| -> Result<PathBuf, Problem> {
        let (text, origin) = &values[key];
        if text.is_empty() {
            return Err(invalid(key, text, origin, "a folder"));
        }
        std::path::absolute(text).map_err(|_| invalid(key, text, origin, "a folder"))
    };
    let mut chunk = ingest::chunk::ChunkConfig {
        max_tokens: within(values, "chunk.max_tokens", 32, 510)?,
        overlap_tokens: within(values, "chunk.overlap_tokens", 0, 200)?,
    };
    // Whoever asks for short chunks alone gets an overlap to match.
    if values["chunk.overlap_tokens"].1 == Origin::Default {
        chunk.overlap_tokens = chunk.overlap_tokens.min(chunk.max_tokens / 7);
    }
    if chunk.overlap_tokens * 2 > chunk.max_tokens {
        let (text, origin) = &values["chunk.overlap_tokens"];
        return Err(invalid(
            "chunk.overlap_tokens",
            text,
            origin,
            "at most half of chunk.max_tokens",
        ));
    }
    let (embedder, embedder_origin) = &values["embedder"];
    if embedder.trim().is_empty() {
        return Err(invalid(
            "embedder",
            embedder,
            embedder_origin,
            "a name that `lectern models list` shows, or a folder",
        ));
    }
    let (precision, precision_origin) = &values["embedding.precision"];
    let (token, token_origin) = &values["token"];
    if !token.is_empty() && token.len() < 16 {
        return Err(invalid(
            "token",
            "…",
            token_origin,
            "at least 16 characters, so that it cannot be guessed",
        ));
    }
    let (language, language_origin) = &values["ocr.language"];
    let is_language = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_/".contains(c))
    };
    if !language.split('+').all(is_language) {
        return Err(invalid(
            "ocr.language",
            language,
            language_origin,
            "names that `tesseract --list-langs` shows, joined by +",
        ));
    }
    let entries = KNOWN
        .iter()
        .map(|known| {
            let (value, origin) = &values[known.key];
            let secret = SECRETS.contains(&known.key) && !value.is_empty();
            Entry {
                key: known.key,
                value: if secret {
                    "(set, not shown)".into()
                } else {
                    value.clone()
                },
                origin: origin.to_string(),
                meaning: known.meaning,
            }
        })
        .collect();
    let (llm, llm_falls_back) = llm::parse(values)?;
    Ok(Settings {
        data_dir: folder("data_dir")?,
        models_dir: folder("models_dir")?,
        offline: flag(values, "offline")?,
        addr: parsed(
            values,
            "addr",
            "an address with a port, such as 127.0.0.1:8080",
        )?,
        token: (!token.is_empty()).then(|| token.clone()),
        allowed_hosts: values["allowed_hosts"]
            .0
            .split(',')
            .map(|host| host.trim().to_ascii_lowercase())
            .filter(|host| !host.is_empty())
            .collect(),
        max_upload_bytes: within(values, "max_upload_mb", 1, 4096)? as u64 * (1 << 20),
        top_k: within(values, "top_k", 1, 100)?,
        embedder: embedder.trim().to_owned(),
        embedding_precision: match precision.trim() {
            "int8" => Precision::Int8,
            "float32" => Precision::Float32,
            _ => {
                return Err(invalid(
                    "embedding.precision",
                    precision,
                    precision_origin,
                    "int8 or float32",
                ));
            }
        },
        embedding_backend: parsed(values, "embedding.backend", "auto, onnx or candle")?,
        embedding_threads: Some(within(values, "embedding.threads", 0, 256)?)
            .filter(|threads| *threads > 0),
        search_fusion: match values["search.fusion"].0.trim() {
            "convex" => retrieval::Fusion::Convex,
            "rrf" => retrieval::Fusion::Rrf,
            _ => {
                let (text, origin) = &values["search.fusion"];
                return Err(invalid("search.fusion", text, origin, "convex or rrf"));
            }
        },
        search_reranker: values["search.reranker"].0.trim().to_owned(),
        search_rerank: flag(values, "search.rerank")?,
        chunk,
        reader_memory_bytes: within(values, "reader.memory_mb", 256, 65536)? as u64 * (1 << 20),
        reader_seconds: within(values, "reader.seconds", 1, 86400)? as u64,
        ocr_enabled: flag(values, "ocr.enabled")?,
        self_evaluation: flag(values, "answer.self_evaluation")?,
        ocr_language: language.clone(),
        ocr_tesseract: Some(&values["ocr.tesseract"].0)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        answerer: answerer(values)?,
        answer_adapter: adapter_choice(values)?,
        answer_max_tokens: within(values, "answer.max_tokens", 8, 4096)?,
        answer_evidence_tokens: within(values, "answer.evidence_tokens", 50, 4000)?,
        answer_precision: answer_precision(values)?,
        llm,
        llm_falls_back,
        openai_sources: flag(values, "openai.sources")?,
        runs_dir: match values["training.runs_dir"].0.is_empty() {
            true => folder("data_dir")?.join("runs"),
            false => folder("training.runs_dir")?,
        },
        training_is_idle: match values["training.priority"].0.trim() {
            "idle" => true,
            "normal" => false,
            _ => {
                let (text, origin) = &values["training.priority"];
                return Err(invalid("training.priority", text, origin, "idle or normal"));
            }
        },
        dense: dense::parse(values)?,
        reader_program: None,
        entries,
    })
}

fn flag(values: &Values, key: &'static str) -> Result<bool, Problem> {
    let (text, origin) = &values[key];
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(invalid(key, text, origin, "true or false")),
    }
}

fn within(values: &Values, key: &'static str, low: usize, high: usize) -> Result<usize, Problem> {
    let wanted = format!("a whole number from {low} to {high}");
    let number: usize = parsed(values, key, &wanted)?;
    if (low..=high).contains(&number) {
        Ok(number)
    } else {
        let (text, origin) = &values[key];
        Err(invalid(key, text, origin, &wanted))
    }
}

fn answerer(values: &Values) -> Result<String, Problem> {
    let (text, origin) = &values["answerer"];
    match text.trim() {
        "" => Err(invalid(
            "answerer",
            text,
            origin,
            "a name that `lectern models list` shows, or a GGUF file",
        )),
        named => Ok(named.to_owned()),
    }
}

fn adapter_choice(values: &Values) -> Result<AdapterChoice, Problem> {
    const KEY: &str = "answer.adapter";
    let (text, origin) = &values[KEY];
    let wanted = "auto, none, or the folder of an adapter";
    match text.trim() {
        "auto" => Ok(AdapterChoice::Auto),
        "none" => Ok(AdapterChoice::None),
        "" => Err(invalid(KEY, text, origin, wanted)),
        folder => match std::path::absolute(folder) {
            Ok(folder) if folder.is_dir() => Ok(AdapterChoice::Folder(folder)),
            _ => Err(invalid(KEY, text, origin, wanted)),
        },
    }
}

fn answer_precision(values: &Values) -> Result<f32, Problem> {
    const KEY: &str = "answer.precision";
    let wanted = "a share from 0 (refuse nothing) to 0.99, such as 0.9";
    let share: f32 = parsed(values, KEY, wanted)?;
    if (0.0..=0.99).contains(&share) {
        Ok(share)
    } else {
        let (text, origin) = &values[KEY];
        Err(invalid(KEY, text, origin, wanted))
    }
}

fn parsed<T: FromStr>(values: &Values, key: &'static str, wanted: &str) -> Result<T, Problem> {
    let (text, origin) = &values[key];
    text.trim()
        .parse()
        .map_err(|_| invalid(key, text, origin, wanted))
}

fn invalid(key: &str, value: &str, origin: &Origin, wanted: &str) -> Problem {
    Problem::new(
        Fault::Usage,
        "setting_invalid",
        format!("the setting {key} = {value:?} (from {origin}) is not valid"),
        format!("give {wanted}"),
    )
}

#[cfg(test)]
mod tests;
