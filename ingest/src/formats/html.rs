//! Web pages, as a reader view shows them: the paper without the site around it.
//!
//! A page that marks its main part (`article`, `main`) is taken at its word. Otherwise the
//! Readability algorithm of Firefox chooses, and where that finds too little the whole body is
//! read. Navigation, forms, scripts and what is hidden are left out in any case.

mod elements;
mod meta;

use dom_query::Document as Dom;
use dom_smoothie::{Config, Readability};

use self::elements::{
    has_blocks, heading_level, is_bibliography, is_block, is_byline, is_display_formula,
    is_footnote, is_layout, is_left_out,
};
use super::inline::Inline;
use super::tree::{Child, Element, Tree};
use super::{Builder, encoding, facts, math, table};
use crate::{BlockKind, Document, Format};

/// Largest page in bytes; saved pages with pictures inside stay well below.
const MAX_LENGTH: usize = 32 << 20;
/// Most tags that are read; each element takes some 200 bytes while the page is parsed.
const MAX_TAGS: usize = 1_000_000;
/// The reader view must keep this share of the body's text.
const ENOUGH: f32 = 0.3;
/// Most elements that the reader view is asked to weigh.
const MAX_WEIGHED: usize = 100_000;

/// Reads a web page.
pub(super) fn read(bytes: &[u8]) -> Document {
    let (mut text, is_damaged) = encoding::decode(bytes, encoding::declared(bytes).as_deref());
    let mut builder = Builder::by_wording(Format::Html);
    encoding::warn(&mut builder, is_damaged);
    let tags_end = text.match_indices('<').nth(MAX_TAGS).map(|(at, _)| at);
    let end = tags_end.unwrap_or(text.len()).min(MAX_LENGTH);
    if text.len() > end {
        text.truncate(text.floor_char_boundary(end));
        builder.warn("markup_cut", "the page is too long; its end is left out");
    }
    let tree = Tree::of_html(&Dom::from(text.as_str()));
    super::warn_of_tree(&mut builder, &tree);
    builder.document.metadata = meta::metadata(tree.root());
    let body = tree.find_body();
    let whole = weight(body);
    let view = match main_part(body, whole) {
        Some(_) => None,
        // Its time grows with the square of the depth, and no honest page is so deep.
        None if tree.is_deep => None,
        None => {
            reader_view(&text).filter(|view| weight(view.root()) as f32 >= ENOUGH * whole as f32)
        }
    };
    let part = match &view {
        Some(view) => view.root(),
        None => main_part(body, whole).unwrap_or(body),
    };
    let mut reader = Reader {
        builder,
        notes: Vec::new(),
    };
    // The reader view drops the title, and many sites put it outside the article.
    let title = reader.builder.document.metadata.title().map(str::to_owned);
    if let Some(title) = title.filter(|title| !has_heading(part, title)) {
        reader.builder.block(BlockKind::Title, &title);
    }
    reader.blocks(part, BlockKind::Paragraph);
    reader.builder.finish()
}

impl Tree {
    fn find_body(&self) -> Element<'_> {
        self.root().find("body").unwrap_or_else(|| self.root())
    }
}

/// The part of the body that says that it is the main one and holds most of the text.
fn main_part(body: Element<'_>, whole: usize) -> Option<Element<'_>> {
    let is_main = |element: &Element<'_>| {
        matches!(element.name(), "article" | "main") || element.has("role", &["main", "article"])
    };
    let parts = body
        .descendants()
        .filter(|element| is_main(element))
        .take(50);
    let weighed: Vec<(usize, Element<'_>)> = parts.map(|part| (weight(part), part)).collect();
    let most = weighed.iter().map(|(weight, _)| *weight).max()?;
    // The innermost part that loses nothing against the ones around it.
    let (weight, part) = weighed
        .into_iter()
        .rfind(|(weight, _)| *weight * 10 >= most * 9)?;
    (weight * 2 >= whole && weight > 200).then_some(part)
}

fn reader_view(html: &str) -> Option<Tree> {
    let config = Config {
        max_elements_to_parse: MAX_WEIGHED,
        disable_json_ld: true,
        keep_classes: true,
        ..Config::default()
    };
    let article = Readability::new(html, None, Some(config))
        .ok()?
        .parse()
        .ok()?;
    Some(Tree::of_html(&Dom::from(&*article.content)))
}

/// Letters of text that would be read.
fn weight(element: Element<'_>) -> usize {
    element
        .children()
        .map(|child| match child {
            Child::Text(text) => text.chars().filter(|c| !c.is_whitespace()).count(),
            Child::Element(child) if is_left_out(child) => 0,
            Child::Element(child) => weight(child),
        })
        .sum()
}

fn has_heading(part: Element<'_>, title: &str) -> bool {
    part.descendants()
        .filter(|element| heading_level(element.name()).is_some())
        .take(20)
        .any(|heading| facts::is_same(&heading.text(), title))
}

struct Reader<'t> {
    builder: Builder,
    /// Footnotes met inside the paragraph that is being read.
    notes: Vec<Element<'t>>,
}

impl<'t> Reader<'t> {
    fn blocks(&mut self, parent: Element<'t>, kind: BlockKind) {
        let mut inline = Inline::default();
        self.mixed(parent, &mut inline, kind);
        self.flush(&mut inline, kind);
    }

    /// What stands in `parent`: text goes on in `inline`, blocks end it.
    fn mixed(&mut self, parent: Element<'t>, inline: &mut Inline, kind: BlockKind) {
        for child in parent.children() {
            match child {
                Child::Text(text) => inline.push(text),
                Child::Element(child) if is_left_out(child) => {}
                Child::Element(child) if is_block(child) => {
                    self.flush(inline, kind);
                    self.block(child, kind);
                }
                // A link or a span around whole blocks.
                Child::Element(child) if has_blocks(child) => self.mixed(child, inline, kind),
                Child::Element(child) => self.inline(child, inline),
            }
        }
    }

    fn block(&mut self, element: Element<'t>, kind: BlockKind) {
        if let Some(level) = heading_level(element.name()) {
            let text = self.text_of(element);
            self.builder.heading(level, &text);
            return;
        }
        let is_list_of_references = is_bibliography(element);
        if is_list_of_references {
            self.builder.in_references(true);
        }
        match element.name() {
            "ul" | "ol" | "menu" => self.list(element, kind),
            "dl" => self.definitions(element),
            "table" if is_layout(element) => self.blocks(element, kind),
            "table" => self.table(element),
            "pre" => self
                .builder
                .block(BlockKind::Code, element.raw_text().trim_matches('\n')),
            "math" => self
                .builder
                .block(BlockKind::Equation, &math::text(element)),
            "figcaption" | "caption" => {
                let text = self.text_of_blocks(element);
                self.builder.block(BlockKind::Caption, &text);
            }
            _ if is_byline(element) => self.blocks(element, BlockKind::Author),
            _ if is_footnote(element) => self.blocks(element, BlockKind::Footnote),
            _ if is_display_formula(element) => {
                let text = math_text(element);
                self.builder.block(BlockKind::Equation, &text);
            }
            _ => self.blocks(element, kind),
        }
        if is_list_of_references {
            self.builder.in_references(false);
        }
    }

    fn list(&mut self, list: Element<'t>, kind: BlockKind) {
        if list.elements().next().is_none() {
            return self.blocks(list, BlockKind::ListItem);
        }
        let is_numbered = list.name() == "ol";
        let start = list
            .attr("start")
            .and_then(|start| start.trim().parse().ok())
            .unwrap_or(1_i64);
        for (item, number) in list
            .elements()
            .filter(|item| !is_left_out(*item))
            .zip(start..)
        {
            if matches!(item.name(), "ul" | "ol") {
                self.list(item, kind);
                continue;
            }
            let mut inline = Inline::default();
            let is_note = kind == BlockKind::Footnote || is_footnote(item);
            // LaTeXML writes the mark out.
            let has_mark = item
                .elements()
                .next()
                .is_some_and(|first| first.has("class", &["ltx_tag"]));
            if is_numbered && !has_mark {
                inline.push(&format!("{number}. "));
            } else if !has_mark {
                inline.push("• ");
            }
            let item_kind = if is_note {
                BlockKind::Footnote
            } else {
                BlockKind::ListItem
            };
            self.item(item, &mut inline, item_kind);
            self.flush(&mut inline, item_kind);
        }
    }

    /// An item's text stays with its mark, also where it is a paragraph.
    fn item(&mut self, item: Element<'t>, inline: &mut Inline, kind: BlockKind) {
        for child in item.children() {
            match child {
                Child::Text(text) => inline.push(text),
                Child::Element(child) if is_left_out(child) => {}
                Child::Element(child) if matches!(child.name(), "p" | "div" | "span") => {
                    self.item(child, inline, kind);
                    inline.push(" ");
                }
                Child::Element(child) if is_block(child) => {
                    self.flush(inline, kind);
                    self.block(child, kind);
                }
                Child::Element(child) => self.inline(child, inline),
            }
        }
    }

    fn definitions(&mut self, list: Element<'t>) {
        let mut term = String::new();
        for part in list.descendants() {
            match part.name() {
                "dt" => term = self.text_of(part),
                "dd" => {
                    let meaning = self.text_of_blocks(part);
                    let text = match term.is_empty() {
                        true => meaning,
                        false => format!("{}: {meaning}", term.trim_end_matches(':')),
                    };
                    self.builder.block(BlockKind::ListItem, &text);
                    term.clear();
                }
                _ => {}
            }
        }
    }

    fn table(&mut self, table: Element<'t>) {
        if let Some(caption) = table.child("caption") {
            let text = self.text_of_blocks(caption);
            self.builder.block(BlockKind::Caption, &text);
        }
        // A table that holds one formula and its number.
        if is_display_formula(table) {
            let text = table.text_with_formulas();
            self.builder.block(BlockKind::Equation, &text);
            return;
        }
        match table::rows(table) {
            rows if rows.is_empty() => self.blocks(table, BlockKind::Paragraph),
            rows => self.builder.block(BlockKind::Table, &rows),
        }
    }

    fn flush(&mut self, inline: &mut Inline, kind: BlockKind) {
        if inline.as_str().chars().any(char::is_alphanumeric) {
            let text = inline.take();
            let kind = match kind {
                BlockKind::Paragraph if super::is_caption(&text) => BlockKind::Caption,
                kind => kind,
            };
            self.builder.block(kind, &text);
        } else {
            inline.take();
        }
        for note in std::mem::take(&mut self.notes) {
            let text = self.text_of_blocks(note);
            self.builder.block(BlockKind::Footnote, &text);
        }
    }

    fn text_of(&mut self, element: Element<'t>) -> String {
        let mut inline = Inline::default();
        self.inline(element, &mut inline);
        inline.take().replace('\n', " ")
    }

    /// The text of all blocks in an element, on one line.
    fn text_of_blocks(&mut self, element: Element<'t>) -> String {
        let mut inline = Inline::default();
        for child in element.children() {
            match child {
                Child::Text(text) => inline.push(text),
                Child::Element(child) => {
                    self.inline(child, &mut inline);
                    if is_block(child) {
                        inline.push(" ");
                    }
                }
            }
        }
        inline.take().replace('\n', " ")
    }

    fn inline(&mut self, element: Element<'t>, out: &mut Inline) {
        if is_left_out(element) {
            return;
        }
        match element.name() {
            "br" => out.line_break(),
            "wbr" => {}
            "math" | "script" => out.push(&math_text(element)),
            "sup" if element.has("class", &["ltx_note_mark"]) => {
                let is_first = out.is_empty();
                out.mark(&element.text());
                if is_first {
                    out.push(" ");
                }
            }
            "sup" => {
                let is_mark = element.find("a").is_some() && element.text().len() <= 40;
                if is_mark {
                    out.mark(&element.text());
                } else {
                    out.superscript(&element.text());
                }
            }
            _ if is_footnote(element) => self.notes.push(element),
            _ if element.has("class", &["katex", "MathJax", "mwe-math-element"])
                && element.find("math").is_some() =>
            {
                out.push(&math_text(element));
            }
            _ => {
                for child in element.children() {
                    match child {
                        Child::Text(text) => out.push(text),
                        Child::Element(child) => {
                            // Words of two blocks do not touch.
                            let parts = is_block(child);
                            if parts {
                                out.push(" ");
                            }
                            self.inline(child, out);
                            if parts {
                                out.push(" ");
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Element<'_> {
    fn text_with_formulas(self) -> String {
        table::cell_text(self)
    }
}

fn math_text(element: Element<'_>) -> String {
    if element.name() == "script" {
        math::latex(&element.raw_text())
    } else {
        math::text(element)
    }
}
