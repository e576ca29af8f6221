//! What lies beside a PDF to compare with: `NAME.gold.md`, `NAME.jats.xml`, a list of papers.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use ingest::{BlockKind, Document, Format};
use serde::Deserialize;

use super::words::squash;
use crate::error::{Fault, Problem};

/// A paper of the list given with `--papers`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Paper {
    pub(super) title: String,
    pub(super) authors: Vec<String>,
    /// Any of these is right: a preprint and its printing differ.
    #[serde(default)]
    pub(super) years: Vec<i32>,
}

/// What a paper is compared with, as far as there is anything.
#[derive(Debug, Default)]
pub(super) struct Gold {
    /// Body text.
    pub(super) text: Option<String>,
    /// The same paper from its JATS file.
    pub(super) jats: Option<Document>,
    /// Title, authors and year.
    pub(super) paper: Option<Paper>,
}

/// Reads the list of papers, by SHA-256.
pub(super) fn papers(path: &Path) -> Result<HashMap<String, Paper>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| {
        Problem::new(
            Fault::Input,
            "papers_malformed",
            format!("{} is no list of papers: {error}", path.display()),
            "give a JSON object of {\"SHA-256\": {\"title\", \"authors\", \"years\"}}",
        )
        .into()
    })
}

/// What lies beside `pdf`.
pub(super) fn beside(pdf: &Path) -> Gold {
    let text = std::fs::read_to_string(pdf.with_extension("gold.md")).ok();
    let jats = std::fs::read(pdf.with_extension("jats.xml"))
        .ok()
        .and_then(|bytes| ingest::formats::read(&bytes, Format::Jats).ok());
    Gold {
        text,
        jats,
        paper: None,
    }
}

/// The headings of a document, squashed, without those that one source prints and the other
/// implies.
pub(super) fn headings(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    for page in &document.pages {
        for block in &page.blocks {
            if block.kind == BlockKind::Heading {
                let name = squash(page.slice(block.start, block.end));
                if !matches!(
                    name.as_str(),
                    "" | "references" | "abstract" | "bibliography"
                ) {
                    found.push(name);
                }
            }
        }
    }
    found
}

/// A title to compare by: letters and digits, without the TeX commands that JATS may keep of
/// formulas, and so without what they stand for.
pub(super) fn title(title: &str) -> String {
    let mut plain = String::new();
    let mut is_command = false;
    for c in title.chars() {
        if c == '\\' {
            is_command = true;
        } else if !c.is_ascii_alphabetic() {
            is_command = false;
        }
        if !is_command && c.is_ascii() {
            plain.push(c);
        }
    }
    squash(&plain)
}
