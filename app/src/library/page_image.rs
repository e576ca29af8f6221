//! Pictures of pages: rendered in a limited process, kept in a cache folder, and marked where a
//! citation points.
//!
//! The cache is derived: it may be deleted at any time, and what belongs to a document goes with
//! it. It is pruned, oldest first, when it grows past [`MAX_CACHE`].

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use ingest::{Format, Rect};

use super::{Library, blocking};
use crate::error::{Fault, Problem};

/// Width that a picture has unless one is asked for, in pixels.
pub const DEFAULT_WIDTH: u32 = 1200;
/// Smallest and largest width, in pixels.
const WIDTHS: std::ops::RangeInclusive<u32> = 50..=4000;
/// Size of the cache at which the oldest pictures go, in bytes.
const MAX_CACHE: u64 = 512 << 20;
/// What a mark multiplies the page with: highlighter yellow.
const MARK: [u16; 3] = [255, 236, 90];

impl Library {
    /// One page as a PNG `width` pixels wide, with `marks` (in points) highlighted.
    ///
    /// # Errors
    /// A problem `width_invalid`, `no_page_image` or `page_not_found`, or why the page cannot be
    /// rendered.
    pub async fn page_image(
        &self,
        id: &str,
        number: u32,
        width: u32,
        marks: Vec<Rect>,
    ) -> Result<Vec<u8>> {
        if !WIDTHS.contains(&width) {
            return Err(Problem::new(
                Fault::Usage,
                "width_invalid",
                format!("{width} is no width for a picture of a page"),
                format!("give {} to {} pixels", WIDTHS.start(), WIDTHS.end()),
            )
            .into());
        }
        let record = self.document(id).await?;
        if record.format != Format::Pdf {
            return Err(Problem::new(
                Fault::NotFound,
                "no_page_image",
                format!("{} has no printed pages", record.file),
                "only PDFs have pictures of their pages; the page's text is at the same address without .png",
            )
            .into());
        }
        let Some(page) = self.catalog.page(&record.id, number).await? else {
            return Err(Problem::new(
                Fault::NotFound,
                "page_not_found",
                format!("{} has no page {number}", record.file),
                format!("it has {} pages", record.pages),
            )
            .into());
        };
        let file = self
            .page_folder(&record.sha256)
            .join(format!("{number}-{width}.png"));
        let png = match tokio::fs::read(&file).await {
            Ok(png) => png,
            Err(_) => self.render(&record.sha256, number, width, file).await?,
        };
        if marks.is_empty() {
            return Ok(png);
        }
        let scale = f64::from(width) / f64::from(page.width.max(1.0));
        blocking(move || highlight(&png, &marks, scale)).await
    }

    async fn render(
        &self,
        sha256: &str,
        number: u32,
        width: u32,
        file: PathBuf,
    ) -> Result<Vec<u8>> {
        // Each takes a process and tens of megabytes; a page that shows many asks for many at once.
        let _turn = self.rendering.acquire().await?;
        if let Ok(png) = tokio::fs::read(&file).await {
            return Ok(png);
        }
        let bytes = self.blobs.get(sha256).await?;
        let reader = self.reader.reader.clone();
        let cache = self.settings.data_dir.join(CACHE);
        blocking(move || {
            let picture = reader.render(
                &bytes,
                // Passwords are not kept, so encrypted files have no pictures.
                None,
                number,
                ingest::picture::Size::Width(width),
                &|| false,
            )?;
            // A cache that cannot be written costs time only.
            if let Err(error) = keep(&cache, &file, &picture.bytes) {
                tracing::warn!("a picture of a page cannot be kept: {error:#}");
            }
            Ok(picture.bytes)
        })
        .await
    }

    /// Deletes the pictures of a file's pages.
    pub(super) async fn forget_page_images(&self, sha256: &str) -> Result<()> {
        match tokio::fs::remove_dir_all(self.page_folder(sha256)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("deleting the pictures of its pages")
            }
            _ => Ok(()),
        }
    }

    fn page_folder(&self, sha256: &str) -> PathBuf {
        self.settings.data_dir.join(CACHE).join(sha256)
    }
}

/// Folder of the cache in the data folder.
const CACHE: &str = "cache/pages";

/// Writes a picture whole or not at all, and prunes the cache now and then.
fn keep(cache: &Path, file: &Path, png: &[u8]) -> Result<()> {
    let folder = file.parent().context("a file in a folder")?;
    std::fs::create_dir_all(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut temporary, png)?;
    temporary.persist(file)?;
    prune(cache, MAX_CACHE)
}

/// Deletes the oldest files until the cache is below nine tenths of `limit`.
fn prune(cache: &Path, limit: u64) -> Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for folder in std::fs::read_dir(cache)?.flatten() {
        let Ok(entries) = std::fs::read_dir(folder.path()) else {
            continue;
        };
        for entry in entries.flatten() {
            if let Ok(metadata) = entry.metadata() {
                let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((changed, metadata.len(), entry.path()));
            }
        }
    }
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    if total <= limit {
        return Ok(());
    }
    files.sort();
    for (_, size, path) in files {
        if total <= limit / 10 * 9 {
            break;
        }
        std::fs::remove_file(path)?;
        total -= size;
    }
    Ok(())
}

/// Multiplies the marked places with highlighter yellow, as ink shows through a marker.
fn highlight(png: &[u8], marks: &[Rect], scale: f64) -> Result<Vec<u8>> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().context("reading the page's picture")?;
    let size = reader
        .output_buffer_size()
        .context("the page's picture is too large")?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels)?;
    let channels = frame.color_type.samples();
    let (width, height) = (frame.width as usize, frame.height as usize);
    let coloured = channels.min(3);
    let mut covered = vec![false; width * height];
    for mark in marks {
        // A little air around the letters.
        let pad = 1.0;
        let place = |points: f32, add: f64, limit: usize| {
            ((f64::from(points) + add) * scale).clamp(0.0, limit as f64) as usize
        };
        let (x0, x1) = (place(mark.x0, -pad, width), place(mark.x1, pad, width));
        let (y0, y1) = (place(mark.y0, -pad, height), place(mark.y1, pad, height));
        for y in y0..y1 {
            covered[y * width + x0..y * width + x1.max(x0)].fill(true);
        }
    }
    if channels >= 3 {
        for (pixel, _) in pixels
            .chunks_exact_mut(channels)
            .zip(&covered)
            .filter(|(_, covered)| **covered)
        {
            for (value, mark) in pixel[..coloured].iter_mut().zip(MARK) {
                *value = (u16::from(*value) * mark / 255) as u8;
            }
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, frame.width, frame.height);
    encoder.set_color(frame.color_type);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_colour_their_place_only() {
        let mut white = Vec::new();
        let mut encoder = png::Encoder::new(&mut white, 20, 10);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder
            .write_header()
            .unwrap()
            .write_image_data(&[255; 600])
            .unwrap();
        let mark = Rect {
            x0: 3.0,
            y0: 2.0,
            x1: 4.0,
            y1: 3.0,
        };
        let marked = highlight(&white, &[mark], 2.0).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&marked))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; 600];
        reader.next_frame(&mut pixels).unwrap();
        let at = |x: usize, y: usize| &pixels[(y * 20 + x) * 3..(y * 20 + x) * 3 + 3];
        assert_eq!(at(0, 0), [255, 255, 255]);
        assert_eq!(at(7, 5), [255, 236, 90]);
        assert_eq!(at(12, 5), [255, 255, 255]);
        let outside = Rect {
            x0: 900.0,
            y0: -50.0,
            x1: 950.0,
            y1: 900.0,
        };
        assert!(highlight(&white, &[outside], 2.0).is_ok());
    }

    #[test]
    fn the_oldest_pictures_go_first() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("a");
        std::fs::create_dir(&folder).unwrap();
        for (name, age) in [("old.png", 100), ("new.png", 1)] {
            let file = std::fs::File::create(folder.join(name)).unwrap();
            file.set_len(60).unwrap();
            let time = SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(time).unwrap();
        }
        prune(cache.path(), 100).unwrap();
        assert!(!folder.join("old.png").exists() && folder.join("new.png").exists());
        prune(cache.path(), 100).unwrap();
        assert!(folder.join("new.png").exists());
    }
}
