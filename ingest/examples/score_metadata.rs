//! Scores title, authors and year against what is known of the papers in a folder.
//!
//! ```text
//! score_metadata DIR [GOLD.json]
//! ```
//!
//! A PDF counts where its SHA-256 is a key of the gold file (by default the one of the tests), or
//! where a file `NAME.jats.xml` stands beside it. Prints what was found and every miss.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use ingest::{Metadata, extract};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What is known of a paper; empty parts are not asked for.
#[derive(Debug, Default, Deserialize)]
struct Gold {
    title: String,
    authors: Vec<String>,
    years: Vec<i32>,
    #[serde(default)]
    venue: Option<String>,
    #[serde(default)]
    doi: Option<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: score_metadata DIR [GOLD.json]")?;
    let gold = args.next().unwrap_or_else(|| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gold/papers.json").to_owned()
    });
    let gold: BTreeMap<String, Gold> = serde_json::from_str(&std::fs::read_to_string(gold)?)?;
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .collect();
    files.sort();
    let mut out = io::stdout().lock();
    let (mut papers, mut right) = (0, BTreeMap::<&str, (u32, u32)>::new());
    for path in files {
        let bytes = std::fs::read(&path)?;
        let key = hex(&Sha256::digest(&bytes));
        let from_jats;
        let known = match gold.get(&key) {
            Some(known) => Some(known),
            None => {
                from_jats = jats(&path.with_extension("jats.xml"));
                from_jats.as_ref()
            }
        };
        writeln!(out, "{}", path.display())?;
        let metadata = match extract::read(bytes, None) {
            Ok(document) => document.metadata,
            Err(error) => {
                writeln!(out, "  {error}")?;
                continue;
            }
        };
        print(&mut out, &metadata)?;
        let Some(known) = known else { continue };
        papers += 1;
        for (name, is_right) in compare(known, &metadata) {
            let count = right.entry(name).or_default();
            count.0 += u32::from(is_right);
            count.1 += 1;
            if !is_right {
                writeln!(out, "  MISS {name}: {known:?}")?;
            }
        }
    }
    writeln!(out, "{papers} papers: {right:?}")?;
    Ok(())
}

fn print(out: &mut impl Write, metadata: &Metadata) -> io::Result<()> {
    let value = serde_json::to_value(metadata).unwrap_or_default();
    for (name, field) in value.as_object().into_iter().flatten() {
        if let Some(value) = field.get("value") {
            let value = shortened(&value.to_string());
            writeln!(
                out,
                "  {name:9} {value} [{} {:.2}]",
                field["source"].as_str().unwrap_or(""),
                field["confidence"].as_f64().unwrap_or(0.0)
            )?;
        }
    }
    Ok(())
}

/// Beginning and end of a long value.
fn shortened(value: &str) -> String {
    let chars: Vec<char> = value.chars().collect();
    if chars.len() <= 320 {
        return value.to_owned();
    }
    let part = |chars: &[char]| chars.iter().collect::<String>();
    format!(
        "{} [...] {}",
        part(&chars[..160]),
        part(&chars[chars.len() - 140..])
    )
}

fn compare(known: &Gold, found: &Metadata) -> Vec<(&'static str, bool)> {
    let title = squash(found.title().unwrap_or("")) == squash(&known.title);
    let names = |names: &[String]| names.iter().map(|name| squash(name)).collect::<Vec<_>>();
    let authors = names(found.authors()) == names(&known.authors);
    let year = found.year().is_some_and(|year| known.years.contains(&year));
    let is_asked = !known.years.is_empty();
    let mut results = vec![
        ("title", title),
        ("authors", authors),
        ("all", title && authors && (year || !is_asked)),
    ];
    if is_asked {
        results.push(("year", year));
    }
    let text = |field: &Option<ingest::Field<String>>| {
        field
            .as_ref()
            .map(|field| field.value.clone())
            .unwrap_or_default()
    };
    if let Some(venue) = &known.venue {
        results.push(("venue", squash(&text(&found.venue)) == squash(venue)));
    }
    if let Some(doi) = &known.doi {
        results.push(("doi", text(&found.doi) == doi.to_lowercase()));
    }
    results
}

/// Title, authors, journal and DOI of a JATS file.
fn jats(path: &Path) -> Option<Gold> {
    let xml = std::fs::read_to_string(path).ok()?;
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    let document = roxmltree::Document::parse_with_options(&xml, options).ok()?;
    let text = |node: roxmltree::Node<'_, '_>| -> String {
        let parts: Vec<&str> = node
            .descendants()
            .filter_map(|node| node.text().filter(|_| node.is_text()))
            .collect();
        parts
            .concat()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let all = |name: &'static str| {
        document
            .descendants()
            .filter(move |node| node.has_tag_name(name))
    };
    let meta = all("article-meta").next()?;
    let inside = |node: roxmltree::Node<'_, '_>, name: &'static str| -> Option<String> {
        node.descendants()
            .find(|node| node.has_tag_name(name))
            .map(text)
    };
    let authors = meta
        .descendants()
        .filter(|node| {
            node.has_tag_name("contrib") && node.attribute("contrib-type") == Some("author")
        })
        .filter_map(|contrib| {
            let family = inside(contrib, "surname")?;
            let given = inside(contrib, "given-names").unwrap_or_default();
            Some(format!("{given} {family}").trim().to_owned())
        })
        .collect();
    Some(Gold {
        title: inside(meta, "article-title")?,
        authors,
        // Files made at submission carry the date of that, not the printed one.
        years: Vec::new(),
        venue: all("journal-title").next().map(text),
        doi: meta
            .descendants()
            .find(|node| {
                node.has_tag_name("article-id") && node.attribute("pub-id-type") == Some("doi")
            })
            .map(text),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Letters and digits only, in lower case.
fn squash(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
