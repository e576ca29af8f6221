//! `lectern bench embedding`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::super::args::BenchEmbedding;
use super::super::{Exit, output};
use crate::error::{Fault, Problem};
use crate::library::blocking;
use crate::models::{embedder::EmbedderModel, pull};
use crate::settings::Settings;

/// Embeds the texts of a file and tells the rate. Loading the model is told apart.
pub(super) async fn run(settings: Settings, args: BenchEmbedding) -> Result<Exit> {
    let in_json = args.json;
    let report = blocking(move || {
        let texts = texts(&args.file, args.limit)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let chosen = EmbedderModel::choose(&settings)?;
        let started = Instant::now();
        let loaded = chosen.load(&pull::Place {
            models_dir: &settings.models_dir,
            offline: settings.offline,
        })?;
        let load_seconds = started.elapsed().as_secs_f64();
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let embedder = loaded.embedder;
        let tokens: usize = texts.iter().map(|text| embedder.count_tokens(text)).sum();
        // What is made at the first use is not of the rate.
        embedder.embed_documents(&texts[..texts.len().min(4)])?;

        let started = Instant::now();
        let mut vectors = Vec::with_capacity(texts.len());
        // As an ingest does, a few at a time.
        for some in texts.chunks(32) {
            vectors.extend(embedder.embed_documents(some)?);
        }
        let seconds = started.elapsed().as_secs_f64();
        if let Some(path) = &args.vectors {
            write_vectors(path, &vectors).with_context(|| format!("writing {}", path.display()))?;
        }
        let space = embedder.space();
        Ok(json!({
            "model": space.id,
            "revision": space.revision,
            "backend": loaded.backend,
            "dimension": space.dimension,
            "texts": texts.len(),
            "tokens": tokens,
            "load_seconds": load_seconds,
            "seconds": seconds,
            "texts_per_second": texts.len() as f64 / seconds,
            "tokens_per_second": tokens as f64 / seconds,
        }))
    })
    .await?;
    if in_json {
        output::json(&report)?;
    } else {
        output::line(&format!(
            "{} {} in {}: {} texts of {} tokens in {:.1} s, {:.1} texts/s (loaded in {:.2} s)",
            report["model"].as_str().unwrap_or_default(),
            report["revision"].as_str().unwrap_or_default(),
            report["backend"].as_str().unwrap_or_default(),
            report["texts"],
            report["tokens"],
            report["seconds"].as_f64().unwrap_or_default(),
            report["texts_per_second"].as_f64().unwrap_or_default(),
            report["load_seconds"].as_f64().unwrap_or_default(),
        ))?;
    }
    Ok(Exit::Done)
}

/// The texts of a file: those of a BEIR corpus where its name ends in `.jsonl`, else a line each.
fn texts(path: &Path, limit: Option<usize>) -> Result<Vec<String>> {
    let file = std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let corpus = path
        .extension()
        .is_some_and(|extension| extension == "jsonl");
    let mut texts = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("reading {}", path.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        if limit.is_some_and(|limit| texts.len() >= limit) {
            break;
        }
        texts.push(if corpus {
            let entry: Value = serde_json::from_str(&line).map_err(|error| {
                unreadable(path, &format!("line {} is no JSON: {error}", number + 1))
            })?;
            let part = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", part("title"), part("text"))
                .trim()
                .to_owned()
        } else {
            line
        });
    }
    if texts.is_empty() {
        return Err(unreadable(path, "it has no text").into());
    }
    Ok(texts)
}

fn unreadable(path: &Path, why: &str) -> Problem {
    Problem::new(
        Fault::Input,
        "texts_unreadable",
        format!("{} cannot be used: {why}", path.display()),
        "give a file with a text a line, or a BEIR corpus.jsonl",
    )
}

fn write_vectors(path: &Path, vectors: &[Vec<f32>]) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for value in vectors.iter().flatten() {
        file.write_all(&value.to_le_bytes())?;
    }
    file.flush()
}
