//! How well and how fast papers are read: `lectern eval extraction DIR`.
//!
//! Each PDF of the folder is read as `ingest` reads it. What lies beside it is compared: the body
//! text (word recall, and recall in order), the JATS file (headings, references, title, authors),
//! a list of papers (title, authors, year). Without any of that it still counts running heads left
//! in the text and how many of the words joined at line ends are words of the papers. Speed is in
//! pages per second of processor time, beside `pdftotext` on the same files where that is there.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use ingest::Document;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::Serialize;

use super::gold::{self, Gold, Paper};
use super::words::{common, ordered_recall, recall, squash, words};
use crate::error::{Fault, Problem};
use crate::library::Blobs;
use crate::library::reading::FileReader;

/// What was measured of one paper; `None` where there is nothing to compare with.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PaperScore {
    /// File name.
    pub file: String,
    /// Why it could not be read.
    pub error: Option<String>,
    /// Number of pages.
    pub pages: usize,
    /// Share of the gold body's words found.
    pub word_recall: Option<f64>,
    /// Share found in the same order.
    pub ordered_recall: Option<f64>,
    /// Running heads, feet and page numbers left in the text.
    pub margin_lines: usize,
    /// Headings: found and right, found, to be found.
    pub headings: Option<[usize; 3]>,
    /// References: found, to be found.
    pub references: Option<[usize; 2]>,
    /// Titles of references that are right, of those that the gold gives.
    pub reference_titles: Option<[usize; 2]>,
    /// Whether the title is right.
    pub title: Option<bool>,
    /// Whether all authors are right, in order.
    pub authors: Option<bool>,
    /// Whether the year is right.
    pub year: Option<bool>,
}

/// What was measured in all.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Scores {
    /// Each paper.
    pub papers: Vec<PaperScore>,
    /// Means over the papers that have something to compare with.
    pub word_recall: Option<f64>,
    /// Mean of ordered recall.
    pub ordered_recall: Option<f64>,
    /// Lowest ordered recall.
    pub worst_ordered_recall: Option<f64>,
    /// Running heads, feet and page numbers left in the text of all papers.
    pub margin_lines: usize,
    /// F1 of headings over all papers.
    pub headings_f1: Option<f64>,
    /// Share of papers whose references are all found with all titles right.
    pub references_exact: Option<f64>,
    /// Papers with the right title, of those compared.
    pub titles: [usize; 2],
    /// Papers with the right authors, of those compared.
    pub authors: [usize; 2],
    /// Papers with the right year, of those compared.
    pub years: [usize; 2],
    /// Words joined at line ends, and how many of them occur elsewhere in the papers.
    pub joined_hyphens: [usize; 2],
    /// Pages read.
    pub pages: usize,
    /// Pages per second of processor time, starting the processes included.
    pub pages_per_second: f64,
    /// The same of pdftotext, where it is there.
    pub pdftotext_pages_per_second: Option<f64>,
    /// Peak memory of the largest reading process, in MiB.
    pub worker_mib: u64,
}

/// Measures all PDFs of a folder; `on_paper` is told of each.
///
/// # Errors
/// Where the folder or the list of papers cannot be read, or holds nothing.
pub fn run(
    reader: &FileReader,
    folder: &Path,
    papers: Option<&Path>,
    dictionary: Option<&Path>,
    on_paper: &mut dyn FnMut(&PaperScore),
) -> Result<Scores> {
    let listed = papers.map_or_else(|| Ok(HashMap::new()), gold::papers)?;
    let dictionary: HashSet<String> = match dictionary {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading {}", path.display()))?;
            text.lines().map(str::to_lowercase).collect()
        }
        None => HashSet::new(),
    };
    let files = pdfs(folder)?;
    let mut scores = Scores::default();
    let mut read = Vec::new();
    let mut spent = 0.0;
    for file in &files {
        let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let mut gold = gold::beside(file);
        gold.paper = listed.get(&Blobs::name_of(&bytes)).cloned();
        let before = processor_seconds()?;
        let document = reader.read(&bytes, &name, None, &|| false, &mut |_, _, _| {});
        spent += processor_seconds()? - before;
        let score = match document {
            Ok(document) => {
                let score = compare(&name, &document, &gold);
                scores.pages += document.pages.len();
                read.push(document);
                score
            }
            Err(error) => PaperScore {
                file: name.into_owned(),
                error: Some(error.to_string()),
                ..PaperScore::default()
            },
        };
        on_paper(&score);
        scores.papers.push(score);
    }
    scores.worker_mib = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() as u64 / 1024;
    scores.pages_per_second = scores.pages as f64 / spent.max(1e-9);
    scores.pdftotext_pages_per_second =
        pdftotext(&files)?.map(|seconds| scores.pages as f64 / seconds.max(1e-9));
    scores.joined_hyphens = hyphens(&read, &dictionary);
    scores.sum_up();
    Ok(scores)
}

fn pdfs(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Problem::new(
            Fault::Input,
            "folder_not_readable",
            format!("{} cannot be read: {error}", folder.display()),
            "give a folder of PDFs",
        )
    })?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("pdf"))
        })
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(Problem::new(
            Fault::Input,
            "nothing_to_measure",
            format!("there is no PDF in {}", folder.display()),
            "give a folder of PDFs, with NAME.gold.md or NAME.jats.xml beside them to compare with",
        )
        .into());
    }
    Ok(files)
}

/// Processor time of this process and the children that have ended, in seconds.
fn processor_seconds() -> Result<f64> {
    let mut total = 0;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage = getrusage(who)?;
        total += usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    }
    Ok(total as f64 / 1e6)
}

/// Processor time that pdftotext takes for the same files; none where it is not installed.
fn pdftotext(files: &[PathBuf]) -> Result<Option<f64>> {
    let before = processor_seconds()?;
    for file in files {
        let run = Command::new("pdftotext")
            .arg(file)
            .arg("-")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if run.is_err() {
            return Ok(None);
        }
    }
    Ok(Some(processor_seconds()? - before))
}

fn compare(file: &str, document: &Document, gold: &Gold) -> PaperScore {
    let mut score = PaperScore {
        file: file.to_owned(),
        pages: document.pages.len(),
        margin_lines: margin_lines(document),
        ..PaperScore::default()
    };
    if let Some(text) = &gold.text {
        let (gold, found) = (words(text), words(&body(document)));
        score.word_recall = Some(recall(&gold, &found));
        score.ordered_recall = Some(ordered_recall(&gold, &found));
    }
    if let Some(jats) = &gold.jats {
        let (wanted, found) = (gold::headings(jats), gold::headings(document));
        score.headings = Some([common(&wanted, &found), found.len(), wanted.len()]);
        score.references = Some([document.references.len(), jats.references.len()]);
        // JATS may list entries in another order than the paper prints them.
        let titles = |document: &Document| -> Vec<String> {
            let titles = document
                .references
                .iter()
                .filter_map(|r| r.title.as_deref());
            titles.map(gold::title).collect()
        };
        let wanted = titles(jats);
        score.reference_titles = Some([common(&wanted, &titles(document)), wanted.len()]);
        if let Some(title) = jats.metadata.title() {
            // JATS often carries the year of submission.
            facts(&mut score, document, title, jats.metadata.authors(), &[]);
        }
    }
    if let Some(Paper {
        title,
        authors,
        years,
    }) = &gold.paper
    {
        facts(&mut score, document, title, authors, years);
    }
    score
}

fn facts(
    score: &mut PaperScore,
    document: &Document,
    title: &str,
    authors: &[String],
    years: &[i32],
) {
    let metadata = &document.metadata;
    let names = |names: &[String]| names.iter().map(|name| squash(name)).collect::<Vec<_>>();
    score.title = Some(
        metadata
            .title()
            .is_some_and(|found| squash(found) == squash(title)),
    );
    score.authors = Some(names(metadata.authors()) == names(authors));
    score.year =
        (!years.is_empty()).then(|| metadata.year().is_some_and(|found| years.contains(&found)));
}

/// The text up to the reference list, which gold body texts do not hold.
fn body(document: &Document) -> String {
    let text = ingest::render::text(document);
    let mut body = String::new();
    for line in text.lines() {
        let name = line.trim_matches(|c: char| !c.is_alphabetic());
        if name == "References" {
            break;
        }
        body.push_str(line);
        body.push('\n');
    }
    body
}

/// Lines that are running heads, feet or page numbers: at the top or bottom of at least three
/// pages and of 30% of them, digits aside.
fn margin_lines(document: &Document) -> usize {
    let edges = |page: &ingest::Page| -> Vec<String> {
        let mut lines: Vec<(f32, &str)> = page
            .lines
            .iter()
            .map(|line| (line.rect.y0, page.slice(line.start, line.end)))
            .collect();
        lines.sort_by(|a, b| a.0.total_cmp(&b.0));
        let count = lines.len();
        lines
            .iter()
            .enumerate()
            .filter(|(i, _)| *i < 2 || i + 2 >= count)
            .map(|(_, (_, text))| normal(text))
            .collect()
    };
    let mut pages_with: HashMap<String, usize> = HashMap::new();
    for page in &document.pages {
        for line in edges(page).into_iter().collect::<HashSet<_>>() {
            *pages_with.entry(line).or_default() += 1;
        }
    }
    let least = document.pages.len().div_ceil(3).max(3);
    document
        .pages
        .iter()
        .flat_map(edges)
        .filter(|line| pages_with.get(line).is_some_and(|count| *count >= least))
        .count()
}

fn normal(line: &str) -> String {
    line.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| if c.is_ascii_digit() { '#' } else { c })
        .collect()
}

/// Words that were joined at a line end, and how many of them occur elsewhere in the papers, or in
/// the dictionary where one is given.
fn hyphens(documents: &[Document], dictionary: &HashSet<String>) -> [usize; 2] {
    let mut joined = Vec::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for page in documents.iter().flat_map(|document| &document.pages) {
        for word in words(&page.text) {
            *counts.entry(word).or_default() += 1;
        }
        for pair in page.lines.windows(2) {
            // Where a word was joined, nothing stands between its two lines.
            if pair[0].end == pair[1].start
                && pair[0].end > pair[0].start
                && !page
                    .slice(pair[0].start, pair[0].end)
                    .ends_with(['-', '\u{2010}'])
            {
                let letters = |c: &char| c.is_alphanumeric();
                let before: String = page
                    .slice(0, pair[0].end)
                    .chars()
                    .rev()
                    .take_while(letters)
                    .collect();
                let after = page.slice(pair[1].start, page.text.len());
                let word: String = before
                    .chars()
                    .rev()
                    .chain(after.chars().take_while(letters))
                    .collect();
                let is_spaceless = word.chars().any(|c| !c.is_ascii() && !c.is_lowercase());
                if before.len() > 1 && !is_spaceless {
                    joined.push(word.to_lowercase());
                }
            }
        }
    }
    // A word that only ever occurs joined is not borne out by itself.
    let mut own: HashMap<&str, usize> = HashMap::new();
    for word in &joined {
        *own.entry(word).or_default() += 1;
    }
    let known = joined
        .iter()
        .filter(|word| {
            counts.get(*word).copied().unwrap_or(0) > own[word.as_str()]
                || dictionary.contains(*word)
        })
        .count();
    [joined.len(), known]
}

impl Scores {
    fn sum_up(&mut self) {
        let papers = &self.papers;
        let mean = |values: Vec<f64>| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        self.word_recall = mean(papers.iter().filter_map(|p| p.word_recall).collect());
        let ordered: Vec<f64> = papers.iter().filter_map(|p| p.ordered_recall).collect();
        self.worst_ordered_recall = ordered.iter().copied().reduce(f64::min);
        self.ordered_recall = mean(ordered);
        self.margin_lines = papers.iter().map(|p| p.margin_lines).sum();
        let [right, found, wanted] = papers
            .iter()
            .filter_map(|p| p.headings)
            .fold([0; 3], |sum, one| {
                [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]]
            });
        self.headings_f1 = (wanted > 0).then(|| 2.0 * right as f64 / (found + wanted) as f64);
        let exact = papers
            .iter()
            .filter_map(|p| {
                let ([found, wanted], [right, given]) = (p.references?, p.reference_titles?);
                Some(f64::from(u8::from(found == wanted && right == given)))
            })
            .collect();
        self.references_exact = mean(exact);
        let count = |pick: fn(&PaperScore) -> Option<bool>| {
            let given: Vec<bool> = papers.iter().filter_map(pick).collect();
            [given.iter().filter(|right| **right).count(), given.len()]
        };
        self.titles = count(|p| p.title);
        self.authors = count(|p| p.authors);
        self.years = count(|p| p.year);
    }
}
