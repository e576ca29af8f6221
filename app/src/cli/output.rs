//! Writing to stdout: a reader that goes away (`| head`) ends the command quietly.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::error::{Fault, Problem};

/// Prints a line.
pub(super) fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Prints text as it is.
pub(super) fn text(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Prints a value as one line of JSON.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(value)?)
}

/// A file of JSON lines that grows as its values come: what was written is there, even where the rest
/// fails.
#[derive(Debug)]
pub(super) struct Lines {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Lines {
    /// Begins the file anew.
    pub(super) fn new(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| {
            Problem::new(
                Fault::Usage,
                "file_not_writable",
                format!("{} cannot be written: {error}", path.display()),
                "name a file in a folder that is there and that you may write to",
            )
        })?;
        Ok(Self {
            file: BufWriter::new(file),
            path: path.to_owned(),
        })
    }

    /// Adds a line.
    pub(super) fn add(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value)?;
        writeln!(self.file, "{text}")
            .and_then(|()| self.file.flush())
            .with_context(|| format!("writing {}", self.path.display()))
    }
}

/// True where the reader of stdout went away.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Text of a document on a terminal: white space folded, and taken out what could move the cursor
/// or turn the line around (control characters, bidirectional overrides).
pub(super) fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control() && !turns_around(*c))
        .collect()
}

/// As [`plain`], with some spans of bytes, in order, in bold.
pub(super) fn bold(text: &str, spans: &[[usize; 2]]) -> String {
    const ON: char = '\u{1}';
    const OFF: char = '\u{2}';
    let mut marked = String::with_capacity(text.len());
    let mut done = 0;
    let bare = |text: &str| text.replace([ON, OFF], "");
    for &[start, end] in spans {
        let (Some(before), Some(inside)) = (text.get(done..start), text.get(start..end)) else {
            continue;
        };
        marked.push_str(&bare(before));
        marked.push(ON);
        marked.push_str(&bare(inside));
        marked.push(OFF);
        done = end;
    }
    marked.push_str(&bare(text.get(done..).unwrap_or_default()));
    let words: Vec<&str> = marked.split_whitespace().collect();
    let mut shown = String::with_capacity(marked.len());
    for c in words.join(" ").chars() {
        match c {
            ON => shown.push_str("\u{1b}[1m"),
            OFF => shown.push_str("\u{1b}[0m"),
            c if c.is_control() || turns_around(c) => {}
            c => shown.push(c),
        }
    }
    shown
}

/// Marks after which text is shown in another order than it is stored.
fn turns_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_document_cannot_steer_the_terminal() {
        assert_eq!(plain(" a\n\tb\u{1b}[31mc\u{202e}d\u{7}"), "a b[31mcd");
        let hostile = "\u{1}a leader\u{1b}[31m is \u{2}elected";
        assert_eq!(
            bold(hostile, &[[3, 9], [19, 26]]),
            "a \u{1b}[1mleader\u{1b}[0m[31m is \u{1b}[1melected\u{1b}[0m"
        );
        assert_eq!(bold("ü", &[[1, 2]]), "ü", "no character is cut");
    }
}
