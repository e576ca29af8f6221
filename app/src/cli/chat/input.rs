//! Where lines come from: a line editor in a terminal, plain lines elsewhere.

use std::io::BufRead;

use anyhow::{Context, Result};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

/// Longest line taken, in bytes: more is no question.
const LONGEST: u64 = 1 << 20;

/// What was read.
pub(super) enum Line {
    /// A line with something in it, trimmed.
    Text(String),
    /// An empty line.
    Nothing,
    /// Ctrl-C where nothing was running.
    Interrupted,
    /// There is nothing more.
    End,
}

/// A source of lines.
pub(super) enum Input {
    Terminal(Option<Box<DefaultEditor>>),
    Plain,
}

impl Input {
    pub(super) fn open(is_terminal: bool) -> Result<Self> {
        Ok(match is_terminal {
            true => Self::Terminal(Some(Box::new(
                DefaultEditor::new().context("setting the terminal up")?,
            ))),
            false => Self::Plain,
        })
    }

    /// Makes a line one that the arrow keys bring back.
    pub(super) fn remember(&mut self, line: &str) {
        if let Self::Terminal(Some(editor)) = self {
            // Not to have it in the history costs nothing else.
            let _ = editor.add_history_entry(line);
        }
    }

    /// The next line. Waits off the async threads.
    pub(super) async fn next(&mut self) -> Result<Line> {
        let Self::Terminal(editor) = self else {
            let read = tokio::task::spawn_blocking(plain_line);
            return tokio::select! {
                line = read => line.context("reading a line")?,
                _ = tokio::signal::ctrl_c() => Ok(Line::Interrupted),
            };
        };
        let mut taken = editor
            .take()
            .context("the terminal is being read already")?;
        let (taken, read) = tokio::task::spawn_blocking(move || {
            let read = taken.readline("> ");
            (taken, read)
        })
        .await
        .context("reading a line")?;
        *editor = Some(taken);
        match read {
            Ok(line) => {
                let line = line.trim().to_owned();
                if line.is_empty() {
                    return Ok(Line::Nothing);
                }
                self.remember(&line);
                Ok(Line::Text(line))
            }
            // As in a shell, it throws the line away.
            Err(ReadlineError::Interrupted) => {
                eprintln!("Ctrl-D or /quit ends.");
                Ok(Line::Nothing)
            }
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(error).context("reading from the terminal"),
        }
    }
}

fn plain_line() -> Result<Line> {
    let mut bytes = Vec::new();
    let mut stdin = std::io::Read::take(std::io::stdin().lock(), LONGEST);
    if stdin.read_until(b'\n', &mut bytes)? == 0 {
        return Ok(Line::End);
    }
    let line = String::from_utf8_lossy(&bytes).trim().to_owned();
    Ok(match line.is_empty() {
        true => Line::Nothing,
        false => Line::Text(line),
    })
}
