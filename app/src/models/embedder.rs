//! The embedder of a library as it is set: a model of the registry, one whose graph fastembed knows
//! where to find, or a folder of the person's own.
//!
//! A folder is read as sentence-transformers writes it: `1_Pooling/config.json` says which vector
//! stands for a text, `config_sentence_transformers.json` what is wanted before one. Nothing is
//! written into it: a graph made from it goes to the models folder, under the hash of its weights.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Result;
use retrieval::embed::{
    self, Backend, EmbeddingModel, Engine, Loaded, Prompts, Published, VectorSpace,
};
use retrieval::onnx::{Pooling, Precision};
use sha2::{Digest, Sha256};

use super::{Hub, Model, ModelFile, RUNTIME, Role, built_in, find, pull, registry};
use crate::error::{Fault, Problem};
use crate::settings::Settings;

/// What a folder must have.
const NEEDED: [&str; 3] = ["config.json", "tokenizer.json", "model.safetensors"];

/// How long a failure to fetch the library holds.
const RETRY: Duration = Duration::from_hours(24);

/// A chosen embedder with how it is run.
#[derive(Debug, Clone)]
pub struct EmbedderModel {
    source: Source,
    precision: Precision,
    backend: Backend,
    threads: usize,
    /// Longest chunk that it will be given, in tokens.
    chunk_tokens: usize,
}

#[derive(Debug, Clone)]
enum Source {
    Known(Box<Model>),
    Folder(Arc<OwnFolder>),
}

/// A folder that the person named.
#[derive(Debug)]
struct OwnFolder {
    path: PathBuf,
    dimension: usize,
    context: usize,
    pooling: Pooling,
    prompts: Prompts,
    /// Start of the hash of its weights, once it was computed.
    hash: OnceLock<String>,
}

impl EmbedderModel {
    /// What `settings` name. Looks at a folder's small files, at nothing else.
    ///
    /// # Errors
    /// Where the name is not known, or the folder is no model's.
    pub fn choose(settings: &Settings) -> Result<Self, Problem> {
        let name = settings.embedder.as_str();
        let path = Path::new(name);
        let source = if path.components().count() > 1 && path.is_absolute() || path.is_dir() {
            Source::Folder(Arc::new(OwnFolder::read(path)?))
        } else {
            let model = find(name)?;
            if model.role != Role::Embedder {
                return Err(Problem::new(
                    Fault::Usage,
                    "not_an_embedder",
                    format!("the setting embedder names {}, which is none", model.id),
                    "`lectern models list` shows which models are embedders",
                ));
            }
            Source::Known(Box::new(model))
        };
        Ok(Self {
            source,
            precision: settings.embedding_precision,
            backend: settings.embedding_backend,
            threads: settings.embedding_threads.unwrap_or_else(physical_cores),
            chunk_tokens: settings.chunk.max_tokens,
        })
    }

    /// The known model that makes vectors of a space, where there is one: what an index was built
    /// with before the settings changed.
    pub fn of_space(space: &VectorSpace, settings: &Settings) -> Option<Self> {
        let model = find(&space.id).ok()?;
        [Precision::Int8, Precision::Float32]
            .into_iter()
            .map(|precision| Self {
                source: Source::Known(Box::new(model.clone())),
                precision,
                backend: settings.embedding_backend,
                threads: settings.embedding_threads.unwrap_or_else(physical_cores),
                chunk_tokens: settings.chunk.max_tokens,
            })
            .find(|model| model.space() == *space)
    }

    /// The model of the registry or of the hub, unless it is a folder.
    pub fn model(&self) -> Option<&Model> {
        match &self.source {
            Source::Known(model) => Some(model),
            Source::Folder(_) => None,
        }
    }

    /// What its vectors can be compared with. For a folder, reads all of its weights once.
    pub fn space(&self) -> VectorSpace {
        match &self.source {
            Source::Known(model) => VectorSpace {
                id: model.id.clone(),
                revision: match &model.graph {
                    Some(graph) => {
                        revision(&model.revision(), graph, model.pooling, &model.prompts)
                    }
                    None => revision(
                        &model.revision(),
                        &self.precision.to_string(),
                        model.pooling,
                        &model.prompts,
                    ),
                },
                dimension: model.dimension.unwrap_or_default(),
            },
            Source::Folder(folder) => VectorSpace {
                id: folder
                    .path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                revision: revision(
                    folder.hash(),
                    &self.precision.to_string(),
                    folder.pooling,
                    &folder.prompts,
                ),
                dimension: folder.dimension,
            },
        }
    }

    /// Longest input, in tokens.
    pub fn context(&self) -> usize {
        match &self.source {
            Source::Known(model) => model.context,
            Source::Folder(folder) => folder.context,
        }
    }

    /// Loads it, fetching what is missing first. Blocking.
    ///
    /// # Errors
    /// Where the model is missing and cannot be fetched, or is unusable. A library to run it in
    /// that cannot be had is a warning, where candle can stand in.
    pub fn load(&self, place: &pull::Place<'_>) -> Result<Loaded> {
        let (libraries, mut warnings) = match self.backend {
            Backend::Candle => Default::default(),
            Backend::Auto | Backend::Onnx => libraries(place),
        };
        if let Some(model) = self.model() {
            pull::ensure(model, place)?;
        }
        let engine = Engine {
            backend: self.backend,
            precision: self.precision,
            threads: self.threads,
            libraries,
        };
        let mut loaded = embed::load(&self.files(place.models_dir), &engine)?;
        // Why the library could not be fetched is told only where it would have been needed.
        if loaded.backend != "candle" || self.backend == Backend::Candle {
            warnings.clear();
        }
        warnings.append(&mut loaded.warnings);
        // Two of its tokens mark a text's start and end.
        let own = self.context().saturating_sub(2);
        if self.chunk_tokens > own {
            warnings.push(format!(
                "{} reads {own} tokens of a text, so the rest of longer chunks does not count for \
                 their vectors; hint: set chunk.max_tokens to {own} and ingest again",
                self.space().id
            ));
        }
        loaded.warnings = warnings;
        Ok(loaded)
    }

    fn files(&self, models_dir: &Path) -> EmbeddingModel {
        match &self.source {
            Source::Known(model) => EmbeddingModel {
                folder: model.folder(models_dir),
                derived: model.folder(models_dir),
                graph: model.graph.as_ref().map(PathBuf::from),
                tensor_files: model.tensor_files().map(PathBuf::from).collect(),
                space: self.space(),
                pooling: model.pooling,
                prompts: model.prompts.clone(),
                context: model.context,
            },
            Source::Folder(folder) => EmbeddingModel {
                folder: folder.path.clone(),
                derived: models_dir.join("local").join(folder.hash()),
                graph: None,
                tensor_files: Vec::new(),
                space: self.space(),
                pooling: folder.pooling,
                prompts: folder.prompts.clone(),
                context: folder.context,
            },
        }
    }
}

impl Model {
    /// Tensors beside a published graph: what is neither the graph nor JSON.
    fn tensor_files(&self) -> impl Iterator<Item = &str> {
        let graph = self.graph.as_deref();
        self.files
            .iter()
            .map(|file| file.name.as_str())
            .filter(move |name| {
                graph.is_some_and(|graph| graph != *name) && !name.ends_with(".json")
            })
    }
}

/// Candidates for ONNX Runtime's library, the one that is fetched among them, and why that could
/// not be fetched.
pub(super) fn libraries(place: &pull::Place<'_>) -> (Vec<PathBuf>, Vec<String>) {
    let named = std::env::var_os("ORT_DYLIB_PATH")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let mut libraries: Vec<PathBuf> = named.iter().cloned().collect();
    let mut warnings = Vec::new();
    match registry().into_iter().find(|model| model.id == RUNTIME) {
        Some(runtime) => {
            let wanted = named.is_none_or(|path| !path.is_file());
            if wanted
                && !runtime.is_present(place.models_dir)
                && let Err(error) = fetch(&runtime, place)
            {
                warnings.push(format!("{error:#}"));
            }
            if runtime.is_present(place.models_dir) {
                libraries.push(runtime.weights(place.models_dir));
            }
        }
        None => warnings.push(format!(
            "no ONNX Runtime is fetched for {}-{}",
            std::env::consts::ARCH,
            std::env::consts::OS
        )),
    }
    libraries.push(embed::system_library());
    (libraries, warnings)
}

/// Fetches the library, but not again within a day of a failure: a machine without a network would
/// wait for it at each start, and there is candle.
fn fetch(runtime: &Model, place: &pull::Place<'_>) -> Result<()> {
    let failed = place.models_dir.join(format!(".{RUNTIME}.failed"));
    let recently = std::fs::metadata(&failed)
        .and_then(|meta| meta.modified())
        .ok()
        .and_then(|when| when.elapsed().ok())
        .is_some_and(|age| age < RETRY);
    if recently {
        anyhow::bail!("fetching {RUNTIME} failed within the last day");
    }
    let fetched = pull::ensure(runtime, place);
    if fetched.is_err() && !place.offline {
        let _ = std::fs::write(&failed, "");
    } else {
        let _ = std::fs::remove_file(&failed);
    }
    fetched.map(|_| ())
}

/// A model by the name that fastembed has for it, or by that of its repository.
pub(super) fn published(name: &str) -> Option<Model> {
    let found = embed::published().into_iter().find(|known| {
        known.name.eq_ignore_ascii_case(name) || known.repository.eq_ignore_ascii_case(name)
    })?;
    Some(from_hub(found))
}

pub(super) fn from_hub(known: Published) -> Model {
    let prompts = built_in()
        .family
        .into_iter()
        .find(|family| known.repository.to_lowercase().contains(&family.part))
        .map(|family| family.prompts)
        .unwrap_or_default();
    let mut names = vec![known.graph.clone()];
    names.extend(known.tensor_files);
    names.extend(["config.json".to_owned(), "tokenizer.json".to_owned()]);
    Model {
        id: known.name,
        role: Role::Embedder,
        task: Vec::new(),
        tier: String::new(),
        parameters: 0,
        dimension: Some(known.dimension),
        context: 512,
        licence: "see its repository".to_owned(),
        pooling: known.pooling,
        prompts,
        graph: Some(known.graph),
        target: None,
        hub: Some(Hub {
            repository: known.repository,
            revision: "main".to_owned(),
        }),
        wheel: None,
        convert: None,
        files: names
            .into_iter()
            .map(|name| ModelFile {
                name,
                bytes: 0,
                sha256: String::new(),
            })
            .collect(),
    }
}

impl OwnFolder {
    fn read(path: &Path) -> Result<Self, Problem> {
        let unusable = |why: String| {
            Problem::new(
                Fault::Usage,
                "embedder_unusable",
                format!("the embedder {} cannot be used: {why}", path.display()),
                format!(
                    "name a folder with {} of a BERT-family model, or one of the models that \
                     `lectern models list` shows",
                    NEEDED.join(", ")
                ),
            )
        };
        if let Some(missing) = NEEDED.iter().find(|name| !path.join(name).is_file()) {
            return Err(unusable(format!("it has no {missing}")));
        }
        let config = json(&path.join("config.json"))
            .ok_or_else(|| unusable("its config.json is no JSON".to_owned()))?;
        let number = |name: &str| config[name].as_u64().map(|number| number as usize);
        let dimension = number("hidden_size")
            .or(number("dim"))
            .ok_or_else(|| unusable("its config.json has no hidden_size".to_owned()))?;
        let mut context = number("max_position_embeddings").unwrap_or(512);
        if config["model_type"]
            .as_str()
            .is_some_and(|kind| kind.contains("roberta"))
        {
            // Its positions start after the padding token's number.
            context = context.saturating_sub(number("pad_token_id").unwrap_or(1) + 1);
        }
        let tokenizer = json(&path.join("tokenizer_config.json")).unwrap_or_default();
        if let Some(most) = tokenizer["model_max_length"].as_f64()
            && most >= 1.0
        {
            context = context.min(most as usize);
        }
        let pooling = json(&path.join("1_Pooling").join("config.json")).unwrap_or_default();
        let prompts = json(&path.join("config_sentence_transformers.json")).unwrap_or_default();
        let prompt = |names: [&str; 2]| {
            let prompts = &prompts["prompts"];
            let found = names.iter().find_map(|name| prompts[*name].as_str());
            found.unwrap_or_default().to_owned()
        };
        Ok(Self {
            path: path.to_owned(),
            dimension,
            context,
            pooling: match pooling["pooling_mode_cls_token"].as_bool() {
                Some(true) => Pooling::Cls,
                _ => Pooling::Mean,
            },
            prompts: Prompts {
                query: prompt(["query", "question"]),
                document: prompt(["document", "passage"]),
            },
            hash: OnceLock::new(),
        })
    }

    /// Start of the weights' hash; of nothing where they cannot be read, which loading tells.
    fn hash(&self) -> &str {
        self.hash.get_or_init(|| {
            let mut hash =
                pull::sha256_of(&self.path.join("model.safetensors")).unwrap_or_default();
            hash.truncate(12);
            hash
        })
    }
}

fn json(path: &Path) -> Option<serde_json::Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// All that vectors depend on beside the model's name.
fn revision(weights: &str, computed: &str, pooling: Pooling, prompts: &Prompts) -> String {
    let mut revision = format!("{weights}.{computed}.{pooling}");
    if *prompts != Prompts::default() {
        let both = format!("{}\0{}", prompts.query, prompts.document);
        let hash = format!("{:x}", Sha256::digest(both));
        revision.push('.');
        revision.push_str(&hash[..8]);
    }
    revision
}

/// Cores that do not share their arithmetic with another that is counted.
pub(super) fn physical_cores() -> usize {
    let usable = std::thread::available_parallelism().map_or(1, usize::from);
    let cores: std::collections::BTreeSet<String> = (0..usable)
        .filter_map(|processor| {
            let siblings =
                format!("/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list");
            std::fs::read_to_string(siblings).ok()
        })
        .collect();
    if cores.is_empty() {
        usable
    } else {
        cores.len()
    }
}

#[cfg(test)]
mod tests;
