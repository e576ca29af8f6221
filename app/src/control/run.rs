//! Carries out requests on a library.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc::UnboundedSender;

use super::{CollectionRecord, Event, IngestRequest, Request, Summary};
use crate::error::{Fault, Problem};
use crate::library::add::{Prepared, Watch, collection_name, display_name};
use crate::library::search::collection_not_found;
use crate::library::{FileReport, FileStatus, Library, Stage, Upload, blocking};

type Events = UnboundedSender<Event>;

/// Carries out one request; what there is to say goes to `events`. Stops where nobody listens.
///
/// # Errors
/// Why the request as a whole failed; a file that fails is an event.
pub async fn run(library: Arc<Library>, request: Request, events: &Events) -> Result<()> {
    let say = |event| {
        // Whoever asked may have gone; there is nobody left to tell.
        let _ = events.send(event);
    };
    match request {
        Request::Ingest(request) => ingest(&library, request, events).await?,
        Request::Search(request) => say(Event::Search(library.search(&request).await?)),
        Request::Ask(request) => {
            let sender = events.clone();
            let answer = library
                .ask(&request, move |event| {
                    sender.send(Event::Asking(event)).is_ok()
                })
                .await?;
            say(Event::Answer(answer));
        }
        Request::Documents { collection } => {
            say(Event::Documents(
                library.catalog.documents(collection.as_deref()).await?,
            ));
        }
        Request::Document { id } => say(Event::Documents(vec![library.document(&id).await?])),
        Request::DeleteDocuments { ids } => {
            // All are looked up before one is deleted: a typing error deletes nothing.
            let mut found = Vec::new();
            for id in &ids {
                found.push(library.document(id).await?.id);
            }
            for id in found {
                say(Event::Deleted(library.remove(&id).await?));
            }
        }
        Request::Collections => say(Event::Collections(collections(&library).await?)),
        Request::CreateCollection { name } => {
            library
                .catalog
                .ensure_collection(&collection_name(&name)?)
                .await?;
            say(Event::Collections(collections(&library).await?));
        }
        Request::DeleteCollection {
            name,
            with_documents,
        } => {
            delete_collection(&library, &name, with_documents, events).await?;
        }
        Request::Doctor => say(Event::Report(library.doctor().await?)),
        Request::Reindex => {
            library.reindex().await.map_err(|error| {
                Problem::new(
                    Fault::Conflict,
                    "reindex_failed",
                    format!("the indexes cannot be rebuilt now: {error:#}"),
                    "stop `lectern serve` first, then run `lectern reindex`",
                )
            })?;
            say(Event::Report(library.doctor().await?));
        }
    }
    Ok(())
}

async fn collections(library: &Library) -> Result<Vec<CollectionRecord>> {
    let found = library.catalog.collections().await?;
    Ok(found
        .into_iter()
        .map(|(name, documents)| CollectionRecord { name, documents })
        .collect())
}

async fn delete_collection(
    library: &Library,
    name: &str,
    with_documents: bool,
    events: &Events,
) -> Result<()> {
    let documents = library.catalog.documents(Some(name)).await?;
    if !documents.is_empty() && !with_documents {
        return Err(Problem::new(
            Fault::Conflict,
            "collection_not_empty",
            format!(
                "the collection {name:?} holds {} documents",
                documents.len()
            ),
            "delete them first, or give --with-documents",
        )
        .into());
    }
    for document in documents {
        let _ = events.send(Event::Deleted(library.remove(&document.id).await?));
    }
    if !library.catalog.delete_collection(name).await? {
        return Err(collection_not_found(name).into());
    }
    let _ = events.send(Event::Collections(collections(library).await?));
    Ok(())
}

/// Brings files in: the next ones are read while one is embedded and stored.
async fn ingest(library: &Arc<Library>, request: IngestRequest, events: &Events) -> Result<()> {
    let started = Instant::now();
    let collection = collection_name(&request.collection)?;
    let (paths, recursive) = (request.paths.clone(), request.recursive);
    let files = blocking(move || Ok(files(&paths, recursive))).await?;
    let _ = events.send(Event::Files(files.len()));
    // Fetched before the first file, so that a missing model is one error and not one a file.
    library.embedder().await?;
    library.indexes().await?;

    let mut summary = Summary::default();
    let prepared = stream::iter(files)
        .map(|file| {
            let watch = Arc::new(Telling {
                file: file.clone(),
                events: events.clone(),
            });
            let (library, collection) = (library.clone(), collection.clone());
            let password = request.password.clone();
            // Spawned, so that it goes on while another file is being stored.
            let task = tokio::spawn({
                let (file, watch) = (file.clone(), watch.clone());
                async move { prepare(&library, &file, collection, password, watch).await }
            });
            async move { (file, watch, task.await) }
        })
        .buffered(request.jobs.clamp(1, 32));
    let mut prepared = std::pin::pin!(prepared);
    while let Some((file, watch, outcome)) = prepared.next().await {
        let began = Instant::now();
        let outcome = match outcome.context("reading a file panicked").flatten() {
            Ok(Prepared::Known(report)) => Ok(report),
            Ok(Prepared::New(read)) => library.store(*read, watch).await,
            Err(error) => Err(error),
        };
        if events.is_closed() {
            return Ok(());
        }
        let shown = file.display().to_string();
        let report = match outcome {
            Ok(report) => FileReport {
                file: shown,
                ..report
            },
            Err(error) => FileReport::failed(&shown, Problem::from_error(&error), began),
        };
        summary.count(&report);
        let _ = events.send(Event::File(report));
    }
    summary.ms = started.elapsed().as_millis() as u64;
    let _ = events.send(Event::Summary(summary));
    Ok(())
}

async fn prepare(
    library: &Library,
    path: &Path,
    collection: String,
    password: Option<String>,
    watch: Arc<Telling>,
) -> Result<Prepared> {
    let size = tokio::fs::metadata(path)
        .await
        .map_err(|error| unreadable(path, &error))?;
    if size.is_dir() {
        return Err(Problem::new(
            Fault::Input,
            "not_a_file",
            format!("{} is a folder", path.display()),
            "give --recursive to look into folders in folders",
        )
        .into());
    }
    library.check_size(size.len())?;
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|error| unreadable(path, &error))?;
    let upload = Upload {
        file: display_name(&path.to_string_lossy()),
        source: Some(path.to_string_lossy().into_owned()),
        collection,
        bytes,
        password,
    };
    library.prepare(upload, watch).await
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let (code, hint) = match error.kind() {
        std::io::ErrorKind::NotFound => ("file_not_found", "check the path"),
        std::io::ErrorKind::PermissionDenied => {
            ("file_not_readable", "check that you may read the file")
        }
        _ => (
            "file_not_readable",
            "check the disk, or copy the file and add the copy",
        ),
    };
    Problem::new(
        Fault::Input,
        code,
        format!("{} cannot be read: {error}", path.display()),
        hint,
    )
}

/// The files that the paths stand for: a file is itself, a folder its PDFs, in order of name.
fn files(paths: &[PathBuf], recursive: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            pdfs_in(path, recursive, 0, &mut found);
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    found
}

fn pdfs_in(folder: &Path, recursive: bool, depth: usize, found: &mut Vec<PathBuf>) {
    // Bounded, because a link may lead back to a folder above.
    if depth > 32 {
        return;
    }
    let Ok(entries) = std::fs::read_dir(folder) else {
        found.push(folder.to_path_buf());
        return;
    };
    let mut entries: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            if recursive {
                pdfs_in(&entry, recursive, depth + 1, found);
            }
        } else if entry
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("pdf"))
        {
            found.push(entry);
        }
    }
}

impl Summary {
    fn count(&mut self, report: &FileReport) {
        self.files += 1;
        self.pages += u64::from(report.pages);
        self.chunks += u64::from(report.chunks);
        *match report.status {
            FileStatus::Added => &mut self.added,
            FileStatus::Unchanged => &mut self.unchanged,
            FileStatus::Replaced => &mut self.replaced,
            FileStatus::Failed => &mut self.failed,
            FileStatus::NeedsOcr => &mut self.needs_ocr,
        } += 1;
    }
}

/// Tells whoever asked, and stops when they have gone.
struct Telling {
    file: PathBuf,
    events: Events,
}

impl Watch for Telling {
    fn progress(&self, stage: Stage, done: usize, total: usize) {
        let file = display_name(&self.file.to_string_lossy());
        let _ = self.events.send(Event::Progress {
            file,
            stage,
            done,
            total,
        });
    }

    fn cancelled(&self) -> bool {
        self.events.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_their_pdfs_once_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("deeper")).unwrap();
        for name in ["b.pdf", "a.PDF", "notes.txt", "deeper/c.pdf"] {
            std::fs::write(path(name), "x").unwrap();
        }
        let given = [folder.path().to_path_buf(), path("b.pdf"), path("gone.pdf")];
        assert_eq!(
            files(&given, false),
            [path("a.PDF"), path("b.pdf"), path("gone.pdf")]
        );
        assert!(files(&given, true).contains(&path("deeper/c.pdf")));
    }
}
