//! BibTeX and BibLaTeX files to entries.
//!
//! The `biblatex` crate reads the fields and decodes LaTeX, but gives up a file at its first error.
//! So the file is cut into entries here, by braces and by lines that begin with `@type{`, and each
//! is handed over by itself with the abbreviations that it uses.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use biblatex::{Bibliography, ChunksExt, Pair, Person, RawBibliography, RawChunk};

use super::blocks::{blocks, key_of};
use super::{Entry, Problem, files};
use crate::metadata::identifiers::{find_arxiv, find_doi};
use crate::metadata::year::is_plausible;

/// Abbreviations that one entry may use, those in abbreviations included.
const MAX_ABBREVIATIONS: usize = 200;
/// Month names, which need no definition.
const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The entries of a BibTeX file, and what could not be read of it.
pub fn parse_bibtex(text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let blocks = blocks(text);
    let mut abbreviations: HashMap<String, Pair<'_>> = HashMap::new();
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for block in blocks.iter().filter(|block| block.kind == "string") {
        match guarded(|| RawBibliography::parse(block.text).map_err(|error| error.to_string())) {
            Ok(raw) => {
                for pair in raw.abbreviations {
                    abbreviations.insert(pair.key.v.to_lowercase(), pair);
                }
            }
            Err(message) => problems.push(Problem {
                line: block.line,
                key: String::new(),
                message: format!("its abbreviation can't be read: {message}"),
            }),
        }
    }
    let mut parents: Vec<(usize, String)> = Vec::new();
    for block in &blocks {
        if matches!(block.kind.as_str(), "string" | "comment" | "preamble") {
            continue;
        }
        let read = match block.fault {
            Some(fault) => Err(fault.to_owned()),
            None => guarded(|| entry(block.text, &abbreviations)),
        };
        match read {
            Ok((entry, parent)) => {
                if let Some(parent) = parent {
                    parents.push((entries.len(), parent));
                }
                entries.push(entry);
            }
            Err(message) => problems.push(Problem {
                line: block.line,
                key: key_of(block.text).to_owned(),
                message: format!("it can't be read and is left out: {message}"),
            }),
        }
    }
    inherit(&mut entries, &parents);
    problems.sort_by_key(|problem| problem.line);
    (entries, problems)
}

/// Runs the crate's parser, which is not free of panics on odd input.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("the parser failed".to_owned()))
}

/// The entry with braces where it has the parentheses that BibTeX allows as well.
fn braced(text: &str) -> Cow<'_, str> {
    match (text.find(['{', '(']), text.strip_suffix(')')) {
        (Some(open), Some(rest)) if text[open..].starts_with('(') => {
            Cow::Owned(format!("{}{{{}}}", &text[..open], &rest[open + 1..]))
        }
        _ => Cow::Borrowed(text),
    }
}

/// One entry, and the key of the one from which it inherits.
fn entry(
    text: &str,
    abbreviations: &HashMap<String, Pair<'_>>,
) -> Result<(Entry, Option<String>), String> {
    let text = braced(text);
    let mut raw = RawBibliography::parse(&text).map_err(|error| error.to_string())?;
    // `ids` and cross-references concern the whole file, which this is not.
    let mut parent = None;
    let mut verbatim: HashMap<String, String> = HashMap::new();
    let mut needed: Vec<Pair<'_>> = Vec::new();
    let mut seen = HashSet::new();
    for entry in &mut raw.entries {
        for pair in &mut entry.v.fields {
            for chunk in &mut pair.value.v {
                resolve(&mut chunk.v, abbreviations, &mut needed, &mut seen);
            }
            let plain: String = pair.value.v.iter().map(|chunk| literal(&chunk.v)).collect();
            verbatim.insert(pair.key.v.to_lowercase(), plain);
        }
        entry.v.fields.retain(|pair| {
            let name = pair.key.v.to_lowercase();
            if name == "crossref" || name == "xdata" {
                parent = verbatim.get(&name).map(|key| key.trim().to_owned());
            }
            !matches!(name.as_str(), "ids" | "crossref" | "xref" | "xdata")
                && !name.starts_with("bdsk-")
        });
    }
    raw.abbreviations = needed;
    let read = Bibliography::from_raw(raw).map_err(|error| error.kind.to_string())?;
    let read = read.into_iter().next().ok_or("it is empty")?;
    Ok((to_entry(&read, &verbatim), parent))
}

/// Notes the abbreviations that a value uses; one that is defined nowhere stands for itself.
fn resolve<'a>(
    chunk: &mut RawChunk<'a>,
    abbreviations: &HashMap<String, Pair<'a>>,
    needed: &mut Vec<Pair<'a>>,
    seen: &mut HashSet<String>,
) {
    let RawChunk::Abbreviation(name) = *chunk else {
        return;
    };
    let key = name.to_lowercase();
    if !abbreviations.contains_key(&key) {
        if !MONTHS.contains(&key.as_str()) {
            *chunk = RawChunk::Normal(name);
        }
        return;
    }
    let mut waiting = vec![(name, key)];
    while let Some((name, key)) = waiting.pop() {
        if needed.len() >= MAX_ABBREVIATIONS || !seen.insert(name.to_owned()) {
            continue;
        }
        let Some(pair) = abbreviations.get(&key) else {
            continue;
        };
        let mut pair = pair.clone();
        pair.key.v = name;
        for chunk in &mut pair.value.v {
            if let RawChunk::Abbreviation(inner) = chunk.v {
                // One that names itself would never end.
                if seen.contains(inner) || !abbreviations.contains_key(&inner.to_lowercase()) {
                    chunk.v = RawChunk::Normal(inner);
                } else {
                    waiting.push((inner, inner.to_lowercase()));
                }
            }
        }
        needed.push(pair);
    }
}

fn literal<'a>(chunk: &RawChunk<'a>) -> &'a str {
    match *chunk {
        RawChunk::Normal(text) | RawChunk::Abbreviation(text) => text,
    }
}

fn to_entry(read: &biblatex::Entry, verbatim: &HashMap<String, String>) -> Entry {
    let text = |names: &[&str]| {
        names.iter().find_map(|name| {
            let text = without_formatting(&read.get(name)?.format_verbatim());
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (!text.is_empty()).then_some(text)
        })
    };
    let literal = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| verbatim.get(*name))
            .map(|value| value.trim().replace("\\_", "_"))
    };
    let authors = ["author", "editor"]
        .iter()
        .find_map(|name| read.get_as::<Vec<Person>>(name).ok())
        .unwrap_or_default();
    let title = match (text(&["title"]), text(&["subtitle"])) {
        (Some(title), Some(subtitle)) => Some(format!("{title}: {subtitle}")),
        (title, _) => title,
    };
    let is_arxiv = literal(&["archiveprefix", "eprinttype"])
        .is_none_or(|kind| kind.eq_ignore_ascii_case("arxiv"));
    let arxiv_id = literal(&["eprint", "arxivid"])
        .filter(|_| is_arxiv)
        .and_then(|id| find_arxiv(&format!("arxiv:{}", id.trim_start_matches("arXiv:"))))
        .or_else(|| {
            [
                "url",
                "journal",
                "journaltitle",
                "doi",
                "note",
                "howpublished",
            ]
            .iter()
            .find_map(|name| find_arxiv(verbatim.get(*name)?))
        });
    let mut paths = literal(&["file"])
        .map(|field| files::paths(&field))
        .unwrap_or_default();
    paths.extend(
        literal(&["local-url", "localfile", "pdf"])
            .map(|url| files::from_url(url.trim_start_matches("file:"))),
    );
    paths.extend((1..=9).filter_map(|n| files::bibdesk(verbatim.get(&format!("bdsk-file-{n}"))?)));
    Entry {
        key: read.key.clone(),
        title,
        authors: authors.iter().filter_map(name).collect(),
        year: text(&["date", "year"]).as_deref().and_then(year),
        venue: text(&[
            "journaltitle",
            "journal",
            "booktitle",
            "eventtitle",
            "series",
        ]),
        doi: literal(&["doi", "url"]).as_deref().and_then(find_doi),
        arxiv_id,
        abstract_text: text(&["abstract"]),
        keywords: text(&["keywords", "keyword"])
            .map(|list| {
                list.split([';', ','])
                    .map(|keyword| keyword.trim().to_owned())
                    .filter(|keyword| !keyword.is_empty())
                    .collect()
            })
            .unwrap_or_default(),
        files: paths,
    }
}

/// `\emph{Small}` as `Small`: commands that only set type are left by the decoder.
fn without_formatting(text: &str) -> String {
    const COMMANDS: &[&str] = &[
        "emph",
        "textit",
        "textbf",
        "textsc",
        "textrm",
        "texttt",
        "textsf",
        "textsl",
        "textup",
        "textnormal",
        "textsuperscript",
        "textsubscript",
        "mathrm",
        "mathbf",
        "mathit",
        "mathcal",
        "mathbb",
        "mbox",
        "text",
        "uppercase",
        "enquote",
    ];
    let mut plain = String::with_capacity(text.len());
    let mut open: Vec<bool> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        if c == '\\'
            && COMMANDS.contains(&&after[..end])
            && let Some(inner) = after[end..].strip_prefix('{')
        {
            open.push(true);
            rest = inner;
            continue;
        }
        let is_commands = match c {
            '{' => {
                open.push(false);
                false
            }
            '}' => open.pop().unwrap_or(false),
            _ => false,
        };
        if !is_commands {
            plain.push(c);
        }
        rest = after;
    }
    plain
}

/// Given names first; "others" is nobody.
fn name(person: &Person) -> Option<String> {
    let parts = [
        &person.given_name,
        &person.prefix,
        &person.name,
        &person.suffix,
    ];
    let name = parts
        .iter()
        .flat_map(|part| part.split_whitespace())
        .collect::<Vec<_>>()
        .join(" ");
    (!name.is_empty() && name != "others").then_some(name)
}

/// The first four digits that stand alone.
fn year(text: &str) -> Option<i32> {
    text.split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 4)
        .and_then(|digits| digits.parse().ok())
        .filter(|year| is_plausible(*year) || (1400..1900).contains(year))
}

/// A paper in proceedings takes year and venue from the entry of the volume.
fn inherit(entries: &mut [Entry], parents: &[(usize, String)]) {
    let keys: HashMap<String, usize> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| (entry.key.to_lowercase(), at))
        .collect();
    for (child, parent) in parents {
        let Some(&parent) = keys.get(&parent.to_lowercase()) else {
            continue;
        };
        let (year, venue) = (entries[parent].year, entries[parent].title.clone());
        let entry = &mut entries[*child];
        entry.year = entry.year.or(year);
        entry.venue = entry.venue.take().or(venue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_entry_in_full() {
        let text = r#"
@string{jss = "Journal of Small {Studies}"}
% a comment
@Article{lee2020,
  author = {Lee, Ann B. and van der Berg, Jan and {CERN Collaboration} and M{\"u}ller, J{\'e}r{\^o}me and others},
  title = "A {Study} of \emph{Small} Things \& More",
  journal = jss # {, Series B},
  year = 2020, month = feb,
  doi = {https://doi.org/10.1000/ABC_1},
  eprint = {2001.00001v2}, archivePrefix = {arXiv},
  keywords = {small things, studies},
  abstract = {We study.
     Things.},
  file = {Full Text:files/1/Lee.pdf:application/pdf},
}
"#;
        let (entries, problems) = parse_bibtex(text);
        assert_eq!(problems, []);
        let entry = &entries[0];
        assert_eq!(entry.key, "lee2020");
        assert_eq!(
            entry.title.as_deref(),
            Some("A Study of Small Things & More")
        );
        assert_eq!(
            entry.authors,
            [
                "Ann B. Lee",
                "Jan van der Berg",
                "CERN Collaboration",
                "Jérôme Müller"
            ]
        );
        assert_eq!(
            entry.venue.as_deref(),
            Some("Journal of Small Studies, Series B")
        );
        assert_eq!(entry.year, Some(2020));
        assert_eq!(entry.doi.as_deref(), Some("10.1000/abc_1"));
        assert_eq!(entry.arxiv_id.as_deref(), Some("2001.00001"));
        assert_eq!(entry.keywords, ["small things", "studies"]);
        assert_eq!(entry.abstract_text.as_deref(), Some("We study. Things."));
        assert_eq!(entry.files, ["files/1/Lee.pdf"]);
    }

    #[test]
    fn a_broken_entry_costs_itself_only() {
        let text = "@article{good1, title={One}}\n@article{open, title={Two\n\n@book{good2, title={Three}, journal=undefined}\n\
                    @article{comma title={Four}}\n@misc{good3, title={Five}} @inproceedings(good4, title={Six})\n";
        let (entries, problems) = parse_bibtex(text);
        let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["good1", "good2", "good3", "good4"]);
        assert_eq!(entries[1].venue.as_deref(), Some("undefined"));
        let found: Vec<(usize, &str)> = problems.iter().map(|p| (p.line, p.key.as_str())).collect();
        assert_eq!(found, [(2, "open"), (5, "comma title")]);
        assert!(
            problems[0]
                .to_string()
                .starts_with("line 2: entry \"open\": ")
        );
    }

    #[test]
    fn papers_inherit_from_their_volume() {
        let text = "@inproceedings{a, title={A}, crossref={vol}}\n@proceedings{vol, title={Proceedings of X}, year=1999}";
        let (entries, problems) = parse_bibtex(text);
        assert_eq!(problems, []);
        assert_eq!(entries[0].venue.as_deref(), Some("Proceedings of X"));
        assert_eq!(entries[0].year, Some(1999));
    }

    #[test]
    fn abbreviations_that_name_themselves_end() {
        let (entries, _) =
            parse_bibtex("@string{a = b # a} @string{b = a} @misc{x, title = a, year = 2001}");
        assert!(entries.len() <= 1);
    }

    #[test]
    fn hostile_files() {
        let count = |text: &str| {
            let (entries, problems) = parse_bibtex(text);
            (entries.len(), problems.len())
        };
        assert_eq!(count(&"@a{".repeat(100_000)), (0, 1));
        assert_eq!(count(&"@a{\n".repeat(50_000)), (0, 50_000));
        let url = "arxiv 10.1".repeat(50_000);
        assert_eq!(count(&format!("@a{{k, url={{{url}}}}}")), (1, 0));
        let authors = "Lee, Ann and ".repeat(20_000);
        assert_eq!(count(&format!("@a{{k, author={{{authors}}}}}")), (1, 0));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[@a-z{}()\",=#\\\\ \n%~$&é0-9]{0,200}") {
            parse_bibtex(&format!("@article{{{text}"));
            parse_bibtex(&text);
        }
    }
}
