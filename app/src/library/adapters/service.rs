//! What answers now: the model in this process, with the adapter that was promoted.
//!
//! A model with an adapter shares the weights of the model without. Promoting puts another in place of
//! the one that answers; answers that have begun hold theirs and finish on it. What is in that place is
//! decided once, when it is first needed, in this order: what the setting `answer.adapter` names, the
//! adapter that was promoted, the one that Lectern [brings](super::built_in) for its default model, none.
//!
//! An adapter only means something on the model that it was trained on. Where that has changed, the
//! model answers without it, and every answer says so.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use generation::Generator;
use generation::decoder::Adapter;
use generation::llama::Llama;
use sha2::{Digest, Sha256};

use super::built_in::{BUILT_IN, built_in};
use super::files::Files;
use crate::catalog::{AdapterBase, AdapterRecord, Provenance};
use crate::error::{Fault, Problem};
use crate::library::{Library, blocking};
use crate::models::DEFAULT_ANSWERER;
use crate::models::answerer::Answerer;
use crate::settings::AdapterChoice;

/// Why no adapter answers where there is a server.
const SERVER_ANSWERS: &str = "answers come from a server (llm.url)";

/// Digits of an adapter's hash that name it.
pub(super) const ID_DIGITS: usize = 16;

/// The file of the model in this process.
#[derive(Debug, Clone)]
pub(crate) struct BaseFile {
    /// What answers record as the model.
    pub(crate) id: String,
    /// The file.
    pub(crate) path: PathBuf,
}

/// What answers, and why.
#[derive(Clone)]
pub(crate) struct Served {
    /// The model.
    pub(crate) llama: Arc<Llama>,
    /// Why it is this one, in words.
    because: String,
    /// What to tell with every answer.
    warning: Option<String>,
}

/// Which adapter there is to be put on the model.
pub(super) enum Wanted {
    None(String),
    At {
        id: String,
        folder: PathBuf,
        because: String,
    },
}

impl Library {
    /// The file of the model in this process, fetched where it is missing.
    ///
    /// # Errors
    /// A problem `answerer_on_server` where a server has the model, or where it cannot be fetched.
    pub(crate) async fn base_file(&self) -> Result<BaseFile> {
        match &self.answerer {
            Answerer::Local(model) => {
                self.with_model(model.as_ref().clone(), |model, folder| {
                    Ok(BaseFile {
                        id: model.id.clone(),
                        path: model.weights(folder),
                    })
                })
                .await
            }
            Answerer::File { id, path } => Ok(BaseFile {
                id: id.clone(),
                path: path.clone(),
            }),
            Answerer::Server(_) => Err(on_server().into()),
        }
    }

    /// The model in this process, without any adapter.
    ///
    /// # Errors
    /// As [`base_file`](Self::base_file), or where it is unusable.
    pub(crate) async fn base_llama(&self) -> Result<Arc<Llama>> {
        let load = || async {
            let base = self.base_file().await?;
            blocking(move || Ok(Arc::new(Llama::load(&base.path, &base.id)?))).await
        };
        self.base.get_or_try_init(load).await.cloned()
    }

    /// What an adapter that is trained now is trained on.
    pub(super) async fn base_identity(&self) -> Result<AdapterBase> {
        let base = self.base_file().await?;
        Ok(AdapterBase {
            model: base.id,
            sha256: self.base_sha256(&base.path).await?,
            source_sha256: self.source_sha256(),
        })
    }

    async fn base_sha256(&self, path: &Path) -> Result<String> {
        let path = path.to_owned();
        let read = || async { blocking(move || hash(&path)).await };
        self.base_sha256.get_or_try_init(read).await.cloned()
    }

    /// Hash of the file that the registry knows, of which the model's file was made.
    fn source_sha256(&self) -> Option<String> {
        let model = self.answerer.model()?;
        model.weights_sha256(&self.settings.models_dir)
    }

    /// True where an adapter was trained on the model that answers here. Fetches nothing.
    pub(super) async fn fits(&self, adapter: &AdapterRecord) -> Result<bool> {
        let source = adapter.base.source_sha256.as_deref();
        self.is_base(source.unwrap_or(&adapter.base.sha256), &adapter.base.sha256)
            .await
    }

    async fn is_base(&self, source: &str, file: &str) -> Result<bool> {
        if self.source_sha256().is_some_and(|own| own == source) {
            return Ok(true);
        }
        let path = match &self.answerer {
            Answerer::Local(model) => model.weights(&self.settings.models_dir),
            Answerer::File { path, .. } => path.clone(),
            Answerer::Server(_) => return Ok(false),
        };
        Ok(path.is_file() && self.base_sha256(&path).await? == file)
    }

    /// The adapter to put on the model, without loading anything.
    pub(super) async fn wanted(&self) -> Result<(Wanted, Option<String>)> {
        let promoted = match &self.settings.answer_adapter {
            AdapterChoice::None => {
                return Ok((Wanted::None("answer.adapter is none".to_owned()), None));
            }
            AdapterChoice::BuiltIn => return self.wanted_built_in().await,
            AdapterChoice::Folder(folder) => {
                let folder = folder.clone();
                return blocking(move || {
                    let id = Files::read(&folder)?.sha256[..ID_DIGITS].to_owned();
                    let because = format!("answer.adapter is {}", folder.display());
                    Ok((
                        Wanted::At {
                            id,
                            folder,
                            because,
                        },
                        None,
                    ))
                })
                .await;
            }
            AdapterChoice::Auto => self.catalog.adapter_in_service().await?,
        };
        let warning = match promoted {
            Some(record) if self.fits(&record).await? => {
                let wanted = Wanted::At {
                    folder: self.adapter_folder(&record.sha256),
                    id: record.id,
                    because: "it was promoted".to_owned(),
                };
                return Ok((wanted, None));
            }
            Some(record) => Some(format!(
                "the adapter {} is not used: it was trained on {}, and another model answers now; \
                 hint: promote one that was trained on this model, or roll back",
                record.id, record.base.model
            )),
            None => None,
        };
        let wanted = match self.built_in_fits() {
            true => self.at_built_in("it comes with Lectern").await?,
            false => Wanted::None("none was promoted".to_owned()),
        };
        Ok((wanted, warning))
    }

    /// True where the adapter that Lectern brings was trained on the model that answers. Told by what
    /// the registry knows: a file of the user's can be of many gigabytes, and is not read for this.
    fn built_in_fits(&self) -> bool {
        self.source_sha256().as_deref() == Some(built_in().base_sha256)
    }

    async fn at_built_in(&self, because: &str) -> Result<Wanted> {
        let own = built_in();
        Ok(Wanted::At {
            id: own.id().to_owned(),
            folder: self.keep_built_in(own).await?,
            because: because.to_owned(),
        })
    }

    /// The adapter that Lectern brings, or why it cannot be used here.
    async fn wanted_built_in(&self) -> Result<(Wanted, Option<String>)> {
        let because = "answer.adapter is built-in";
        if self.built_in_fits() {
            return Ok((self.at_built_in(because).await?, None));
        }
        let warning = format!(
            "the adapter that comes with Lectern is not used: it was trained on {DEFAULT_ANSWERER}, \
             and another model answers; hint: set answer.adapter to auto"
        );
        Ok((Wanted::None(because.to_owned()), Some(warning)))
    }

    /// The id of the adapter that answers now.
    ///
    /// # Errors
    /// Where the catalog or the model's file cannot be read.
    pub(crate) async fn adapter_serving(&self) -> Result<Option<String>> {
        Ok(self.serving_now().await?.0)
    }

    /// What answers now, by its id, and why.
    pub(super) async fn serving_now(&self) -> Result<(Option<String>, String)> {
        if let Answerer::Server(_) = &self.answerer {
            return Ok((None, SERVER_ANSWERS.to_owned()));
        }
        if let Some(served) = self.serving.lock().await.as_ref() {
            let id = served.llama.adapter().map(str::to_owned);
            let because = served.warning.as_ref().unwrap_or(&served.because);
            return Ok((id, because.clone()));
        }
        let (wanted, warning) = self.wanted().await?;
        let (id, because) = match wanted {
            Wanted::None(because) => (None, because),
            Wanted::At { id, because, .. } => (Some(id), because),
        };
        Ok((id, warning.unwrap_or(because)))
    }

    /// The model that answers now, loaded when first asked for.
    pub(crate) async fn served(&self) -> Result<Served> {
        let mut serving = self.serving.lock().await;
        if let Some(served) = serving.as_ref() {
            return Ok(served.clone());
        }
        let base = self.base_llama().await?;
        let (wanted, mut warning) = self.wanted().await?;
        let is_named = matches!(self.settings.answer_adapter, AdapterChoice::Folder(_));
        let served = match wanted {
            Wanted::None(because) => Served {
                llama: base,
                because,
                warning,
            },
            Wanted::At {
                id,
                folder,
                because,
            } => match put_on(&base, &id, &folder).await {
                // Whoever names a folder wants that adapter and no other.
                Err(error) if is_named => return Err(error),
                Err(error) => {
                    let problem = Problem::from_error(&error);
                    warning = Some(format!(
                        "the adapter {id} is not used: {}; hint: promote another, or roll back",
                        problem.message
                    ));
                    Served {
                        llama: base,
                        because,
                        warning,
                    }
                }
                Ok(llama) => Served {
                    llama,
                    because,
                    warning,
                },
            },
        };
        if let Some(warning) = &served.warning {
            tracing::warn!("{warning}");
        }
        Ok(serving.insert(served).clone())
    }

    /// Whether the adapter that is to answer can be used, and what was found.
    ///
    /// # Errors
    /// Where the catalog cannot be read.
    pub(crate) async fn adapter_health(&self) -> Result<(bool, String)> {
        if let Answerer::Server(_) = &self.answerer {
            return Ok((true, SERVER_ANSWERS.to_owned()));
        }
        let (id, folder, because) = match self.wanted().await {
            Ok((_, Some(warning))) => return Ok((false, warning)),
            Ok((Wanted::None(because), None)) => return Ok((true, because)),
            Ok((
                Wanted::At {
                    id,
                    folder,
                    because,
                },
                None,
            )) => (id, folder, because),
            Err(error) => return told(error),
        };
        match blocking(move || Files::read(&folder)).await {
            Ok(files) if files.sha256.starts_with(id.trim_start_matches(BUILT_IN)) => {
                Ok((true, format!("{id}, its files whole: {because}")))
            }
            Ok(_) => Ok((false, format!("the files of {id} are not what they were"))),
            Err(error) => told(error),
        }
    }

    /// What has to be told with every answer of the model in this process.
    pub(crate) async fn adapter_warning(&self) -> Option<String> {
        self.serving.lock().await.as_ref()?.warning.clone()
    }

    /// The model with an adapter, by its whole id, or without any.
    ///
    /// # Errors
    /// A problem `adapter_not_found` or `adapter_base_differs`, or where it is unusable.
    pub(super) async fn llama_with(&self, id: Option<&str>) -> Result<Arc<Llama>> {
        let base = self.base_llama().await?;
        let Some(id) = id else {
            return Ok(base);
        };
        if let Some(served) = self.serving.lock().await.as_ref()
            && served.llama.adapter() == Some(id)
        {
            return Ok(served.llama.clone());
        }
        if let (
            Wanted::At {
                id: own, folder, ..
            },
            _,
        ) = self.wanted().await?
            && own == id
        {
            return put_on(&base, id, &folder).await;
        }
        // Not the one that answers now.
        let own = built_in();
        if own.id() == id {
            return put_on(&base, id, &self.keep_built_in(own).await?).await;
        }
        let Some(record) = self.catalog.adapter(id).await? else {
            return Err(super::not_found(id).into());
        };
        self.check_base(&record).await?;
        put_on(&base, id, &self.adapter_folder(&record.sha256)).await
    }

    /// The model that wrote an answer, as it was then, so that it can write it again; the one that
    /// answers now where it is gone, and then `notes` says so.
    pub(in crate::library) async fn writer_of(
        &self,
        then: &Provenance,
        notes: &mut Vec<String>,
    ) -> Result<Arc<dyn Generator>> {
        if matches!(self.answerer, Answerer::Server(_)) || then.model.is_none() {
            return self.generator().await;
        }
        match self.llama_with(then.adapter.as_deref()).await {
            Ok(llama) => Ok(llama),
            Err(error) if then.adapter.is_some() => {
                notes.push(format!(
                    "the adapter of then cannot be used any more ({}); what answers now was asked",
                    Problem::from_error(&error).message
                ));
                self.generator().await
            }
            Err(error) => Err(error),
        }
    }

    /// Fails where an adapter was trained on another model than the one that answers here.
    pub(super) async fn check_base(&self, record: &AdapterRecord) -> Result<()> {
        match self.fits(record).await? {
            true => Ok(()),
            false => {
                Err(base_differs(&format!("the adapter {}", record.id), &record.base.model).into())
            }
        }
    }

    /// Loads the model with an adapter and has it answer from now on; what has begun is not disturbed.
    /// `commit` makes it last, before anyone is answered by it.
    pub(super) async fn swap(
        &self,
        id: Option<&str>,
        commit: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        // Tried before anything is changed.
        if id.is_some() {
            self.llama_with(id).await?;
        }
        commit.await?;
        *self.serving.lock().await = None;
        self.served().await?;
        Ok(())
    }
}

async fn put_on(base: &Arc<Llama>, id: &str, folder: &Path) -> Result<Arc<Llama>> {
    let (base, id, folder) = (base.clone(), id.to_owned(), folder.to_owned());
    blocking(move || {
        let adapter = Adapter::load(&folder)?;
        Ok(Arc::new(base.with_adapter(Some((&id, &adapter)))?))
    })
    .await
}

/// A problem as something that was found; anything else stays an error.
fn told(error: anyhow::Error) -> Result<(bool, String)> {
    let problem = error.downcast::<Problem>()?;
    Ok((false, problem.message))
}

pub(super) fn on_server() -> Problem {
    Problem::new(
        Fault::Conflict,
        "answerer_on_server",
        "answers come from a server, and adapters are for the model in this process",
        "unset LECTERN_LLM_URL (llm.url)",
    )
}

pub(super) fn base_differs(what: &str, base: &str) -> Problem {
    Problem::new(
        Fault::Conflict,
        "adapter_base_differs",
        format!("{what} was trained on {base}, and another model answers here"),
        "train on the model that answers, or name the file of the other in the setting answerer",
    )
}

/// SHA-256 of a file, in hexadecimal.
pub(super) fn hash(path: &Path) -> Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("{:x}", hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}
