//! Answers of several parts on a terminal: a comparison as a table where it is wide enough, and
//! everything else as headings with what stands under them.

use std::io::IsTerminal;

use console::measure_text_width;
use generation::parts::NOTHING_SAID;
use generation::{Answer, Sentence};

use crate::cli::output::plain;

/// Columns of a comparison narrower than this are hard to read.
const LEAST_COLUMN: usize = 26;
/// Lines of running text are no longer.
const LONGEST_LINE: usize = 100;

/// Where the answer is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Width {
    /// Characters on a line; `None` where it is no terminal, and lines are not broken.
    terminal: Option<usize>,
}

impl Width {
    pub(super) fn of_stdout() -> Self {
        let terminal = std::io::stdout()
            .is_terminal()
            .then(|| console::Term::stdout().size_checked())
            .flatten()
            .map(|(_, columns)| usize::from(columns));
        Self { terminal }
    }
}

/// A part with its sentences.
struct Row<'a> {
    heading: String,
    aspect: Option<String>,
    sentences: &'a [Sentence],
}

/// The answer as text, with an empty line at its end.
pub(super) fn shown(answer: &Answer, width: Width) -> String {
    let mut rest = &answer.sentences[..];
    let mut rows = Vec::with_capacity(answer.parts.len());
    for part in &answer.parts {
        let (sentences, others) = rest.split_at(part.sentences.min(rest.len()));
        rows.push(Row {
            heading: plain(&part.heading),
            aspect: part.aspect.as_deref().map(plain),
            sentences,
        });
        rest = others;
    }
    if let Some(terminal) = width.terminal
        && let Some(table) = table(&rows, terminal)
    {
        return table;
    }
    let line = width
        .terminal
        .map_or(usize::MAX, |terminal| terminal.min(LONGEST_LINE));
    let mut text = String::new();
    let mut last_heading = "";
    for row in &rows {
        if !row.heading.is_empty() && (row.heading != last_heading || row.aspect.is_none()) {
            text.push_str(&format!("## {}\n", row.heading));
        }
        last_heading = &row.heading;
        let body = match (&row.aspect, cell(row.sentences)) {
            (Some(aspect), said) if said.is_empty() => format!("{aspect}: {NOTHING_SAID}"),
            (Some(aspect), said) => format!("{aspect}: {said}"),
            (None, said) => said,
        };
        for line in wrapped(&body, line) {
            text.push_str(&line);
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

fn cell(sentences: &[Sentence]) -> String {
    let said: Vec<String> = sentences
        .iter()
        .map(|sentence| {
            let keys = sentence.citations.iter().map(|key| format!(" [{key}]"));
            format!("{}{}", plain(&sentence.text), keys.collect::<String>())
        })
        .collect();
    said.join(" ")
}

/// A comparison as a table: a row a paper, a column an aspect. `None` where it is no comparison or
/// does not fit.
fn table(rows: &[Row<'_>], terminal: usize) -> Option<String> {
    let mut aspects: Vec<&str> = Vec::new();
    let mut papers: Vec<(&str, Vec<String>)> = Vec::new();
    for row in rows {
        let aspect = row.aspect.as_deref()?;
        let starts_row = papers.is_empty() || aspects.first() == Some(&aspect);
        if !aspects.contains(&aspect) {
            aspects.push(aspect);
        }
        if starts_row {
            papers.push((row.heading.as_str(), Vec::new()));
        }
        let said = cell(row.sentences);
        papers.last_mut()?.1.push(match said.is_empty() {
            true => NOTHING_SAID.to_owned(),
            false => said,
        });
    }
    let columns = aspects.len() + 1;
    let column = terminal.saturating_sub(3 * (columns - 1)) / columns;
    if column < LEAST_COLUMN || papers.iter().any(|(_, cells)| cells.len() != aspects.len()) {
        return None;
    }
    let heads = std::iter::once(String::new()).chain(aspects.iter().map(|a| (*a).to_owned()));
    let mut text = line_of(&heads.collect::<Vec<_>>(), column);
    let rule = vec!["─".repeat(column); columns].join("─┼─");
    for (paper, cells) in &papers {
        text.push_str(&format!("{rule}\n"));
        let cells = std::iter::once((*paper).to_owned()).chain(cells.iter().cloned());
        text.push_str(&line_of(&cells.collect::<Vec<_>>(), column));
    }
    text.push('\n');
    Some(text)
}

/// Cells side by side, as many lines as the longest needs.
fn line_of(cells: &[String], column: usize) -> String {
    let cells: Vec<Vec<String>> = cells.iter().map(|cell| wrapped(cell, column)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for at in 0..height {
        let line: Vec<String> = cells
            .iter()
            .map(|lines| {
                let part = lines.get(at).map_or("", String::as_str);
                let gap = column.saturating_sub(measure_text_width(part));
                format!("{part}{}", " ".repeat(gap))
            })
            .collect();
        text.push_str(line.join(" │ ").trim_end());
        text.push('\n');
    }
    text
}

/// Lines of at most `width` columns; a longer word is cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    if width == usize::MAX {
        return match text.is_empty() {
            true => Vec::new(),
            false => vec![text.to_owned()],
        };
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = measure_text_width(word);
        if used > 0 && used + 1 + length <= width {
            line.push(' ');
            line.push_str(word);
            used += 1 + length;
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in word.chars() {
            let wide = measure_text_width(c.encode_utf8(&mut [0; 4]));
            if used > 0 && used + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    if used > 0 {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn sentence(text: &str, key: u32) -> Sentence {
        Sentence {
            text: text.to_owned(),
            supported: true,
            support: 1.0,
            citations: vec![key],
        }
    }

    fn rows(sentences: &[Sentence]) -> Vec<Row<'_>> {
        let row = |heading: &str, aspect: &str, sentences| Row {
            heading: heading.to_owned(),
            aspect: Some(aspect.to_owned()),
            sentences,
        };
        vec![
            row("Raft", "leader election", &sentences[..1]),
            row("Raft", "cost", &sentences[1..]),
            row("Paxos Made Simple", "leader election", &sentences[..1]),
            row("Paxos Made Simple", "cost", &[]),
        ]
    }

    #[test]
    fn a_comparison_is_a_table_where_there_is_room() {
        let sentences = [
            sentence(
                "Terms are numbered and servers vote for one candidate at most in each.",
                1,
            ),
            sentence("One round trip.", 2),
        ];
        expect![[r#"
                                       │ leader election            │ cost
            ───────────────────────────┼────────────────────────────┼───────────────────────────
            Raft                       │ Terms are numbered and     │ One round trip. [2]
                                       │ servers vote for one       │
                                       │ candidate at most in each. │
                                       │ [1]                        │
            ───────────────────────────┼────────────────────────────┼───────────────────────────
            Paxos Made Simple          │ Terms are numbered and     │ (nothing found)
                                       │ servers vote for one       │
                                       │ candidate at most in each. │
                                       │ [1]                        │

        "#]]
        .assert_eq(&table(&rows(&sentences), 86).unwrap_or_default());
        assert!(table(&rows(&sentences), 80).is_none());
        let mut plain = rows(&sentences);
        plain[0].aspect = None;
        assert!(table(&plain, 200).is_none());
    }

    #[test]
    fn lines_are_broken_at_words_and_long_words_cut() {
        assert_eq!(wrapped("a bb ccc dddddd", 5), ["a bb", "ccc", "ddddd", "d"]);
        assert_eq!(wrapped("领导者选举", 4), ["领导", "者选", "举"]);
        assert_eq!(wrapped("a b", usize::MAX), ["a b"]);
        assert!(wrapped("", 5).is_empty());
    }
}
