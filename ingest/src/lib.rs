//! Turns the bytes of a paper into text by page, with geometry, and into chunks.
//!
//! This file is the contract: the types that the rest of Lectern reads and the one error type.
//! The work is in the modules:
//! [`extract`] reads a PDF's glyphs and lays them out as lines, [`formats`] reads what is no PDF,
//! [`worker`] does so in a process of its own so that no file can hang or crash the service,
//! [`picture`] draws pages and [`ocr`] recognises the text of those that are only pictures,
//! [`metadata`] and [`references`] say what is known of the paper and what it cites, [`render`]
//! writes it out as text or Markdown, [`sentence`] splits text into sentences,
//! and [`chunk`] cuts a document into passages for retrieval.
//!
//! All spans are byte ranges. A page's lines point into [`Page::text`]; a chunk's span points
//! into [`Document::text`], which is the pages' texts joined by [`PAGE_SEPARATOR`].

pub mod bibliography;
pub mod chunk;
pub mod extract;
pub mod formats;
pub mod locate;
pub mod metadata;
pub mod ocr;
pub mod picture;
pub mod references;
pub mod render;
pub mod sentence;
pub mod similarity;
pub mod worker;

mod assemble;
mod error;
mod garbage;
mod hyphen;
mod layout;
pub mod section;

pub use error::Error;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What stands between two pages in [`Document::text`].
pub const PAGE_SEPARATOR: &str = "\n";

/// What stands between the headings of a section path.
pub const SECTION_SEPARATOR: &str = " > ";

/// A rectangle in PDF points (1/72 inch), the origin at the top left of the page as it is
/// displayed (after /Rotate and the crop box), `y` growing downwards; `x0 <= x1`, `y0 <= y1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

/// A rectangle and the page that it is on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PageRect {
    /// Page number in the file, from 1.
    pub page: u32,
    /// Where on that page.
    #[serde(flatten)]
    pub rect: Rect,
}

/// A run of a line's bytes set in one font at one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// First byte in [`Page::text`].
    pub start: usize,
    /// One past the last byte in [`Page::text`].
    pub end: usize,
    /// Index into [`Page::fonts`].
    pub font: u16,
    /// Height of the em, in points.
    pub size: f32,
    /// How far the baseline stands above the line's (superscript), in points; negative for
    /// subscripts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rise: f32,
    /// Left edge in points; lines that run upwards or downwards measure along their direction.
    #[serde(default)]
    pub x0: f32,
    /// Right edge in points.
    #[serde(default)]
    pub x1: f32,
}

fn is_zero(value: &f32) -> bool {
    *value == 0.0
}

/// A font as far as it matters for layout.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Font {
    /// PostScript name without its subset prefix, such as `NimbusRomNo9L-Medi`; empty where the
    /// file gives none.
    pub name: String,
    /// Bold, by weight, flags or name.
    pub bold: bool,
    /// Italic or oblique, by angle, flags or name.
    pub italic: bool,
    /// All letters equally wide, as in listings.
    pub monospace: bool,
}

/// One printed line: where it stands and which bytes of [`Page::text`] it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Bounding box of the line's glyphs.
    pub rect: Rect,
    /// First byte in [`Page::text`].
    pub start: usize,
    /// One past the last byte in [`Page::text`].
    pub end: usize,
    /// Size of most of the line's glyphs, in points.
    pub font_size: f32,
    /// The line's runs of one font, in order; together they are its bytes, less spaces between
    /// them. A wide gap, as between a table's cells, parts runs too. Empty where the format has no
    /// fonts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// The paper's title.
    Title,
    /// Names and affiliations under it.
    Author,
    /// The abstract's text, without its heading.
    Abstract,
    /// A heading, of [`Block::level`].
    Heading,
    /// Running text.
    Paragraph,
    /// One item of a list, with its bullet or number.
    ListItem,
    /// The caption of a figure or table.
    Caption,
    /// Rows of a table, one line each, cells apart by a tab.
    Table,
    /// A displayed formula.
    Equation,
    /// Program text, its line breaks and indents kept.
    Code,
    /// A footnote.
    Footnote,
    /// One entry of the reference list.
    Reference,
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Depth of a heading, from 1 for the paper's main sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// First byte in [`Page::text`].
    pub start: usize,
    /// One past the last byte in [`Page::text`].
    pub end: usize,
    /// Index of its first line in [`Page::lines`].
    pub first_line: usize,
    /// One past the index of its last line.
    pub end_line: usize,
    /// Bounding box of its lines.
    pub rect: Rect,
    /// True where it goes on with the block before it: a paragraph over a page or column break.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
}

/// What stands in a page's margins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarginKind {
    /// A running head.
    Header,
    /// A running foot.
    Footer,
    /// A page number alone.
    PageNumber,
    /// Set sideways or apart in the margin, such as arXiv's stamp or line numbers.
    Aside,
}

/// A line of a margin. It is no part of [`Page::text`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarginLine {
    /// What it is.
    pub kind: MarginKind,
    /// Its text.
    pub text: String,
    /// Where it stands.
    pub rect: Rect,
}

/// Where a page's text comes from, or why it has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageText {
    /// The file's own text.
    #[default]
    Own,
    /// Read from the page's image by text recognition.
    Recognised,
    /// Nothing is printed on the page.
    Blank,
    /// There is something to see and no text: a scan.
    Missing,
    /// The file's text is not what the page shows: unmapped glyphs, words that are no words.
    Garbled,
    /// The page is malformed and could not be read.
    Unreadable,
}

impl PageText {
    /// True where text recognition could give what the file does not.
    pub fn needs_ocr(self) -> bool {
        matches!(self, PageText::Missing | PageText::Garbled)
    }
}

/// One page, in reading order.
///
/// Formats without pages (HTML, Markdown) are one page of width and height 0, whose lines have
/// empty rectangles; so are the parts between page breaks where a format has those.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Place in the file, from 1 (not the printed page label).
    pub number: u32,
    /// Width in points, as displayed.
    pub width: f32,
    /// Height in points, as displayed.
    pub height: f32,
    /// The page's text: lines separated by a newline, blocks by an empty line (but where one
    /// directly goes on with the other), words hyphenated across lines joined. Running heads, feet and page numbers are left out.
    pub text: String,
    /// The lines that the text was made from, in reading order; they do not overlap.
    pub lines: Vec<Line>,
    /// The fonts that spans name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fonts: Vec<Font>,
    /// The blocks, in reading order; each line is in exactly one.
    #[serde(default)]
    pub blocks: Vec<Block>,
    /// What was left out of the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub margins: Vec<MarginLine>,
    /// Where the text comes from.
    #[serde(default)]
    pub source: PageText,
}

impl Page {
    /// The bytes `start..end` of the text; empty where there are none.
    pub fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or("")
    }

    /// True where most of a line's bytes are set in bold.
    pub(crate) fn is_bold(&self, line: &Line) -> bool {
        let bold: usize = line
            .spans
            .iter()
            .filter(|span| {
                self.fonts
                    .get(usize::from(span.font))
                    .is_some_and(|font| font.bold)
            })
            .map(|span| span.end.saturating_sub(span.start))
            .sum();
        2 * bold > line.end.saturating_sub(line.start)
    }
}

/// How a fact about the paper became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The user said so.
    User,
    /// An entry of an imported BibTeX file.
    Bibtex,
    /// An item of an imported Zotero library.
    Zotero,
    /// The elements of a format that marks them (JATS, TEI, HTML, DOCX).
    Markup,
    /// The PDF's XMP packet.
    Xmp,
    /// The PDF's information dictionary.
    Info,
    /// Type size, place and shape of the lines of the first page.
    Layout,
    /// Wording, such as "arXiv:1706.03762" or "Proceedings of".
    Pattern,
}

/// A fact about the paper and how far to trust it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Field<T> {
    /// The fact.
    pub value: T,
    /// How it became known.
    pub source: Source,
    /// From 0 to 1: about the share of papers for which such a finding is right.
    pub confidence: f32,
}

impl<T> Field<T> {
    /// A fact of a source that is believed as far as `confidence` says.
    pub fn new(value: T, source: Source, confidence: f32) -> Self {
        Field {
            value,
            source,
            confidence,
        }
    }
}

/// What is known of the paper as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Metadata {
    /// Title.
    pub title: Option<Field<String>>,
    /// Authors in the paper's order, given names first.
    pub authors: Option<Field<Vec<String>>>,
    /// Year of publication.
    pub year: Option<Field<i32>>,
    /// Journal or conference.
    pub venue: Option<Field<String>>,
    /// DOI, in lower case, without a prefix: `10.21105/jose.00090`.
    pub doi: Option<Field<String>>,
    /// arXiv identifier without version: `1706.03762`, `cs/0112017`.
    pub arxiv_id: Option<Field<String>>,
    /// Abstract, as one paragraph or several apart by an empty line.
    #[serde(rename = "abstract")]
    pub abstract_text: Option<Field<String>>,
    /// Keywords as the paper lists them.
    pub keywords: Option<Field<Vec<String>>>,
}

impl Metadata {
    /// The title, if known.
    pub fn title(&self) -> Option<&str> {
        self.title.as_ref().map(|field| field.value.as_str())
    }

    /// The authors; none where unknown.
    pub fn authors(&self) -> &[String] {
        self.authors
            .as_ref()
            .map_or(&[], |field| field.value.as_slice())
    }

    /// The year, if known.
    pub fn year(&self) -> Option<i32> {
        self.year.as_ref().map(|field| field.value)
    }
}

/// One entry of the paper's reference list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    /// The entry as printed, in one line.
    pub text: String,
    /// The label or number that it is cited by, as printed: `12`, `Vas17`; empty where it has none.
    pub label: String,
    /// Authors as printed.
    pub authors: Vec<String>,
    /// Title of the cited work.
    pub title: Option<String>,
    /// Year of publication.
    pub year: Option<i32>,
    /// DOI, in lower case, without a prefix.
    pub doi: Option<String>,
    /// First byte in [`Document::text`].
    pub start: usize,
    /// One past the last byte in [`Document::text`].
    pub end: usize,
}

/// An entry of the file's own table of contents (bookmarks).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutlineEntry {
    /// Its title.
    pub title: String,
    /// Depth, from 1.
    pub level: u8,
    /// The page that it leads to, from 1, where known.
    pub page: Option<u32>,
}

/// The format of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Portable Document Format.
    #[default]
    Pdf,
    /// Plain text.
    Text,
    /// Markdown.
    Markdown,
    /// A web page.
    Html,
    /// Office Open XML text.
    Docx,
    /// JATS XML, as PubMed Central and publishers give it.
    Jats,
    /// TEI XML, as GROBID and others give it.
    Tei,
}

/// Something that went wrong while reading and did not stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// Stable name, in snake case, such as `page_without_text`.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// The page concerned, if one.
    pub page: Option<u32>,
}

/// A paper as it was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What it was read from.
    #[serde(default)]
    pub format: Format,
    /// Title, authors, year and more.
    pub metadata: Metadata,
    /// All pages, those without text too, so that page numbers are the file's.
    pub pages: Vec<Page>,
    /// The file's own table of contents.
    #[serde(default)]
    pub outline: Vec<OutlineEntry>,
    /// The reference list, entry by entry.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// What went wrong.
    pub warnings: Vec<Warning>,
}

impl Document {
    /// The text of all pages, joined by [`PAGE_SEPARATOR`]; chunk spans point into it.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.pages.iter().map(|page| page.text.as_str()).collect();
        texts.join(PAGE_SEPARATOR)
    }

    /// Numbers of the pages that text recognition could give text: scans and garbled ones.
    pub fn needs_ocr(&self) -> Vec<u32> {
        let pages = self.pages.iter();
        pages
            .filter(|page| page.source.needs_ocr())
            .map(|page| page.number)
            .collect()
    }

    /// True where no page has any text, as in a scan without a text layer.
    pub fn is_textless(&self) -> bool {
        self.pages.iter().all(|page| page.text.trim().is_empty())
    }
}

/// A passage of a document, small enough for the embedder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Place in the document, from 0.
    pub index: u32,
    /// Exactly `document.text()[start..end]`.
    pub text: String,
    /// First byte in [`Document::text`].
    pub start: usize,
    /// One past the last byte in [`Document::text`].
    pub end: usize,
    /// Page of the first byte, from 1.
    pub first_page: u32,
    /// Page of the last byte.
    pub last_page: u32,
    /// Path of headings under which it stands, outermost first, joined by [`SECTION_SEPARATOR`].
    pub section: Option<String>,
    /// Length in the embedder's tokens, without its special tokens.
    pub tokens: u32,
}

/// Counts tokens as the embedder does, so that no chunk is cut by it.
pub trait TokenCounter {
    /// Number of tokens in `text`, without special tokens.
    fn count(&self, text: &str) -> usize;
}
