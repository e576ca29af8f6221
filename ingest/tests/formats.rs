//! Papers of other formats from their bytes to passages.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use expect_test::expect;
use ingest::chunk::{ChunkConfig, chunk};
use ingest::{Format, TokenCounter, formats};

struct Words;

impl TokenCounter for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

#[test]
fn passages_of_a_markdown_paper_know_their_sections() {
    let paper = "---\ntitle: On x\n---\n\n# Introduction\n\nIt begins. It goes on.\n\n# Methods\n\n## Data\n\nMany rows.\n\nTable 1: Numbers\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n## Models\n\nOne model.\n\n# References\n\nLee, A. (2019). A title. Journal of Things, 3.\n\nEk, B. (2001). Another one. A Press of Note.\n";
    let format = formats::detect(paper.as_bytes(), "paper.md").expect("a known format");
    let document = formats::read(paper.as_bytes(), format).expect("a paper");
    let config = ChunkConfig {
        max_tokens: 12,
        overlap_tokens: 0,
    };
    let found: Vec<String> = chunk(&document, config, &Words)
        .iter()
        .map(|chunk| {
            let section = chunk.section.as_deref().unwrap_or("-");
            format!("{section}: {:?}\n", chunk.text)
        })
        .collect();
    expect![[r#"
        -: "On x"
        Introduction: "Introduction\n\nIt begins. It goes on."
        Methods > Data: "Methods\n\nData\n\nMany rows.\n\nTable 1: Numbers\n\na\tb\n1\t2"
        Methods > Models: "Models\n\nOne model."
        References: "References\n\nLee, A. (2019). A title. Journal of Things, 3."
        References: "Ek, B. (2001). Another one. A Press of Note."
    "#]]
    .assert_eq(&found.concat());
}

/// Papers are not part of the repository: `LECTERN_TEST_PAPERS` names a folder of them, and those
/// there in JATS with a file of their body's text beside (`x.jats.xml`, `x.gold.md`) are read.
#[test]
fn jats_papers_lose_no_word_and_no_reference() {
    let Some(folder) = std::env::var_os("LECTERN_TEST_PAPERS") else {
        eprintln!("skipped: LECTERN_TEST_PAPERS names no folder of papers");
        return;
    };
    let mut papers = Vec::new();
    find_jats(Path::new(&folder), 3, &mut papers);
    for path in papers {
        let bytes = std::fs::read(&path).expect("a file that was just listed");
        let name = path.display().to_string();
        assert_eq!(formats::detect(&bytes, &name), Some(Format::Jats), "{name}");
        let document = formats::read(&bytes, Format::Jats).expect("a paper");
        assert!(document.metadata.title().is_some(), "{name}: no title");
        assert!(
            !document.metadata.authors().is_empty(),
            "{name}: no authors"
        );
        assert!(document.metadata.year().is_some(), "{name}: no year");
        assert!(
            document.warnings.is_empty(),
            "{name}: {:?}",
            document.warnings
        );

        let source = String::from_utf8_lossy(&bytes);
        let listed = source.matches("<ref ").count() + source.matches("<ref>").count();
        assert_eq!(document.references.len(), listed, "{name}: references");
        // A report or a website may have none.
        let untitled = document
            .references
            .iter()
            .filter(|entry| entry.title.is_none());
        assert!(
            untitled.count() * 10 <= listed,
            "{name}: references without a title"
        );

        let gold = path.with_extension("").with_extension("gold.md");
        if let Ok(gold) = std::fs::read_to_string(gold) {
            let recall = recall(&gold, &document.text());
            assert!(recall >= 0.99, "{name}: {recall} of the body's words");
        }
    }
}

fn find_jats(folder: &Path, depth: u8, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_jats = path.extension() == Some(OsStr::new("nxml"))
            || path.to_string_lossy().ends_with(".jats.xml");
        if path.is_dir() && depth > 0 {
            find_jats(&path, depth - 1, found);
        } else if is_jats {
            found.push(path);
        }
    }
}

/// The share of the words of `gold` that `text` has, each as often.
fn recall(gold: &str, text: &str) -> f64 {
    let words = |text: &str| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for word in text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
        {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
        counts
    };
    let (gold, text) = (words(gold), words(text));
    let all: usize = gold.values().sum();
    let kept: usize = gold
        .iter()
        .map(|(word, count)| (*count).min(text.get(word).copied().unwrap_or(0)))
        .sum();
    kept as f64 / all.max(1) as f64
}
