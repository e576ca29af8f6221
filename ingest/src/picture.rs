//! A page as a picture, for looking at a cited place and for recognising the text of scans.
//!
//! The rasteriser is `hayro`, which brings the fourteen standard fonts for papers that do not embed
//! them. Rendering decodes images and runs functions out of the file, so it belongs into a worker:
//! [`crate::worker::Reader::render`] calls [`page`] in a process of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use serde::{Deserialize, Serialize};

use crate::{Error, extract};

/// Most pixels of a picture; a page that would need more is drawn smaller.
pub const MAX_PIXELS: u64 = 40_000_000;

/// Longest side of a picture in pixels.
pub const MAX_SIDE: u32 = 16_000;

/// Widths that can be asked for, in pixels.
pub const WIDTHS: std::ops::RangeInclusive<u32> = 16..=4000;

/// How big the picture is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Width in pixels, brought into [`WIDTHS`]; the height follows from the page.
    Width(u32),
    /// Dots per inch, from 10 to 1200.
    Dpi(u32),
}

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Png {
    /// The PNG file.
    pub bytes: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Size {
    /// Pixels per point for a page of `width` by `height` points, such that the picture keeps
    /// within [`MAX_PIXELS`] and [`MAX_SIDE`].
    fn scale(self, width: f32, height: f32) -> f32 {
        let wanted = match self {
            Size::Width(pixels) => pixels.clamp(*WIDTHS.start(), *WIDTHS.end()) as f32 / width,
            Size::Dpi(dpi) => dpi.clamp(10, 1200) as f32 / 72.0,
        };
        wanted
            .min((MAX_PIXELS as f32 / (width * height)).sqrt())
            .min(MAX_SIDE as f32 / width.max(height))
    }
}

/// Draws page `number`, from 1, on white.
///
/// In this process: for trusted files and tests.
pub fn page(bytes: Vec<u8>, password: Option<&str>, number: u32, size: Size) -> Result<Png, Error> {
    let pdf = extract::open(bytes, password)?;
    let pages = pdf.pages();
    let page = (number as usize)
        .checked_sub(1)
        .and_then(|index| pages.get(index))
        .ok_or(Error::NoSuchPage {
            page: number,
            pages: u32::try_from(pages.len()).unwrap_or(u32::MAX),
        })?;
    let fail = |reason: &str| Error::NotRendered {
        page: number,
        reason: reason.to_owned(),
    };
    let (width, height) = page.render_dimensions();
    if !(width.is_finite() && height.is_finite() && width > 0.0 && height > 0.0) {
        return Err(fail("its size is no size"));
    }
    let scale = size.scale(width, height);
    // The renderer rounds down; a hair more keeps the width that was asked for.
    let along = |points: f32| ((points * scale).round().max(1.0) + 0.01) / points;
    let pixmap = catch_unwind(AssertUnwindSafe(|| {
        hayro::render(
            page,
            &RenderCache::new(),
            &InterpreterSettings::default(),
            &RenderSettings::default(),
            &PixmapSettings {
                x_scale: along(width),
                y_scale: along(height),
                bg_color: WHITE,
            },
        )
    }))
    .map_err(|_| fail("drawing it failed"))?;
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    let bytes = pixmap
        .into_png()
        .map_err(|error| fail(&error.to_string()))?;
    Ok(Png {
        bytes,
        width,
        height,
    })
}

/// The width and height that a PNG's header states; none where it is no PNG
/// (<https://www.w3.org/TR/png-3/#11IHDR>).
pub(crate) fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")?;
    let number = |at: usize| {
        let field = header.get(at..at + 4)?;
        Some(u32::from_be_bytes(field.try_into().ok()?))
    };
    Some((number(0)?, number(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_within_bounds() {
        let pixels = |size: Size, width: f32, height: f32| {
            let scale = size.scale(width, height);
            ((width * scale).round(), (height * scale).round())
        };
        assert_eq!(pixels(Size::Width(1000), 612.0, 792.0), (1000.0, 1294.0));
        assert_eq!(pixels(Size::Dpi(300), 612.0, 792.0), (2550.0, 3300.0));
        assert_eq!(pixels(Size::Width(9), 612.0, 612.0), (16.0, 16.0));
        let (width, height) = pixels(Size::Dpi(300), 20_000.0, 20_000.0);
        assert!(width * height <= 1.01 * MAX_PIXELS as f32);
        let (_, height) = pixels(Size::Width(4000), 10.0, 20_000.0);
        assert!(height <= MAX_SIDE as f32);
        let (width, height) = pixels(Size::Width(4000), 1e-3, 1e9);
        assert!(
            width * height <= 1.01 * MAX_PIXELS as f32,
            "{width} {height}"
        );
    }
}
