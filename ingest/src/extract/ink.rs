//! Counts what is drawn on a page while another device collects its glyphs.

use hayro_interpret::font::GlyphRun;
use hayro_interpret::kurbo::{BezPath, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};

use super::Ink;
use super::glyphs::Glyphs;

/// Passes everything on and counts it.
pub(super) struct Counting<'g> {
    glyphs: &'g mut Glyphs,
    page: Rect,
    ink: Ink,
}

impl<'g> Counting<'g> {
    pub(super) fn new(glyphs: &'g mut Glyphs, width: f32, height: f32) -> Self {
        Counting {
            glyphs,
            page: Rect::new(0.0, 0.0, f64::from(width), f64::from(height)),
            ink: Ink::default(),
        }
    }

    /// The counts so far.
    pub(super) fn ink(&self) -> Ink {
        let bound = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let known = self.glyphs.glyphs.iter();
        let unmapped = bound(self.glyphs.unmapped);
        Ink {
            glyphs: bound(known.filter(|glyph| !glyph.is_space).count()).saturating_add(unmapped),
            unmapped,
            image_cover: self.ink.image_cover.min(1.0),
            ..self.ink
        }
    }
}

impl<'a> Device<'a> for Counting<'_> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        self.glyphs.draw_glyph_run(run, props, mode);
    }

    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        self.ink.paths = self.ink.paths.saturating_add(1);
        self.glyphs.draw_path(path, props, mode);
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, mode: &DrawMode) {
        self.ink.paths = self.ink.paths.saturating_add(1);
        self.glyphs.draw_rect(rect, props, mode);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.ink.images = self.ink.images.saturating_add(1);
        // The transform takes pixels to the page.
        let pixels = Rect::new(
            0.0,
            0.0,
            f64::from(image.width()),
            f64::from(image.height()),
        );
        let shown = props
            .transform
            .transform_rect_bbox(pixels)
            .intersect(self.page);
        let share = (shown.area() / self.page.area()) as f32;
        if share.is_finite() && share > 0.0 {
            self.ink.image_cover += share;
        }
    }

    fn push_clip_path(&mut self, path: &ClipPath) {
        self.glyphs.push_clip_path(path);
    }

    fn push_clip_rect(&mut self, rect: &Rect) {
        self.glyphs.push_clip_rect(rect);
    }

    fn push_transparency_group(
        &mut self,
        opacity: f32,
        mask: Option<SoftMask<'a>>,
        mode: BlendMode,
    ) {
        self.glyphs.push_transparency_group(opacity, mask, mode);
    }

    fn pop_clip(&mut self) {
        self.glyphs.pop_clip();
    }

    fn pop_transparency_group(&mut self) {
        self.glyphs.pop_transparency_group();
    }
}
