//! Reads a file of question-answer pairs: JSONL, JSON or Parquet in the forms of [`dataset`], or
//! ChatGPT's own export. What a file is is told from its first bytes, not from its name; what is wrong
//! with it is told by line and field.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use anyhow::{Context, Result};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;

use super::ImportFormat;
use crate::error::{Fault, Problem};
use crate::library::feedback::dataset::{self, Pair};
use crate::library::feedback::{chatgpt, columns};

/// Largest file, in bytes.
const LARGEST_FILE: u64 = 256 << 20;
/// Longest line of JSONL, in bytes.
const LONGEST_LINE: u64 = 4 << 20;
/// Most pairs in a file.
const MOST_PAIRS: usize = 1_000_000;
/// Things that are wrong with a file that are told.
const TOLD: usize = 5;
/// A file that was read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) format: ImportFormat,
    pub(super) pairs: Vec<Pair>,
    pub(super) warnings: Vec<String>,
}

/// What is wrong with a file, told together.
#[derive(Default)]
struct Faults {
    told: Vec<String>,
    count: usize,
}

impl Faults {
    fn push(&mut self, place: impl fmt::Display, what: impl fmt::Display) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(format!("{place}: {what}"));
        }
    }

    fn into_result(self, name: &str) -> Result<(), Problem> {
        if self.count == 0 {
            return Ok(());
        }
        let more = match self.count - self.told.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Err(malformed(name, format!("{}{more}", self.told.join("; "))))
    }
}

fn malformed(name: &str, what: impl fmt::Display) -> Problem {
    Problem::new(
        Fault::Input,
        "import_malformed",
        format!("{name} was not imported: {what}"),
        "mend the file and import it again, nothing of it was kept; docs/feedback.md shows what is read",
    )
}

fn too_large(name: &str, what: impl fmt::Display) -> Problem {
    Problem::new(
        Fault::TooLarge,
        "import_too_large",
        format!("{name} was not imported: {what}"),
        "split it into several files",
    )
}

/// Reads a file that is called `name`.
///
/// # Errors
/// A problem `import_malformed` or `import_too_large`, or where the file cannot be read.
pub(super) fn read(mut file: File, name: &str) -> Result<Parsed> {
    let about = file.metadata().with_context(|| format!("reading {name}"))?;
    if !about.is_file() {
        return Err(malformed(name, "it is not a file").into());
    }
    if about.len() > LARGEST_FILE {
        let what = format!("it is over {} MiB", LARGEST_FILE >> 20);
        return Err(too_large(name, what).into());
    }
    let mut start = [0; 4];
    let got = (&mut file).take(4).read(&mut start)?;
    let start = &start[..got];
    if start == columns::MAGIC {
        return read_parquet(file, name);
    }
    if start == b"PK\x03\x04" {
        return read_zip(file, name);
    }
    // A byte order mark, as some editors put before UTF-8.
    let skip = if start.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    file.seek(SeekFrom::Start(skip))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let is_list = loop {
        let part = reader.fill_buf()?;
        let Some(first) = part.iter().find(|byte| !byte.is_ascii_whitespace()) else {
            let length = part.len();
            if length == 0 {
                break false;
            }
            reader.consume(length);
            continue;
        };
        break *first == b'[';
    };
    if is_list {
        reader.seek(SeekFrom::Start(skip))?;
        return read_list(reader, name);
    }
    reader.seek(SeekFrom::Start(skip))?;
    read_lines(reader, name)
}

fn read_lines(mut reader: impl BufRead, name: &str) -> Result<Parsed> {
    let mut pairs = Vec::new();
    let mut faults = Faults::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        (&mut reader)
            .take(LONGEST_LINE + 1)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("reading {name}"))?;
        if line.is_empty() {
            break;
        }
        let place = format!("line {number}");
        if line.len() as u64 > LONGEST_LINE {
            // What follows may be the rest of this line, so nothing more can be said.
            faults.push(place, format!("it is over {} MiB", LONGEST_LINE >> 20));
            break;
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            faults.push(place, "it is not UTF-8");
            continue;
        };
        if text.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Value>(text.trim_end()) {
            Ok(value) => take(&value, &place, &mut pairs, &mut faults),
            Err(error) => faults.push(place, syntax(&error)),
        }
        if pairs.len() > MOST_PAIRS {
            return Err(too_large(name, format!("it has over {MOST_PAIRS} pairs")).into());
        }
    }
    faults.into_result(name)?;
    Ok(Parsed {
        format: ImportFormat::Jsonl,
        pairs,
        warnings: Vec::new(),
    })
}

/// What a parser says of one line, which is the first to it.
fn syntax(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or(&said);
    format!("it is no JSON at column {}: {what}", error.column())
}

fn take(value: &Value, place: &str, pairs: &mut Vec<Pair>, faults: &mut Faults) {
    match dataset::read(value) {
        Ok(pair) => pairs.push(pair),
        Err(error) => faults.push(place, error),
    }
}

/// Hands each item of a JSON list on as soon as it is read.
struct Items<F>(F);

impl<'de, F: FnMut(usize, Value)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(item) = items.next_element()? {
            number += 1;
            (self.0)(number, item);
        }
        Ok(())
    }
}

fn read_list(reader: impl Read, name: &str) -> Result<Parsed> {
    let mut format = ImportFormat::Json;
    let mut pairs = Vec::new();
    let mut faults = Faults::default();
    let mut warnings = Faults::default();
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let read = deserializer.deserialize_seq(Items(|number, item: Value| {
        if number == 1 && chatgpt::is_conversation(&item) {
            format = ImportFormat::Chatgpt;
        }
        if format == ImportFormat::Json {
            return take(&item, &format!("item {number}"), &mut pairs, &mut faults);
        }
        match chatgpt::pairs(&item) {
            Ok(found) => pairs.extend(found.into_iter().map(of_chat)),
            // One odd conversation of hundreds does not keep the others out.
            Err(error) => warnings.push(format!("conversation {number}"), error),
        }
    }));
    read.and_then(|()| deserializer.end())
        .map_err(|error| malformed(name, format!("it is no JSON: {error}")))?;
    faults.into_result(name)?;
    if pairs.len() > MOST_PAIRS {
        return Err(too_large(name, format!("it has over {MOST_PAIRS} pairs")).into());
    }
    let more = warnings.count - warnings.told.len();
    let mut warnings = warnings.told;
    if more > 0 {
        warnings.push(format!("and {more} more conversations that cannot be read"));
    }
    Ok(Parsed {
        format,
        pairs,
        warnings,
    })
}

fn of_chat((question, answer): (String, String)) -> Pair {
    Pair {
        prompt: vec![generation::Message {
            role: "user".to_owned(),
            content: question,
        }],
        completion: answer,
        about: None,
    }
}

fn read_parquet(file: File, name: &str) -> Result<Parsed> {
    let mut pairs = Vec::new();
    let mut faults = Faults::default();
    let mut number = 0;
    columns::read(file, |row| {
        number += 1;
        if number <= MOST_PAIRS {
            take(&row, &format!("row {number}"), &mut pairs, &mut faults);
        }
    })
    .map_err(|error| malformed(name, format!("the Parquet file cannot be read: {error}")))?;
    if number > MOST_PAIRS {
        return Err(too_large(name, format!("it has over {MOST_PAIRS} rows")).into());
    }
    faults.into_result(name)?;
    Ok(Parsed {
        format: ImportFormat::Parquet,
        pairs,
        warnings: Vec::new(),
    })
}

/// The archive that ChatGPT's export comes in.
fn read_zip(file: File, name: &str) -> Result<Parsed> {
    let broken = |error: zip::result::ZipError| malformed(name, format!("the archive: {error}"));
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let mut names: Vec<String> = archive
        .file_names()
        .filter_map(|entry| Some(entry.ok()?.into_owned()))
        .filter(|entry| {
            let entry = entry.rsplit('/').next().unwrap_or(entry);
            entry.starts_with("conversations") && entry.ends_with(".json")
        })
        .collect();
    names.sort();
    let mut all = Parsed {
        format: ImportFormat::Chatgpt,
        pairs: Vec::new(),
        warnings: Vec::new(),
    };
    for entry in &names {
        let part = archive.by_name(entry).map_err(broken)?;
        if part.size() > LARGEST_FILE {
            let what = format!("{entry} is over {} MiB", LARGEST_FILE >> 20);
            return Err(too_large(name, what).into());
        }
        // What an entry says of its size need not be so.
        let part = BufReader::new(part.take(LARGEST_FILE));
        let parsed = read_list(part, &format!("{name}: {entry}"))?;
        all.pairs.extend(parsed.pairs);
        all.warnings.extend(parsed.warnings);
    }
    if names.is_empty() {
        return Err(malformed(
            name,
            "the archive has no conversations.json, so it is no ChatGPT export",
        )
        .into());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::io::Write;

    fn parse(bytes: &[u8]) -> Result<Parsed> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        read(file, "pairs.jsonl")
    }

    fn check(bytes: &[u8], expected: Expect) {
        let shown = match parse(bytes) {
            Ok(parsed) => format!("{:?}: {} pairs", parsed.format, parsed.pairs.len()),
            Err(error) => Problem::from_error(&error).message,
        };
        expected.assert_eq(&shown);
    }

    const GOOD: &str = r#"{"prompt":"q","completion":"a"}"#;

    #[test]
    fn files_are_told_by_what_is_in_them() {
        check(
            format!("{GOOD}\n\n{GOOD}\r\n{GOOD}").as_bytes(),
            expect!["Jsonl: 3 pairs"],
        );
        check(
            format!("\u{feff}{GOOD}\n").as_bytes(),
            expect!["Jsonl: 1 pairs"],
        );
        check(
            format!(" \n[{GOOD},\n{GOOD}]\n").as_bytes(),
            expect!["Json: 2 pairs"],
        );
        check(
            format!("\u{feff}[{GOOD}]").as_bytes(),
            expect!["Json: 1 pairs"],
        );
        check(b"", expect!["Jsonl: 0 pairs"]);
        check(b" \n ", expect!["Jsonl: 0 pairs"]);
        let chat = r#"[{"mapping":{"q":{"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["q"]}},"children":["a"]},"a":{"parent":"q","message":{"author":{"role":"assistant"},"content":{"content_type":"text","parts":["a"]}}}},"current_node":"a"},{"title":"odd"}]"#;
        check(chat.as_bytes(), expect!["Chatgpt: 1 pairs"]);
        assert_eq!(
            parse(chat.as_bytes()).unwrap().warnings,
            ["conversation 2: `mapping` is not an object"]
        );

        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        archive
            .start_file("export/conversations.json", options)
            .unwrap();
        archive.write_all(chat.as_bytes()).unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        check(&bytes, expect!["Chatgpt: 1 pairs"]);
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("other.json", options).unwrap();
        check(
            &archive.finish().unwrap().into_inner(),
            expect![
                "pairs.jsonl was not imported: the archive has no conversations.json, so it is no ChatGPT export"
            ],
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_field() {
        check(
            format!("{GOOD}\n{{\"prompt\":\"q\"}}\n{{\n\n[1]\n{GOOD}").as_bytes(),
            expect![
                "pairs.jsonl was not imported: line 2: `completion` is missing; line 3: it is no JSON at column 1: EOF while parsing an object; line 5: this is a list, not an object"
            ],
        );
        check(
            &[
                b"{\"prompt\":\"",
                &[0xff, 0xfe][..],
                b"\",\"completion\":\"a\"}\n",
            ]
            .concat(),
            expect!["pairs.jsonl was not imported: line 1: it is not UTF-8"],
        );
        check(
            "3\n".repeat(9).as_bytes(),
            expect![
                "pairs.jsonl was not imported: line 1: this is a number, not an object; line 2: this is a number, not an object; line 3: this is a number, not an object; line 4: this is a number, not an object; line 5: this is a number, not an object; and 4 more"
            ],
        );
        check(
            &[
                b"{\"prompt\":\"".to_vec(),
                vec![b'x'; (LONGEST_LINE + 9) as usize],
            ]
            .concat(),
            expect!["pairs.jsonl was not imported: line 1: it is over 4 MiB"],
        );
        check(
            format!("[{GOOD}, 4]").as_bytes(),
            expect!["pairs.jsonl was not imported: item 2: this is a number, not an object"],
        );
        let cut = format!("[{GOOD}, {GOOD}");
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        let cases: [(&[u8], &str); 5] = [
            (cut.as_bytes(), "it is no JSON: EOF while parsing a list"),
            (deep.as_bytes(), "recursion limit exceeded"),
            (&b"[".repeat(100_000), "recursion limit exceeded"),
            (
                b"PAR1 and nothing else",
                "the Parquet file cannot be read: ",
            ),
            (b"PK\x03\x04rubbish", "the archive: "),
        ];
        for (bytes, told) in cases {
            let error = Problem::from_error(&parse(bytes).unwrap_err());
            assert_eq!(error.code, "import_malformed");
            assert!(error.message.contains(told), "{}", error.message);
        }
    }
}
