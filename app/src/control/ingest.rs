//! Brings many files in: some are read at once, each in a process of its own, while another is
//! embedded and stored.
//!
//! The pipeline is bounded: as many files are open as readers run, and one read file waits at most
//! for each of them, so that memory does not grow with the number of files. Files are finished in
//! the order in which they are read, so that one slow file does not hold up the others.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use ingest::Source;
use ingest::bibliography::parse_bibtex;

use super::files::files;
use super::run::Events;
use super::{Event, IngestRequest, Summary};
use crate::bibliography::Bibliography;
use crate::error::{Fault, Problem};
use crate::library::add::{Prepared, Watch, collection_name, display_name};
use crate::library::{FileReport, FileStatus, Library, Stage, Upload, blocking};
use crate::zotero;

/// Carries out an ingest; stops where nobody listens any more.
pub(super) async fn run(
    library: &Arc<Library>,
    request: IngestRequest,
    events: &Events,
) -> Result<()> {
    let started = Instant::now();
    let collection = collection_name(&request.collection)?;
    let mut paths = request.paths.clone();
    let bibliography = bibliography(&request, &mut paths, events)
        .await?
        .map(Arc::new);
    let recursive = request.recursive;
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
            let library = library.clone();
            let to = Destination {
                collection: collection.clone(),
                password: request.password.clone(),
                bibliography: bibliography.clone(),
            };
            // Spawned, so that it goes on while another file is being stored.
            let task = tokio::spawn({
                let (file, watch) = (file.clone(), watch.clone());
                async move { prepare(&library, &file, to, watch).await }
            });
            async move { (file, watch, task.await) }
        })
        .buffer_unordered(request.jobs.clamp(1, 32));
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
    library.settle().await?;
    summary.ms = started.elapsed().as_millis() as u64;
    let _ = events.send(Event::Summary(summary));
    Ok(())
}

/// The entries that override what is read; Zotero's files are added to `paths` where none is given.
async fn bibliography(
    request: &IngestRequest,
    paths: &mut Vec<PathBuf>,
    events: &Events,
) -> Result<Option<Bibliography>> {
    let mut sources = Vec::new();
    if let Some(path) = &request.bibtex {
        let bytes = tokio::fs::read(path)
            .await
            .map_err(|error| unreadable(path, &error))?;
        let (parsed, warnings) = parse_bibtex(&String::from_utf8_lossy(&bytes));
        for warning in warnings {
            let _ = events.send(Event::Note(format!("{}: {warning}", path.display())));
        }
        if parsed.is_empty() {
            return Err(Problem::new(
                Fault::Input,
                "bibtex_empty",
                format!("{} holds no BibTeX entry", path.display()),
                "give a .bib file with entries such as @article{key, title = {...}}",
            )
            .into());
        }
        sources.push((parsed, Source::Bibtex));
    }
    if let Some(folder) = &request.zotero {
        let items = zotero::read(folder).await?;
        if request.paths.is_empty() {
            let files = items.iter().flat_map(|item| &item.files);
            paths.extend(files.map(PathBuf::from));
        }
        sources.push((items, Source::Zotero));
    }
    Ok(Bibliography::new(sources))
}

/// What goes for all files of an ingest.
struct Destination {
    collection: String,
    password: Option<String>,
    bibliography: Option<Arc<Bibliography>>,
}

async fn prepare(
    library: &Library,
    path: &Path,
    to: Destination,
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
        collection: to.collection,
        bytes,
        password: to.password,
        bibliography: to.bibliography,
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
