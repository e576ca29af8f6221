//! Word's DOCX (Office Open XML, ECMA-376): a zip of XML parts. Paragraphs say what they are by
//! the name of their style; where an author made headings by hand, bold lines on their own do.

mod numbering;
mod package;
mod runs;
mod styles;

use super::inline::Inline;
use super::tree::{Element, Tree};
use super::{Builder, facts, math};
use crate::{BlockKind, Document, Error, Field, Format, Source, section};
use numbering::Numbering;
use package::Package;
use runs::Looks;
use styles::{Role, Styles};

/// Longest line that is taken for a heading made by hand, in bytes.
const MAX_HEADING: usize = 120;

/// Reads a DOCX file.
pub(super) fn read(bytes: &[u8]) -> Result<Document, Error> {
    let mut builder = Builder::by_wording(Format::Docx);
    let mut package = Package::open(bytes)?;
    let main = package
        .part("word/document.xml")?
        .ok_or_else(|| Error::DamagedFile {
            reason: "it has no word/document.xml".to_owned(),
        })?;
    // Parts that only help are done without where they are damaged.
    let mut part = |name: &str| package.part(name).ok().flatten().unwrap_or_default();
    let styles = Styles::read(&Tree::of_xml(&part("word/styles.xml")));
    let numbering = Numbering::read(&Tree::of_xml(&part("word/numbering.xml")));
    let footnotes = Tree::of_xml(&part("word/footnotes.xml"));
    let endnotes = Tree::of_xml(&part("word/endnotes.xml"));
    let core = Tree::of_xml(&part("docProps/core.xml"));
    builder.document.warnings.extend(package.warnings);
    let tree = Tree::of_xml(&main);
    super::warn_of_tree(&mut builder, &tree);
    properties(&mut builder, core.root());

    let body = tree.root().find("body").unwrap_or_else(|| tree.root());
    let is_styled = body
        .descendants()
        .filter(|element| element.name() == "pPr")
        .any(|properties| matches!(styles.role(style_of(properties)), Role::Heading(_)));
    let mut reader = Reader {
        builder,
        styles,
        numbering,
        notes: [footnotes.root(), endnotes.root()].map(notes),
        is_styled,
        pending: Vec::new(),
        boxes: Vec::new(),
        breaks: 0,
        code: String::new(),
        has_title: false,
        is_front: true,
    };
    reader.blocks(body);
    reader.end_code();
    Ok(reader.builder.finish())
}

/// What the file's properties say; people rarely fill them in, so they are believed little.
fn properties(builder: &mut Builder, core: Element<'_>) {
    let get = |name: &str| core.find(name).and_then(Element::some_text);
    let metadata = &mut builder.document.metadata;
    let is_name = |title: &String| {
        !title.contains("Microsoft Word") && !title.ends_with(".docx") && !title.ends_with(".doc")
    };
    metadata.title = get("title")
        .filter(is_name)
        .map(|title| Field::new(title, Source::Markup, 0.6));
    let authors = get("creator")
        .map(|list| facts::people(&list))
        .unwrap_or_default();
    metadata.authors = (!authors.is_empty()).then(|| Field::new(authors, Source::Markup, 0.4));
    metadata.keywords = get("keywords")
        .map(|list| super::wording::keywords(&list))
        .filter(|list| !list.is_empty())
        .map(|list| Field::new(list, Source::Markup, 0.7));
    metadata.year = get("created")
        .and_then(|date| facts::year(&date))
        .map(|year| Field::new(year, Source::Markup, 0.4));
}

/// Notes by identifier, in its order.
fn notes(root: Element<'_>) -> Vec<(&str, Element<'_>)> {
    let mut notes: Vec<(&str, Element<'_>)> = root
        .descendants()
        .filter(|note| matches!(note.name(), "footnote" | "endnote") && note.attr("type").is_none())
        .filter_map(|note| Some((note.attr("id")?, note)))
        .collect();
    notes.sort_by_key(|(id, _)| *id);
    notes
}

fn style_of(properties: Element<'_>) -> &str {
    properties
        .child("pStyle")
        .and_then(|style| style.attr("val"))
        .unwrap_or("")
}

struct Reader<'t> {
    builder: Builder,
    styles: Styles,
    numbering: Numbering,
    /// Footnotes and endnotes by their identifiers.
    notes: [Vec<(&'t str, Element<'t>)>; 2],
    /// Headings have styles, so bold lines are none.
    is_styled: bool,
    /// Notes referred to in the paragraph that is being read.
    pending: Vec<Element<'t>>,
    /// Text boxes that hang on it.
    boxes: Vec<Element<'t>>,
    /// Page breaks met in it.
    breaks: u32,
    /// Lines of code, one paragraph each.
    code: String,
    has_title: bool,
    is_front: bool,
}

impl<'t> Reader<'t> {
    fn blocks(&mut self, parent: Element<'t>) {
        for element in parent.elements() {
            match element.name() {
                "p" => self.paragraph(element),
                "tbl" => {
                    self.end_code();
                    self.table(element);
                }
                // Content controls, kept insertions; what was deleted or moved away is not read.
                "del" | "moveFrom" | "sectPr" | "sdtPr" => {}
                "AlternateContent" => {
                    if let Some(choice) = element
                        .child("Choice")
                        .or_else(|| element.child("Fallback"))
                    {
                        self.blocks(choice);
                    }
                }
                _ => self.blocks(element),
            }
        }
    }

    fn paragraph(&mut self, paragraph: Element<'t>) {
        let properties = paragraph.child("pPr");
        let style = properties.map_or("", style_of);
        if properties
            .is_some_and(|properties| properties.child("pageBreakBefore").is_some_and(is_on))
        {
            self.breaks += 1;
        }
        let mut inline = Inline::default();
        let mut formulas = Vec::new();
        let mut looks = Looks::default();
        self.runs(paragraph, &mut inline, &mut formulas, &mut looks);
        let role = self.styles.role(style);
        if role == Role::Code {
            // Indents count in code.
            let text = raw(paragraph);
            self.break_pages();
            self.code.push_str(&text);
            self.code.push('\n');
            return;
        }
        self.end_code();
        // A break at the start of a paragraph stands before it, and so does one inside: what
        // belongs together stays on one page.
        self.break_pages();
        let text = inline.take();
        if !text.is_empty() {
            self.add(properties, style, role, &text, &looks);
        }
        for formula in formulas {
            self.builder
                .block(BlockKind::Equation, &math::text(formula));
        }
        for note in std::mem::take(&mut self.pending) {
            let text = note.raw_text_of_runs();
            self.builder.block(BlockKind::Footnote, &text);
        }
        for part in std::mem::take(&mut self.boxes) {
            self.blocks(part);
        }
    }

    fn add(
        &mut self,
        properties: Option<Element<'t>>,
        style: &str,
        role: Role,
        text: &str,
        looks: &Looks,
    ) {
        let number = self
            .numbering_of(properties, style)
            .and_then(|(id, level)| self.numbering.next(&id, level));
        let numbered = |text: &str| match &number {
            Some(number) => format!("{number} {text}"),
            None => text.to_owned(),
        };
        let is_front = self.is_front;
        match role {
            Role::Title => {
                let metadata = &mut self.builder.document.metadata;
                if !self.has_title {
                    let title = text.replace('\n', " ");
                    metadata.title = Some(Field::new(title, Source::Markup, 0.95));
                }
                let kind = if self.has_title {
                    BlockKind::Paragraph
                } else {
                    BlockKind::Title
                };
                self.has_title = true;
                self.builder.block(kind, text);
            }
            Role::Author => {
                let metadata = &mut self.builder.document.metadata;
                let names = facts::people(text);
                match &mut metadata.authors {
                    // One paragraph each.
                    Some(field) if field.confidence > 0.8 => field.value.extend(names),
                    authors if !names.is_empty() => {
                        *authors = Some(Field::new(names, Source::Markup, 0.9))
                    }
                    _ => {}
                }
                self.builder.block(BlockKind::Author, text);
            }
            Role::Abstract => self.builder.block(BlockKind::Abstract, text),
            Role::Heading(level) => {
                self.is_front = false;
                self.builder.heading(level, &numbered(text));
            }
            Role::Caption => self.builder.block(BlockKind::Caption, text),
            Role::Reference => {
                let (label, entry) = facts::split_label(text);
                let mut reference = facts::reference(entry);
                reference.label = label.to_owned();
                self.builder.reference(&numbered(text), reference);
            }
            Role::Footnote => self.builder.block(BlockKind::Footnote, text),
            Role::Contents => {}
            Role::Body | Role::Code => {
                let is_line = text.len() <= MAX_HEADING
                    && !text.contains('\n')
                    && !text.ends_with(['.', ',', ';', ':']);
                let stands_out =
                    looks.is_bold() && is_line && text.chars().any(char::is_alphabetic);
                let is_title = is_front
                    && !self.has_title
                    && self.builder.document.pages.is_empty()
                    && looks.size >= 28
                    && text.len() <= 300
                    && !section::is_heading(text, "");
                if is_title {
                    self.has_title = true;
                    let title = text.replace('\n', " ");
                    self.builder.document.metadata.title =
                        Some(Field::new(title, Source::Layout, 0.8));
                    self.builder.block(BlockKind::Title, text);
                } else if is_front
                    && self.has_title
                    && self
                        .builder
                        .document
                        .metadata
                        .authors
                        .as_ref()
                        .is_none_or(|field| field.confidence < 0.5)
                    && !facts::byline(&[text]).is_empty()
                {
                    let names = facts::byline(&[text]);
                    self.builder.document.metadata.authors =
                        Some(Field::new(names, Source::Layout, 0.7));
                    self.builder.block(BlockKind::Author, text);
                } else if super::is_caption(text) {
                    self.builder.block(BlockKind::Caption, text);
                } else if !self.is_styled
                    && (stands_out && number.is_none() && !is_front
                        || section::is_heading(text, ""))
                {
                    self.is_front = false;
                    self.builder.heading(1, text);
                } else if number.is_some() {
                    self.builder.block(BlockKind::ListItem, &numbered(text));
                } else {
                    self.is_front &= text.len() < 400;
                    self.builder.block(BlockKind::Paragraph, text);
                }
            }
        }
    }

    /// The list that a paragraph or its style is an item of, and how deep.
    fn numbering_of(
        &self,
        properties: Option<Element<'t>>,
        style: &str,
    ) -> Option<(String, usize)> {
        let of = |properties: Element<'t>| {
            let list = properties.child("numPr")?;
            let level = list
                .child("ilvl")
                .and_then(|level| level.attr("val")?.parse().ok());
            let id = list
                .child("numId")
                .and_then(|id| id.attr("val"))
                .map(str::to_owned);
            Some((id, level))
        };
        let (own_id, own_level) = properties.and_then(of).unwrap_or_default();
        let (style_id, style_level) = self.styles.numbering(style);
        let id = own_id.or(style_id).filter(|id| id != "0")?;
        Some((id, own_level.or(style_level).unwrap_or(0)))
    }

    fn end_code(&mut self) {
        let code = std::mem::take(&mut self.code);
        self.builder.block(BlockKind::Code, code.trim_matches('\n'));
    }

    fn break_pages(&mut self) {
        for _ in 0..std::mem::take(&mut self.breaks).min(100) {
            self.builder.page_break();
        }
    }

    fn table(&mut self, table: Element<'t>) {
        let mut rows: Vec<Vec<Element<'t>>> = Vec::new();
        for row in rows_of(table) {
            let cells = row.elements().flat_map(|part| match part.name() {
                "tc" => vec![part],
                "sdt" => part
                    .descendants()
                    .filter(|cell| cell.name() == "tc")
                    .collect(),
                _ => Vec::new(),
            });
            rows.push(cells.collect());
        }
        // One cell is a frame around text, not a table.
        if let [only] = rows.as_slice()
            && let [cell] = only.as_slice()
        {
            self.blocks(*cell);
            return;
        }
        let lines: Vec<String> = rows
            .into_iter()
            .map(|cells| {
                let texts: Vec<String> = cells.into_iter().map(|cell| self.cell(cell)).collect();
                texts.join("\t")
            })
            .collect();
        self.break_pages();
        self.builder.block(BlockKind::Table, &lines.join("\n"));
        for note in std::mem::take(&mut self.pending) {
            self.builder
                .block(BlockKind::Footnote, &note.raw_text_of_runs());
        }
        self.boxes.clear();
    }

    fn cell(&mut self, cell: Element<'t>) -> String {
        let mut inline = Inline::default();
        let (mut formulas, mut looks) = (Vec::new(), Looks::default());
        for paragraph in cell
            .descendants()
            .filter(|paragraph| paragraph.name() == "p")
        {
            self.runs(paragraph, &mut inline, &mut formulas, &mut looks);
            inline.push(" ");
        }
        let mut text = facts::squeeze(&inline.take());
        for formula in formulas {
            text.push(' ');
            text.push_str(&math::text(formula));
        }
        text.trim().to_owned()
    }
}

impl Element<'_> {
    /// The text of a note's runs, without the mark that it starts with.
    fn raw_text_of_runs(self) -> String {
        let mut text = String::new();
        for part in self.descendants() {
            match part.name() {
                "t" => text.push_str(&part.raw_text()),
                "tab" | "br" | "p" => text.push(' '),
                "oMath" => text.push_str(&math::text(part)),
                _ => {}
            }
        }
        facts::squeeze(&text)
    }
}

/// The rows of a table, not those of tables in its cells.
fn rows_of(table: Element<'_>) -> Vec<Element<'_>> {
    let mut rows = Vec::new();
    for part in table.elements() {
        match part.name() {
            "tr" => rows.push(part),
            "tblPr" | "tblGrid" | "del" | "tbl" => {}
            _ => rows.extend(rows_of(part)),
        }
    }
    rows
}

/// A paragraph's text with its spaces.
fn raw(paragraph: Element<'_>) -> String {
    let mut text = String::new();
    for part in paragraph.descendants() {
        match part.name() {
            "t" => text.push_str(&part.raw_text()),
            "tab" => text.push('\t'),
            "br" | "cr" => text.push('\n'),
            _ => {}
        }
    }
    text
}

/// True for a switch that is there and not turned off.
fn is_on(switch: Element<'_>) -> bool {
    !switch
        .attr("val")
        .is_some_and(|value| matches!(value, "0" | "false" | "off" | "none"))
}
