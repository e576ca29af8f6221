//! `lectern bench search`.

use std::path::PathBuf;

use anyhow::Result;

use super::super::args::BenchSearch;
use super::super::{Exit, output};
use crate::bench::search::{self, Latency, Plan, SizeReport};
use crate::error::{Fault, Problem};
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, args: BenchSearch) -> Result<Exit> {
    if let Some(folder) = args.measure {
        output::json(&search::serving(settings, folder).await?)?;
        return Ok(Exit::Done);
    }
    if args.chunks.contains(&0) {
        return Err(Problem::new(
            Fault::Usage,
            "chunks_invalid",
            "0 chunks cannot be searched",
            "give sizes such as --chunks 100000,1000000",
        )
        .into());
    }
    let plan = Plan {
        corpus: args.corpus.unwrap_or_else(|| PathBuf::from(".")),
        seeds: args.seeds,
        queries: args.queries,
        folder: args.folder,
    };
    let reports = search::run(settings, &plan, &args.chunks).await?;
    if args.json {
        output::json(&reports)?;
        return Ok(Exit::Done);
    }
    for report in &reports {
        output::text(&table(report))?;
    }
    Ok(Exit::Done)
}

fn table(report: &SizeReport) -> String {
    let serving = &report.serving;
    let mut lines = vec![
        format!("{} chunks, {} queries", report.chunks, serving.queries),
        format!(
            "  built in         {:.0} s vectors, {:.0} s graphs, {:.0} s BM25",
            report.dense_build_seconds, report.optimize_seconds, report.bm25_build_seconds
        ),
        format!(
            "  on disk          {} MiB vectors and graphs, {} MiB BM25",
            report.dense_mib, report.bm25_mib
        ),
        format!(
            "  memory           {} MiB anonymous ({} before opening), {} MiB file-mapped",
            serving.anonymous_mib, serving.anonymous_mib_before, serving.file_mapped_mib
        ),
        format!("  opened in        {:.2} s", serving.open_seconds),
        "  milliseconds          p50     p95     p99".to_owned(),
    ];
    let mut row = |name: &str, latency: &Latency| {
        lines.push(format!(
            "  {name:<18}{:>7.1} {:>7.1} {:>7.1}",
            latency.p50, latency.p95, latency.p99
        ));
    };
    row("embedding", &serving.embed_ms);
    row("dense", &serving.dense_ms);
    row("dense, filtered", &serving.dense_filtered_ms);
    row("dense, exact", &serving.exact_ms);
    row("BM25", &serving.bm25_ms);
    row("hybrid, whole", &serving.hybrid_ms);
    lines.push(format!(
        "  recall@10        {:.4}, filtered {:.4}",
        serving.recall_at_10, serving.filtered_recall_at_10
    ));
    lines.join("\n") + "\n"
}
