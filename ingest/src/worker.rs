//! Reads a PDF in a process of its own, so that no file can hang, crash or starve the service.
//!
//! The child ([`run`], behind a hidden command of the binary) limits its own memory and processor
//! time, gives up files and network ([`Confinement`]), takes one file on stdin and writes one JSON
//! message per line to stdout ([`protocol`]): the text of all pages, or the picture of one.
//! The parent ([`Reader`]) keeps a deadline, bounds what it accepts, and keeps the pages that
//! arrived when the child is killed or dies. A document missing its last pages, with a warning, is
//! worth more than an error.

mod child;
mod confinement;
mod parent;
mod process;
mod protocol;
mod reading;

pub use child::run;
pub use confinement::{Attempt, Confinement, Probe};
pub use parent::{Progress, Reader};

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space of the child in bytes.
    pub memory: u64,
    /// Processor time of the child in seconds; the last resort if the parent is gone.
    pub cpu_seconds: u64,
    /// Time in milliseconds for any file.
    pub base_ms: u64,
    /// Time in milliseconds added for each page.
    pub page_ms: u64,
    /// Time in milliseconds for the picture of a page.
    pub render_ms: u64,
    /// Longest message in bytes that the parent takes.
    pub max_line: u64,
    /// Most bytes in all that the parent takes.
    pub max_output: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: 1536 << 20,
            cpu_seconds: 600,
            base_ms: 30_000,
            page_ms: 200,
            render_ms: 5_000,
            max_line: 32 << 20,
            max_output: 512 << 20,
        }
    }
}

impl Limits {
    /// How long a file of `pages` pages may take in all.
    fn deadline(&self, pages: u32) -> Duration {
        // The page count is the child's word; a day is past any honest one.
        let ms = self
            .base_ms
            .saturating_add(self.page_ms.saturating_mul(u64::from(pages)));
        Duration::from_millis(ms.min(24 * 3600 * 1000))
    }
}
