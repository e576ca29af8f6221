//! `lectern eval`.

mod answers;
mod own;

use std::sync::Arc;

use anyhow::Result;

use super::args::{Chunks, Eval, Extraction, Retrieval};
use super::{Exit, output};
use crate::error::{Fault, Problem};
use crate::eval;
use crate::eval::beir::Collection;
use crate::eval::extraction::{PaperScore, Scores};
use crate::library::reading::FileReader;
use crate::library::{Library, blocking};
use crate::models::reranker::{self, AUTO};
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, command: Eval) -> Result<Exit> {
    match command {
        Eval::Extraction(args) => extraction(settings, args).await,
        Eval::Chunks(args) => chunks(settings, args).await,
        Eval::Retrieval(args) => retrieval(settings, args).await,
        Eval::Answers(args) => answers::run(settings, args).await,
        Eval::Own(args) => own::run(settings, args).await,
    }
}

async fn retrieval(settings: &Settings, args: Retrieval) -> Result<Exit> {
    // Its own folder: the library's lock and indexes are not touched.
    let home = tempfile::tempdir()?;
    let mut settings = settings.clone();
    settings.data_dir = home.path().to_path_buf();
    let max_tokens = settings.chunk.max_tokens;
    // What a library found its own is good for that library.
    let reranker = match settings.search_reranker.as_str() {
        AUTO => None,
        _ => reranker::load(&settings).await?.map(Arc::new),
    };
    let library = Library::open(settings).await?;
    let embedder = library.embedder().await?;
    let mut reports = Vec::new();
    for folder in args.collections {
        let keep = args.keep.clone();
        let split = args.split.clone();
        let (embedder, reranker) = (embedder.clone(), reranker.clone());
        let report = blocking(move || {
            let collection = Collection::read(&folder, split.as_deref())?;
            let scratch = tempfile::tempdir()?;
            let indexes = eval::retrieval::index_folder(
                keep.as_deref().unwrap_or(scratch.path()),
                &collection,
            );
            eval::retrieval::run(
                &collection,
                &embedder,
                max_tokens,
                &indexes,
                reranker.as_deref(),
            )
        })
        .await?;
        if args.json {
            output::json(&report)?;
        } else {
            output::text(&report.text())?;
        }
        reports.push(report);
    }
    if let Some(file) = args.table {
        eval::report::write_table(&file, &reports)?;
        eprintln!("wrote the table in {}", file.display());
    }
    Ok(Exit::Done)
}

async fn chunks(settings: &Settings, args: Chunks) -> Result<Exit> {
    let sizes = args
        .sizes
        .iter()
        .map(|size| {
            let (tokens, overlap) = size.split_once(':').unwrap_or((size, "0"));
            let (tokens, overlap) = (tokens.parse().ok()?, overlap.parse().ok()?);
            ((32..=4096).contains(&tokens) && overlap <= tokens / 2).then_some((tokens, overlap))
        })
        .collect::<Option<Vec<(usize, usize)>>>()
        .ok_or_else(|| {
            Problem::new(
                Fault::Usage,
                "sizes_invalid",
                format!("{:?} are no sizes of chunks", args.sizes.join(",")),
                "give tokens from 32 to 4096 and an overlap of at most half, such as 254:32,510:64",
            )
        })?;
    let scores = eval::chunks::run(settings, &args.folder, &args.questions, &sizes).await?;
    if args.json {
        output::json(&scores)?;
        return Ok(Exit::Done);
    }
    output::line("tokens  overlap  chunks  hit@1  hit@5  hit@10  hit@2048 tokens  MRR@10")?;
    for s in scores {
        output::line(&format!(
            "{:>6}  {:>7}  {:>6}  {:.3}  {:.3}  {:.3}   {:.3}            {:.3}",
            s.max_tokens,
            s.overlap_tokens,
            s.chunks,
            s.hit_at_1,
            s.hit_at_5,
            s.hit_at_10,
            s.hit_at_2048_tokens,
            s.mrr_at_10
        ))?;
    }
    Ok(Exit::Done)
}

async fn extraction(settings: &Settings, args: Extraction) -> Result<Exit> {
    // What is measured is our own work, not tesseract's.
    let reader = FileReader::new(settings)?.without_recognition();
    let Extraction {
        folder,
        papers,
        words,
        json,
    } = args;
    let scores = blocking(move || {
        eval::extraction::run(
            &reader,
            &folder,
            papers.as_deref(),
            words.as_deref(),
            &mut |paper| {
                if !json {
                    eprintln!("{}", line(paper));
                }
            },
        )
    })
    .await?;
    if json {
        output::json(&scores)?;
    } else {
        output::text(&summary(&scores))?;
    }
    Ok(Exit::Done)
}

fn line(paper: &PaperScore) -> String {
    let mut parts = vec![format!(
        "{}: {} pages",
        output::plain(&paper.file),
        paper.pages
    )];
    if let Some(error) = &paper.error {
        parts.push(output::plain(error));
    }
    if let Some(recall) = paper.ordered_recall {
        parts.push(format!("ordered recall {recall:.4}"));
    }
    if let Some([right, found, wanted]) = paper.headings {
        parts.push(format!(
            "headings {right} right of {found} found, {wanted} there"
        ));
    }
    if let (Some([found, wanted]), Some([right, given])) =
        (paper.references, paper.reference_titles)
    {
        parts.push(format!(
            "references {found} of {wanted}, titles {right} of {given}"
        ));
    }
    for (name, right) in [
        ("title", paper.title),
        ("authors", paper.authors),
        ("year", paper.year),
    ] {
        if right == Some(false) {
            parts.push(format!("{name} wrong"));
        }
    }
    if paper.margin_lines > 0 {
        parts.push(format!("{} margin lines left", paper.margin_lines));
    }
    parts.join(", ")
}

fn summary(scores: &Scores) -> String {
    let mut lines = vec![format!(
        "papers             {}, {} pages",
        scores.papers.len(),
        scores.pages
    )];
    let mut share = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            lines.push(format!("{name:<19}{value:.4}"));
        }
    };
    share("word recall", scores.word_recall);
    share("ordered recall", scores.ordered_recall);
    share("  worst paper", scores.worst_ordered_recall);
    share("headings F1", scores.headings_f1);
    share("references exact", scores.references_exact);
    for (name, [right, given]) in [
        ("titles right", scores.titles),
        ("authors right", scores.authors),
        ("years right", scores.years),
    ] {
        if given > 0 {
            lines.push(format!("{name:<19}{right} of {given}"));
        }
    }
    lines.push(format!("margin lines left  {}", scores.margin_lines));
    let [joined, known] = scores.joined_hyphens;
    let part = 100.0 * known as f64 / joined.max(1) as f64;
    lines.push(format!(
        "joined hyphens     {known} of {joined} are known words ({part:.1} %)"
    ));
    lines.push(format!(
        "pages per second   {:.0} (processor time)",
        scores.pages_per_second
    ));
    if let Some(other) = scores.pdftotext_pages_per_second {
        let ratio = scores.pages_per_second / other;
        lines.push(format!("  pdftotext        {other:.0} (ratio {ratio:.2})"));
    }
    lines.push(format!(
        "reader's memory    {} MiB at most",
        scores.worker_mib
    ));
    lines.join("\n") + "\n"
}
