//! Progress on stderr: a bar with rate and time left in a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

/// Progress of one thing.
pub struct Bar {
    name: String,
    total: u64,
    bar: Option<ProgressBar>,
    /// Last tenth that was printed where there is no terminal.
    tenth: Mutex<u64>,
}

impl Bar {
    /// Counts bytes.
    pub fn bytes(name: &str, total: u64) -> Self {
        Self::new(
            name,
            total,
            "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        )
    }

    /// Counts things, such as files.
    pub fn items(name: &str, total: u64) -> Self {
        Self::new(name, total, "{wide_bar} {pos}/{len} {per_sec} {eta} {msg}")
    }

    /// Counts steps that are told of with a text of their own.
    pub fn steps(name: &str, total: u64) -> Self {
        Self::new(name, total, "{wide_bar} {pos}/{len} {msg}")
    }

    fn new(name: &str, total: u64, template: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(name.to_owned());
            bar
        });
        Self {
            name: name.to_owned(),
            total,
            bar,
            tenth: Mutex::new(0),
        }
    }

    /// Moves to `position`.
    pub fn set(&self, position: u64) {
        self.set_to(position, None);
    }

    /// Moves to `position`, and says how it is going.
    pub fn set_with(&self, position: u64, text: &str) {
        self.set_to(position, Some(text));
    }

    fn set_to(&self, position: u64, text: Option<&str>) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            if let Some(text) = text {
                bar.set_message(text.to_owned());
            }
            return;
        }
        let tenth = (position * 10).checked_div(self.total).unwrap_or(0);
        let mut last = self
            .tenth
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if tenth > *last {
            *last = tenth;
            let text = text.map_or_else(String::new, |text| format!(", {text}"));
            eprintln!("{}: {} %{text}", self.name, (tenth * 10).min(100));
        }
    }

    /// Says what is being done; shown in a terminal only.
    pub fn message(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// Prints a line above the bar.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A sign of life for work of unknown length; shown in a terminal only.
pub struct Spinner {
    bar: Option<ProgressBar>,
    text: Mutex<String>,
}

impl Spinner {
    /// Starts turning.
    pub fn start(message: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar.set_message(message.to_owned());
            bar
        });
        Self {
            bar,
            text: Mutex::default(),
        }
    }

    /// Says what is being done.
    pub fn message(&self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
        }
    }

    /// Shows the end of a text that grows.
    pub fn append(&self, piece: &str, spaced: bool) {
        let Some(bar) = &self.bar else { return };
        let mut text = self
            .text
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if spaced {
            text.push(' ');
        }
        text.push_str(piece);
        let tail: Vec<char> = text.chars().rev().take(70).collect();
        bar.set_message(tail.into_iter().rev().collect::<String>());
    }

    /// Goes away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
