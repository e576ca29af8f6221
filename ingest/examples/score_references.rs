//! Compares the reference lists that are read from PDFs with those of their JATS files.
//!
//! ```text
//! score_references FOLDER    each NAME.pdf beside NAME.jats.xml
//! score_references --list FILE.pdf...
//! ```
//!
//! Prints each difference, per paper and in sum. Entries are compared in squashed form (letters
//! and digits, lower case), each with the most similar of the other side, since JATS lists are not
//! always in the printed order.

use std::io::{self, Write};
use std::path::Path;

use ingest::{Reference, extract};

/// One `<ref>`.
struct Gold {
    titles: Vec<String>,
    year: Option<i32>,
    doi: Option<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout().lock();
    if args.first().is_some_and(|arg| arg == "--list") {
        for file in args.drain(1..) {
            list(Path::new(&file), &mut out)?;
        }
        return Ok(());
    }
    let folder = args.first().ok_or("usage: score_references FOLDER")?;
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .collect();
    files.sort();
    let mut sum = Score::default();
    let (mut papers, mut exact) = (0, 0);
    for file in files {
        let gold = gold(&std::fs::read_to_string(file.with_extension("jats.xml"))?)?;
        let document = extract::read(std::fs::read(&file)?, None)?;
        writeln!(out, "{}", file.display())?;
        let score = compare(&gold, &document.references, &mut out)?;
        papers += 1;
        let is_exact = score.found == score.gold && score.titles == score.with_title;
        exact += usize::from(is_exact);
        writeln!(
            out,
            "  {} entries of {}, titles {}/{}, years {}/{}, DOIs {}/{}{}",
            score.found,
            score.gold,
            score.titles,
            score.with_title,
            score.years,
            score.with_year,
            score.dois,
            score.with_doi,
            if is_exact { ", exact" } else { "" }
        )?;
        sum.add(&score);
    }
    let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
    writeln!(
        out,
        "{exact} of {papers} papers exact ({:.3}); {} entries of {}; titles {:.3}, years {:.3}, DOIs {:.3}",
        share(exact, papers),
        sum.found,
        sum.gold,
        share(sum.titles, sum.with_title),
        share(sum.years, sum.with_year),
        share(sum.dois, sum.with_doi),
    )?;
    Ok(())
}

#[derive(Debug, Default)]
struct Score {
    gold: usize,
    found: usize,
    titles: usize,
    with_title: usize,
    years: usize,
    with_year: usize,
    dois: usize,
    with_doi: usize,
}

impl Score {
    fn add(&mut self, other: &Score) {
        self.gold += other.gold;
        self.found += other.found;
        self.titles += other.titles;
        self.with_title += other.with_title;
        self.years += other.years;
        self.with_year += other.with_year;
        self.dois += other.dois;
        self.with_doi += other.with_doi;
    }
}

fn compare(gold: &[Gold], found: &[Reference], out: &mut impl Write) -> io::Result<Score> {
    let mut score = Score {
        gold: gold.len(),
        found: found.len(),
        ..Score::default()
    };
    let mut used = vec![false; found.len()];
    for one in gold {
        // The entry that holds the title; of several, the one with the same year or DOI.
        let best = (0..found.len())
            .filter(|index| {
                !used[*index]
                    && one
                        .titles
                        .iter()
                        .any(|title| same(title, &found[*index].text, false))
            })
            .max_by_key(|index| {
                let reference = &found[*index];
                (
                    one.doi.is_some() && reference.doi == one.doi,
                    reference.year == one.year,
                    std::cmp::Reverse(reference.text.len()),
                )
            });
        score.with_title += usize::from(!one.titles.is_empty());
        score.with_year += usize::from(one.year.is_some());
        score.with_doi += usize::from(one.doi.is_some());
        let Some(best) = best else {
            writeln!(out, "  not printed: {:?} {:?}", one.titles, one.year)?;
            continue;
        };
        used[best] = true;
        let reference = &found[best];
        let title = reference.title.as_deref().unwrap_or_default();
        if one.titles.iter().any(|wanted| same(wanted, title, true)) {
            score.titles += 1;
        } else {
            writeln!(
                out,
                "  title {:?}\n    not {:?}\n    of {:?}",
                reference.title, one.titles, reference.text
            )?;
        }
        if reference.year == one.year {
            score.years += usize::from(one.year.is_some());
        } else {
            writeln!(
                out,
                "  year {:?}, not {:?}: {:?}",
                reference.year, one.year, reference.text
            )?;
        }
        if reference.doi == one.doi {
            score.dois += usize::from(one.doi.is_some());
        } else {
            writeln!(
                out,
                "  DOI {:?}, not {:?}: {:?}",
                reference.doi, one.doi, reference.text
            )?;
        }
    }
    for (reference, used) in found.iter().zip(&used) {
        if !used {
            writeln!(out, "  not in JATS: {:?}", reference.text)?;
        }
    }
    Ok(score)
}

fn gold(xml: &str) -> Result<Vec<Gold>, roxmltree::Error> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    let jats = roxmltree::Document::parse_with_options(xml, options)?;
    let references = jats.descendants().filter(|node| node.has_tag_name("ref"));
    Ok(references
        .map(|reference| {
            let texts = |tag: &str| -> Vec<String> {
                reference
                    .descendants()
                    .filter(|node| node.has_tag_name(tag))
                    .map(|node| {
                        let text: String = node
                            .descendants()
                            .filter_map(|inner| inner.text().filter(|_| inner.is_text()))
                            .collect();
                        text.split_whitespace().collect::<Vec<_>>().join(" ")
                    })
                    .filter(|text| !text.is_empty())
                    .collect()
            };
            // A work without article title is a book, software or a page, whose name is its source.
            let mut titles = texts("article-title");
            if titles.is_empty() {
                titles = texts("source");
            }
            Gold {
                titles,
                year: texts("year").first().and_then(|year| year.parse().ok()),
                doi: reference
                    .descendants()
                    .find(|node| node.attribute("pub-id-type") == Some("doi"))
                    .and_then(|node| node.text())
                    .map(|doi| doi.trim().to_lowercase()),
            }
        })
        .collect())
}

/// Letters and digits in lower case. Where JATS holds TeX ("H\\alpha" for what is printed "Hα"),
/// commands and letters beyond ASCII are left out on both sides.
fn same(gold: &str, found: &str, whole: bool) -> bool {
    let test = |gold: &str, found: &str| {
        if whole {
            gold == found
        } else {
            found.contains(gold)
        }
    };
    if !gold.contains('\\') {
        return test(&squashed(gold), &squashed(found));
    }
    let mut plain = String::new();
    for (index, part) in gold.split('\\').enumerate() {
        let part = if index > 0 {
            part.trim_start_matches(|c: char| c.is_ascii_alphabetic())
        } else {
            part
        };
        plain.push_str(part);
    }
    let ascii = |text: &str| text.chars().filter(char::is_ascii).collect::<String>();
    test(&squashed(&ascii(&plain)), &squashed(&ascii(found)))
}

fn squashed(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Prints what was read, to be looked at.
fn list(file: &Path, out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    let document = extract::read(std::fs::read(file)?, None)?;
    let text = document.text();
    writeln!(out, "{}: {}", file.display(), document.references.len())?;
    for reference in &document.references {
        let is_span = text.get(reference.start..reference.end).is_some();
        writeln!(
            out,
            "[{}] {}\n    {:?} {:?} {:?}\n    {:?}{}",
            reference.label,
            reference.text,
            reference.title,
            reference.year,
            reference.doi,
            reference.authors,
            if is_span { "" } else { "\n    NO SPAN" }
        )?;
    }
    Ok(())
}
