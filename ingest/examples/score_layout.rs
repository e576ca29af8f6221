//! Scores layout over folders of PDFs.
//!
//! ```text
//! score_layout FOLDER...
//! ```
//! Where a JATS file lies beside a PDF (`name.jats.xml` beside `name.pdf`), its section titles are
//! what the headings should be; each that is missed (-) or wrongly found (+) is printed. For every
//! PDF: lines left in the text that look like running heads or page numbers. Over all: the share of
//! joined line-end hyphens that give words which the papers also write elsewhere.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ingest::{BlockKind, Document, Page, extract};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let (mut hits, mut misses, mut extras, mut left) = (0, 0, 0, 0);
    let mut documents = Vec::new();
    for folder in std::env::args().skip(1) {
        for file in pdfs(Path::new(&folder))? {
            let name = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let document = match extract::read(std::fs::read(&file)?, None) {
                Ok(document) => document,
                Err(error) => {
                    writeln!(out, "{name}: {error}")?;
                    continue;
                }
            };
            for line in running_lines(&document) {
                writeln!(out, "{name}: left in the text: {line}")?;
                left += 1;
            }
            let jats = file.with_extension("jats.xml");
            if jats.exists() {
                let gold = gold_headings(&std::fs::read_to_string(jats)?)?;
                let (hit, missed, extra) = compare(&gold, &headings(&document));
                hits += hit;
                misses += missed.len();
                extras += extra.len();
                for title in missed {
                    writeln!(out, "{name}: - {title}")?;
                }
                for title in extra {
                    writeln!(out, "{name}: + {title}")?;
                }
            }
            documents.push(document);
        }
    }
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let (precision, recall) = (share(hits, hits + extras), share(hits, hits + misses));
    if hits + misses > 0 {
        let f1 = 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE);
        writeln!(
            out,
            "headings: precision {precision:.3}, recall {recall:.3}, F1 {f1:.3} ({hits} right, {misses} missed, {extras} extra)"
        )?;
    }
    writeln!(out, "running heads, feet and page numbers left: {left}")?;
    let (known, joined, unknown) = hyphens(&documents);
    writeln!(
        out,
        "hyphens: {known} of {joined} joined give known words ({:.1}%); others: {}",
        100.0 * share(known, joined),
        unknown.join(" ")
    )?;
    Ok(())
}

fn pdfs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .collect();
    files.sort();
    Ok(files)
}

/// Titles of all sections and of the reference list.
fn gold_headings(jats: &str) -> Result<Vec<String>, roxmltree::Error> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    let tree = roxmltree::Document::parse_with_options(jats, options)?;
    let mut titles = Vec::new();
    for node in tree.descendants() {
        if node.has_tag_name("title")
            && node
                .parent()
                .is_some_and(|parent| parent.has_tag_name("sec"))
        {
            let text: String = node
                .descendants()
                .filter_map(|node| node.text().filter(|_| node.is_text()))
                .collect();
            titles.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if node.has_tag_name("ref-list") {
            titles.push("References".to_owned());
        }
    }
    Ok(titles)
}

fn headings(document: &Document) -> Vec<String> {
    let blocks = document
        .pages
        .iter()
        .flat_map(|page| page.blocks.iter().map(move |block| (page, block)));
    blocks
        .filter(|(_, block)| block.kind == BlockKind::Heading)
        .map(|(page, block)| page.slice(block.start, block.end).replace('\n', " "))
        .collect()
}

/// Right, missed and extra; titles are compared by their letters and digits.
fn compare(gold: &[String], found: &[String]) -> (usize, Vec<String>, Vec<String>) {
    let squeeze = |title: &String| -> String {
        title
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let mut open: HashMap<String, usize> = HashMap::new();
    for title in found {
        *open.entry(squeeze(title)).or_default() += 1;
    }
    let mut missed = Vec::new();
    for title in gold {
        match open.get_mut(&squeeze(title)) {
            Some(count) if *count > 0 => *count -= 1,
            _ => missed.push(title.clone()),
        }
    }
    let extra = found
        .iter()
        .filter(|title| {
            open.get_mut(&squeeze(title)).is_some_and(|count| {
                let is_open = *count > 0;
                *count = count.saturating_sub(1);
                is_open
            })
        })
        .cloned()
        .collect();
    (gold.len() - missed.len(), missed, extra)
}

/// Lines that come back on at least 30% of the pages, digits made equal, and numbers alone at the
/// start or end of a page.
fn running_lines(document: &Document) -> Vec<String> {
    let lines = |page: &Page| -> Vec<String> {
        page.text
            .lines()
            .map(|line| line.trim().to_owned())
            .collect()
    };
    let key = |line: &str| -> String {
        line.chars()
            .map(|c| if c.is_ascii_digit() { '#' } else { c })
            .collect()
    };
    let mut pages: HashMap<String, HashSet<u32>> = HashMap::new();
    for page in &document.pages {
        for line in lines(page) {
            if line.chars().filter(|c| c.is_alphabetic()).count() >= 3 {
                pages.entry(key(&line)).or_default().insert(page.number);
            }
        }
    }
    let least = (document.pages.len() * 3).div_ceil(10).max(3);
    let mut left: Vec<String> = pages
        .into_iter()
        .filter(|(_, pages)| pages.len() >= least)
        .map(|(line, pages)| format!("{line} ({} pages)", pages.len()))
        .collect();
    for page in &document.pages {
        let lines = lines(page);
        let outer: HashSet<&String> = lines.first().into_iter().chain(lines.last()).collect();
        for line in outer {
            if !line.is_empty() && line.len() <= 4 && line.bytes().all(|b| b.is_ascii_digit()) {
                left.push(format!("{line} (page {})", page.number));
            }
        }
    }
    left.sort();
    left
}

/// Joined words that are known from elsewhere, all joined words, and the unknown ones.
fn hyphens(documents: &[Document]) -> (usize, usize, Vec<String>) {
    let mut joined = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    for page in documents.iter().flat_map(|document| &document.pages) {
        let mut joints: HashSet<usize> = HashSet::new();
        for pair in page.lines.windows(2) {
            if pair[0].end == pair[1].start && pair[0].start < pair[0].end {
                joints.insert(pair[0].end);
            }
        }
        let mut at = 0;
        for word in page.text.split(|c: char| !(c.is_alphabetic() || c == '-')) {
            let range = at..at + word.len();
            // The character that ended the word may be of several bytes.
            at = range.end
                + page
                    .text
                    .get(range.end..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(0, char::len_utf8);
            let word = word.trim_matches('-').to_lowercase();
            if word.is_empty() {
                continue;
            }
            if joints
                .iter()
                .any(|joint| range.start < *joint && *joint < range.end)
            {
                joined.push(word);
            } else {
                known.extend(word.split('-').map(str::to_owned));
                known.insert(word);
            }
        }
    }
    let is_known = |word: &String| {
        known.contains(word)
            || (word.contains('-') && word.split('-').all(|part| known.contains(part)))
    };
    let unknown: Vec<String> = joined
        .iter()
        .filter(|word| !is_known(word))
        .cloned()
        .collect();
    (joined.len() - unknown.len(), joined.len(), unknown)
}
