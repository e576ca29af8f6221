//! Markdown (CommonMark with the tables, footnotes and formulas of GitHub, and definition lists),
//! with the front matter that Pandoc, Quarto, JOSS and static site generators put before it.

mod front_matter;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::inline::Inline;
use super::tree::MAX_DEPTH;
use super::{Builder, encoding, math};
use crate::{BlockKind, Document, Format};

/// Reads a Markdown file.
pub(super) fn read(bytes: &[u8]) -> Document {
    let (text, is_damaged) = encoding::decode(bytes, None);
    let mut builder = Builder::by_wording(Format::Markdown);
    encoding::warn(&mut builder, is_damaged);
    let (front, body) = front_matter::split(&text);
    builder.document.metadata = front;
    let metadata = builder.document.metadata.clone();
    builder.block(BlockKind::Title, metadata.title().unwrap_or(""));
    builder.block(BlockKind::Author, &metadata.authors().join(", "));
    if let Some(text) = &metadata.abstract_text {
        for paragraph in text.value.split("\n\n") {
            builder.block(BlockKind::Abstract, paragraph);
        }
    }
    let mut reader = Reader {
        builder,
        inline: Inline::default(),
        lists: Vec::new(),
        code: None,
        rows: Vec::new(),
        skips: 0,
        is_footnote: false,
    };
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_MATH
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST;
    for event in Parser::new_ext(body, options) {
        reader.event(event);
    }
    reader.flush();
    reader.builder.finish()
}

struct Reader {
    builder: Builder,
    inline: Inline,
    /// The next number of each list around, none for bullets.
    lists: Vec<Option<u64>>,
    /// The code block that is being read.
    code: Option<String>,
    /// The rows of the table that is being read.
    rows: Vec<Vec<String>>,
    /// How many elements around are left out.
    skips: usize,
    is_footnote: bool,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            _ if self.skips > 0 => {}
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.inline.push(&text),
            },
            Event::Code(text) => self.inline.push(&text),
            Event::InlineMath(formula) => self.inline.push(&formula),
            Event::DisplayMath(formula) => {
                let kind = self.kind();
                self.add(kind);
                self.builder
                    .block(BlockKind::Equation, &math::latex(&formula));
            }
            Event::FootnoteReference(label) => {
                self.inline.push("[");
                self.inline.push(&label);
                self.inline.push("]");
            }
            Event::SoftBreak => self.inline.push(" "),
            Event::HardBreak => self.inline.line_break(),
            Event::Html(html) => {
                let text = text_of_html(&html);
                self.inline.push(&text);
                self.inline.push("\n");
            }
            // Tags around words; the words come as text.
            Event::InlineHtml(html) => {
                if html.starts_with("<br") {
                    self.inline.line_break();
                }
            }
            Event::Rule | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::CodeBlock(kind) => {
                self.flush();
                // Raw HTML for a page's looks is no program.
                let is_raw = matches!(&kind, CodeBlockKind::Fenced(info) if info.starts_with("{="));
                self.skips += usize::from(is_raw);
                self.code = Some(String::new());
            }
            Tag::List(start) => {
                self.flush();
                // Deeper lists are read as items of the innermost one counted.
                if self.lists.len() < MAX_DEPTH {
                    self.lists.push(start);
                } else {
                    self.lists.push(None);
                }
            }
            Tag::Item => {
                self.flush();
                match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = format!("{number}. ");
                        *number = number.saturating_add(1);
                        self.inline.push(&mark);
                    }
                    _ => self.inline.push("• "),
                }
            }
            Tag::FootnoteDefinition(label) => {
                self.flush();
                self.is_footnote = true;
                self.inline.push(&format!("[{label}] "));
            }
            Tag::Table(_) => {
                self.flush();
                self.rows.clear();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            // The alternative text describes a picture that is not there; Pandoc makes it the
            // caption, and so does the reader.
            Tag::Image { .. } => {}
            Tag::Heading { .. }
            | Tag::HtmlBlock
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition => {
                self.flush();
            }
            Tag::Paragraph | Tag::BlockQuote(_)
                // The first paragraph of an item goes with its number.
                if self.lists.is_empty() && !self.is_footnote => {
                    self.flush();
                }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let text = self.inline.take();
                self.builder.heading(level as usize, &text);
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                if self.skips > 0 {
                    self.skips -= 1;
                } else {
                    self.builder.block(BlockKind::Code, &code);
                }
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::FootnoteDefinition => {
                self.flush();
                self.is_footnote = false;
            }
            TagEnd::TableCell => {
                let cell = self.inline.take().replace('\n', " ");
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                let rows: Vec<String> = self.rows.drain(..).map(|row| row.join("\t")).collect();
                self.builder.block(BlockKind::Table, &rows.join("\n"));
            }
            TagEnd::Paragraph => {
                if is_figure_caption(&self.inline) {
                    self.add(BlockKind::Caption);
                } else {
                    self.flush();
                }
            }
            TagEnd::Item
            | TagEnd::BlockQuote(_)
            | TagEnd::HtmlBlock
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition => self.flush(),
            _ => {}
        }
    }

    fn kind(&self) -> BlockKind {
        if self.is_footnote {
            BlockKind::Footnote
        } else if self.lists.is_empty() {
            BlockKind::Paragraph
        } else {
            BlockKind::ListItem
        }
    }

    fn flush(&mut self) {
        let kind = self.kind();
        self.add(kind);
    }

    fn add(&mut self, kind: BlockKind) {
        // A bullet alone is no item.
        let text = self.inline.take();
        if text.chars().any(char::is_alphanumeric) || text.len() > 4 {
            self.builder.block(kind, &text);
        }
    }
}

/// "Figure 1: ..." and Pandoc's "Table: ..." and ": ..." below or above a table.
fn is_figure_caption(inline: &Inline) -> bool {
    let text = inline.as_str();
    if let Some(rest) = text
        .strip_prefix("Table: ")
        .or_else(|| text.strip_prefix(": "))
    {
        return !rest.is_empty();
    }
    super::is_caption(text)
}

/// The text between the tags of a piece of HTML, which may be cut anywhere.
fn text_of_html(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text
}
