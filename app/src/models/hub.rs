//! Model files from the Hugging Face hub, through `hf-hub`: from its cache on this machine where
//! they are there, else downloaded, continuing a download that was cut off.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hf_hub::api::Progress;
use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Cache, Repo, RepoType};

use super::{Hub, ModelFile};

/// A download that brings nothing for so long has failed: without this, a network that drops
/// packets would hold the fallback back for minutes.
const STALL: Duration = Duration::from_secs(15);

/// The file from hf-hub's own cache, which other programs fill too.
pub(super) fn cached(hub: &Hub, file: &ModelFile) -> Option<PathBuf> {
    Cache::from_env().repo(repository(hub)).get(&file.name)
}

/// Downloads one file below `scratch`; `advance` is told the bytes so far.
pub(super) fn download(
    hub: &Hub,
    file: &ModelFile,
    scratch: &Path,
    advance: &dyn Fn(u64),
) -> Result<PathBuf> {
    let (sender, receiver) = mpsc::channel();
    let (repository, name, scratch) = (repository(hub), file.name.clone(), scratch.join("hub"));
    // hf-hub has no time-out of its own, so it runs in a thread that can be left behind.
    std::thread::spawn(move || {
        let report = Reporter {
            sender: sender.clone(),
            done: 0,
        };
        let fetched = ApiBuilder::from_env()
            .with_progress(false)
            .with_cache_dir(scratch)
            .build()
            .and_then(|api| api.repo(repository).download_with_progress(&name, report));
        // Nobody listens any more after a stall.
        let _ = sender.send(Event::Finished(fetched.map_err(anyhow::Error::from)));
    });
    loop {
        match receiver.recv_timeout(STALL) {
            Ok(Event::Bytes(bytes)) => advance(bytes),
            Ok(Event::Finished(fetched)) => {
                return fetched.context("downloading from the model hub");
            }
            Err(_) => bail!("the model hub sent nothing for {} s", STALL.as_secs()),
        }
    }
}

fn repository(hub: &Hub) -> Repo {
    Repo::with_revision(
        hub.repository.clone(),
        RepoType::Model,
        hub.revision.clone(),
    )
}

enum Event {
    Bytes(u64),
    Finished(Result<PathBuf>),
}

struct Reporter {
    sender: mpsc::Sender<Event>,
    done: u64,
}

impl Progress for Reporter {
    fn init(&mut self, _size: usize, _filename: &str) {}

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        let _ = self.sender.send(Event::Bytes(self.done));
    }

    fn finish(&mut self) {}
}
