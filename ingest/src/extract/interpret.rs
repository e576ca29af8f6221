//! Walks a page's content stream and hands over the glyphs that it shows.
//!
//! Of the operators of ISO 32000-1 (Annex A) only those matter here that place text: the graphics
//! state's matrix and clip, the text state, text showing, forms, and marked content for what is
//! hidden, what stands for something else (`/ActualText`) and what belongs to the page rather than
//! to the paper (`/Artifact`). Colours, paths and images are counted, never decoded.
//!
//! Content streams are programs out of the wild: operators, nesting and saved states are bounded,
//! and what has been collected before a bound is reached stays.

use std::collections::HashMap;
use std::rc::Rc;

use hayro_syntax::Pdf;
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction as Op;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, Stream};
use hayro_syntax::page::{Page as PdfPage, Resources};
use kurbo::{Affine, Point, Rect};

use super::face::{Face, Faces};
use super::glyphs::{Drawn, Glyphs};
use super::info::text_string;
use super::layers::Layers;

/// Operators carried out for one document.
const MAX_OPERATORS: u64 = 20_000_000;
/// Forms within forms.
const MAX_DEPTH: usize = 12;
/// Saved graphics states in one stream.
const MAX_STATES: usize = 4_096;
/// Marked content within marked content.
const MAX_MARKED: usize = 1_024;

/// The graphics state, as far as text depends on it.
#[derive(Clone)]
struct State<'a> {
    ctm: Affine,
    /// What may be drawn on, in points from the page's top left.
    clip: Rect,
    char_space: f64,
    word_space: f64,
    /// Horizontal scaling as a factor.
    stretch: f64,
    leading: f64,
    face: Option<Rc<Face<'a>>>,
    size: f64,
    rise: f64,
    is_invisible: bool,
}

/// A path under construction, as far as it can be a clip.
#[derive(Clone, Copy, PartialEq)]
enum Path {
    Empty,
    Rectangle(Rect),
    Other,
}

/// An open marked-content sequence.
struct Marked {
    is_hidden: bool,
    is_artifact: bool,
    /// What its glyphs stand for, and the number of glyphs before it.
    actual_text: Option<(String, usize)>,
}

/// Why a page's content is not read to its end.
struct Spent;

/// Reads the pages of one document; fonts are kept from page to page.
pub(super) struct Interpreter<'a> {
    faces: Faces<'a>,
    layers: Layers,
    operators: u64,
}

impl<'a> Interpreter<'a> {
    /// For the pages of `pdf`.
    pub(super) fn new(pdf: &'a Pdf) -> Self {
        Interpreter {
            faces: Faces::new(pdf),
            layers: Layers::read(pdf),
            operators: MAX_OPERATORS,
        }
    }

    /// The fonts met so far; [`super::glyphs::Glyph::font`] counts them.
    pub(super) fn fonts(&self) -> &[crate::Font] {
        self.faces.fonts()
    }

    /// Collects the glyphs of `page`; `transform` leads from its user space to points from the
    /// displayed page's top left.
    pub(super) fn read(&mut self, page: &PdfPage<'a>, transform: Affine, glyphs: &mut Glyphs) {
        let bounds = glyphs.bounds();
        let state = State {
            ctm: transform,
            clip: Rect::new(
                -1.0,
                -1.0,
                f64::from(bounds.0) + 1.0,
                f64::from(bounds.1) + 1.0,
            ),
            char_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            face: None,
            size: 1.0,
            rise: 0.0,
            is_invisible: false,
        };
        let walked = self.walk(page.typed_operations(), page.resources(), state, 0, glyphs);
        glyphs.is_cut |= walked.is_err();
    }

    fn walk(
        &mut self,
        mut operators: TypedIter<'_>,
        resources: &Resources<'a>,
        mut state: State<'a>,
        depth: usize,
        page: &mut Glyphs,
    ) -> Result<(), Spent> {
        let mut saved: Vec<State<'a>> = Vec::new();
        let mut unsaved = 0u64;
        let mut marked: Vec<Marked> = Vec::new();
        let mut unmarked = 0u64;
        let mut fonts: HashMap<Vec<u8>, Option<Rc<Face<'a>>>> = HashMap::new();
        let (mut matrix, mut line) = (Affine::IDENTITY, Affine::IDENTITY);
        let (mut path, mut clips) = (Path::Empty, false);

        while let Some(operator) = operators.next() {
            self.operators = self.operators.checked_sub(1).ok_or(Spent)?;
            match operator {
                Op::SaveState(_) if saved.len() < MAX_STATES => saved.push(state.clone()),
                Op::SaveState(_) => unsaved += 1,
                Op::RestoreState(_) if unsaved > 0 => unsaved -= 1,
                Op::RestoreState(_) => {
                    if let Some(last) = saved.pop() {
                        state = last;
                    }
                }
                Op::Transform(m) => {
                    let m = [m.0, m.1, m.2, m.3, m.4, m.5].map(|n| n.as_f64());
                    state.ctm *= Affine::new(m);
                }
                Op::SetGraphicsState(name) => {
                    let font = resources
                        .get_ext_g_state(name.0)
                        .and_then(|dict| dict.get::<Array<'a>>("Font"));
                    if let Some(font) = font {
                        let mut parts = font.flex_iter();
                        state.face = parts
                            .next::<Dict<'a>>()
                            .and_then(|dict| self.faces.face(&dict));
                        state.size = parts.next::<Number>().map_or(1.0, |size| size.as_f64());
                    }
                }

                // Paths: only whether they are there, and rectangles that clip.
                Op::RectPath(r) => {
                    let [x, y, w, h] = [r.0, r.1, r.2, r.3].map(|n| n.as_f64());
                    path =
                        match path {
                            Path::Empty => Path::Rectangle(
                                state.ctm.transform_rect_bbox(Rect::new(x, y, x + w, y + h)),
                            ),
                            _ => Path::Other,
                        };
                }
                Op::MoveTo(_)
                | Op::LineTo(_)
                | Op::CubicTo(_)
                | Op::CubicStartTo(_)
                | Op::CubicEndTo(_) => path = Path::Other,
                Op::ClipNonZero(_) | Op::ClipEvenOdd(_) => clips = true,
                Op::StrokePath(_)
                | Op::CloseAndStrokePath(_)
                | Op::FillPathNonZero(_)
                | Op::FillPathNonZeroCompatibility(_)
                | Op::FillPathEvenOdd(_)
                | Op::FillAndStrokeNonZero(_)
                | Op::FillAndStrokeEvenOdd(_)
                | Op::CloseFillAndStrokeNonZero(_)
                | Op::CloseFillAndStrokeEvenOdd(_)
                | Op::EndPath(_) => {
                    let is_drawn = !matches!(operator, Op::EndPath(_));
                    page.ink.paths += u32::from(is_drawn && path != Path::Empty);
                    if let (true, Path::Rectangle(rect)) = (clips, path) {
                        state.clip = state.clip.intersect(rect);
                    }
                    (path, clips) = (Path::Empty, false);
                }
                Op::Shading(_) => page.ink.paths += 1,
                Op::InlineImage(_) => page.ink.images += 1,
                Op::XObject(name) => {
                    if !marked.last().is_some_and(|marked| marked.is_hidden)
                        && let Some(stream) = resources.get_x_object(name.0)
                    {
                        self.object(&stream, resources, &state, depth, page)?;
                    }
                }

                // Text state and position.
                Op::CharacterSpacing(n) => state.char_space = n.0.as_f64(),
                Op::WordSpacing(n) => state.word_space = n.0.as_f64(),
                Op::HorizontalScaling(n) => state.stretch = n.0.as_f64() / 100.0,
                Op::TextLeading(n) => state.leading = n.0.as_f64(),
                Op::TextRise(n) => state.rise = n.0.as_f64(),
                Op::TextRenderingMode(n) => state.is_invisible = matches!(n.0.as_i64(), 3 | 7),
                Op::TextFont(font) => {
                    state.size = font.1.as_f64();
                    state.face = match fonts.get(font.0.as_ref()) {
                        Some(face) => face.clone(),
                        None => {
                            let face = resources
                                .get_font(font.0)
                                .and_then(|dict| self.faces.face(&dict));
                            fonts.insert(font.0.as_ref().to_vec(), face.clone());
                            face
                        }
                    };
                }
                Op::BeginText(_) => (matrix, line) = (Affine::IDENTITY, Affine::IDENTITY),
                Op::SetTextMatrix(m) => {
                    line = Affine::new([m.0, m.1, m.2, m.3, m.4, m.5].map(|n| n.as_f64()));
                    matrix = line;
                }
                Op::NextLine(n) => {
                    line *= Affine::translate((n.0.as_f64(), n.1.as_f64()));
                    matrix = line;
                }
                Op::NextLineAndSetLeading(n) => {
                    state.leading = -n.1.as_f64();
                    line *= Affine::translate((n.0.as_f64(), n.1.as_f64()));
                    matrix = line;
                }
                Op::NextLineUsingLeading(_) => {
                    line *= Affine::translate((0.0, -state.leading));
                    matrix = line;
                }

                // Text.
                Op::ShowText(text) => {
                    self.show(text.0.as_bytes(), &mut state, &mut matrix, &marked, page);
                }
                Op::NextLineAndShowText(text) => {
                    line *= Affine::translate((0.0, -state.leading));
                    matrix = line;
                    self.show(text.0.as_bytes(), &mut state, &mut matrix, &marked, page);
                }
                Op::ShowTextWithParameters(text) => {
                    state.word_space = text.0.as_f64();
                    state.char_space = text.1.as_f64();
                    line *= Affine::translate((0.0, -state.leading));
                    matrix = line;
                    self.show(text.2.as_bytes(), &mut state, &mut matrix, &marked, page);
                }
                Op::ShowTexts(texts) => {
                    for item in texts.0.iter::<Object<'_>>() {
                        self.operators = self.operators.checked_sub(1).ok_or(Spent)?;
                        match item {
                            Object::String(text) => {
                                let text = text.as_bytes();
                                self.show(text, &mut state, &mut matrix, &marked, page);
                            }
                            Object::Number(n) => adjust(&mut matrix, &state, n.as_f64()),
                            _ => {}
                        }
                    }
                }

                // Marked content.
                Op::BeginMarkedContent(_) | Op::BeginMarkedContentWithProperties(_)
                    if marked.len() >= MAX_MARKED =>
                {
                    unmarked += 1;
                }
                Op::BeginMarkedContent(tag) => {
                    marked.push(Marked {
                        actual_text: None,
                        is_artifact: tag.0.as_ref() == b"Artifact"
                            && marked.last().is_some_and(|outer| outer.is_artifact),
                        is_hidden: marked.last().is_some_and(|outer| outer.is_hidden),
                    });
                }
                Op::BeginMarkedContentWithProperties(begin) => {
                    let new =
                        self.begin_marked(begin.0, begin.1, resources, marked.last(), page.len());
                    marked.push(new);
                }
                Op::EndMarkedContent(_) if unmarked > 0 => unmarked -= 1,
                Op::EndMarkedContent(_) => {
                    if let Some((text, first)) = marked.pop().and_then(|last| last.actual_text) {
                        page.replace(first, &text);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn begin_marked(
        &self,
        tag: &Name<'_>,
        properties: &Object<'_>,
        resources: &Resources<'a>,
        outer: Option<&Marked>,
        glyphs: usize,
    ) -> Marked {
        let name = properties.clone().into_name();
        let id = name
            .as_ref()
            .and_then(|name| resources.properties.get_ref(name.as_ref()));
        let named = name.and_then(|name| resources.properties.get::<Dict<'_>>(name));
        let dict = named.or_else(|| properties.clone().into_dict());
        let mut marked = Marked {
            is_hidden: outer.is_some_and(|outer| outer.is_hidden),
            is_artifact: outer.is_some_and(|outer| outer.is_artifact),
            actual_text: None,
        };
        match tag.as_ref() {
            b"OC" => {
                marked.is_hidden |= dict
                    .as_ref()
                    .is_some_and(|dict| self.layers.hides(id.map(Into::into), dict));
            }
            b"Artifact" => {
                marked.is_artifact |= dict
                    .as_ref()
                    .and_then(|dict| dict.get::<Name<'_>>("Type"))
                    .is_some_and(|kind| kind.as_ref() == b"Pagination");
            }
            _ => {}
        }
        marked.actual_text = dict
            .and_then(|dict| dict.get::<hayro_syntax::object::String<'_>>("ActualText"))
            .and_then(|text| text_string(text.as_bytes()))
            .map(|text| (text, glyphs));
        marked
    }

    /// Draws a form; counts an image.
    fn object(
        &mut self,
        stream: &Stream<'a>,
        resources: &Resources<'a>,
        state: &State<'a>,
        depth: usize,
        page: &mut Glyphs,
    ) -> Result<(), Spent> {
        let dict = stream.dict();
        let is_hidden = dict.get::<Dict<'_>>("OC").is_some_and(|layer| {
            self.layers
                .hides(dict.get_ref("OC").map(Into::into), &layer)
        });
        if is_hidden {
            return Ok(());
        }
        let subtype = dict.get::<Name<'_>>("Subtype");
        match subtype.as_ref().map(|name| name.as_ref()) {
            Some(b"Image") => page.ink.images += 1,
            Some(b"Form") if depth < MAX_DEPTH => {
                let Ok(content) = stream.decoded_data() else {
                    return Ok(());
                };
                let mut inner = state.clone();
                if let Some(matrix) = dict.get::<[f64; 6]>("Matrix") {
                    inner.ctm *= Affine::new(matrix);
                }
                if let Some([x0, y0, x1, y1]) = dict.get::<[f64; 4]>("BBox") {
                    let bounds = inner.ctm.transform_rect_bbox(Rect::new(x0, y0, x1, y1));
                    inner.clip = inner.clip.intersect(bounds);
                }
                let own = dict.get::<Dict<'a>>("Resources").map(Resources::new);
                let operators = TypedIter::new(content.as_ref());
                self.walk(
                    operators,
                    own.as_ref().unwrap_or(resources),
                    inner,
                    depth + 1,
                    page,
                )?;
            }
            Some(b"Form") => page.is_cut = true,
            _ => {}
        }
        Ok(())
    }

    /// Shows a string and moves the text matrix behind it.
    fn show(
        &mut self,
        text: &[u8],
        state: &mut State<'a>,
        matrix: &mut Affine,
        marked: &[Marked],
        page: &mut Glyphs,
    ) {
        let face = match &state.face {
            Some(face) => face.clone(),
            // Readers show text without a font in Helvetica where it is plain.
            None => match self.faces.fallback() {
                Some(face) => {
                    state.face = Some(face.clone());
                    face
                }
                None => return,
            },
        };
        let (is_hidden, is_artifact) = marked
            .last()
            .map_or((false, false), |last| (last.is_hidden, last.is_artifact));
        let mut at = 0;
        while at < text.len() {
            let (code, length) = face.read_code(text, at);
            at += length.max(1);
            let shown = face.shown(code);
            if !is_hidden {
                let em = Affine::new([
                    state.size * state.stretch,
                    0.0,
                    0.0,
                    state.size,
                    0.0,
                    state.rise,
                ]);
                page.push(&Drawn {
                    transform: state.ctm * *matrix * em,
                    shown: &shown,
                    face: &face,
                    clip: state.clip,
                    is_invisible: state.is_invisible,
                    is_artifact,
                });
            }
            let space = if code == 32 && length == 1 {
                state.char_space + state.word_space
            } else {
                state.char_space
            };
            let step = if face.is_vertical {
                Point::new(0.0, shown.advance.y * state.size + space)
            } else {
                Point::new((shown.advance.x * state.size + space) * state.stretch, 0.0)
            };
            *matrix *= Affine::translate(step.to_vec2());
        }
    }
}

/// Moves by a number of a `TJ` array, in thousandths of an em backwards.
fn adjust(matrix: &mut Affine, state: &State<'_>, thousandths: f64) {
    let distance = -thousandths / 1000.0 * state.size;
    let is_vertical = state.face.as_ref().is_some_and(|face| face.is_vertical);
    *matrix *= Affine::translate(if is_vertical {
        (0.0, distance)
    } else {
        (distance * state.stretch, 0.0)
    });
}
