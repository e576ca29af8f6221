//! TEI, as GROBID writes it when it reads a PDF and as digital editions use it (TEI P5
//! guidelines). GROBID puts all sections side by side and gives their depth by number only, so a
//! heading's level is its number's depth where it has one and its `div`'s depth where it has not.

use super::inline::Inline;
use super::tree::{Child, Element, Tree};
use super::{Builder, encoding, facts, math, table};
use crate::{BlockKind, Document, Error, Field, Format, Metadata, Reference, Source};

/// Reads a TEI document; of a corpus, the first.
pub(super) fn read(bytes: &[u8]) -> Result<Document, Error> {
    let (text, is_damaged) = encoding::decode(bytes, encoding::declared(bytes).as_deref());
    let tree = Tree::of_xml(&text);
    let root = tree.root();
    let tei = root.find("TEI").or_else(|| root.find("TEI.2"));
    let tei = tei.ok_or_else(|| Error::DamagedFile {
        reason: "no TEI element was found in it".to_owned(),
    })?;
    let mut builder = Builder::new(Format::Tei);
    encoding::warn(&mut builder, is_damaged);
    super::warn_of_tree(&mut builder, &tree);
    let mut reader = Reader {
        builder,
        notes: Vec::new(),
    };
    if let Some(header) = tei.child("teiHeader") {
        reader.builder.document.metadata = metadata(header);
        reader.front(header);
    }
    if let Some(text) = tei.child("text") {
        for part in text.elements() {
            match part.name() {
                "group" => reader.blocks(part, 0),
                "front" | "body" | "back" => reader.blocks(part, 0),
                _ => {}
            }
        }
    }
    Ok(reader.builder.finish())
}

fn metadata(header: Element<'_>) -> Metadata {
    let source = header
        .path(&["fileDesc", "sourceDesc"])
        .and_then(|desc| desc.find("biblStruct"));
    let title = header
        .path(&["fileDesc", "titleStmt"])
        .and_then(|statement| {
            let main = statement
                .children_named("title")
                .find(|title| title.has("type", &["main"]));
            main.or_else(|| statement.child("title"))
        })
        .and_then(Element::some_text)
        .or_else(|| source.and_then(title_of));
    let mut authors = source
        .map(|source| people(source, "author"))
        .unwrap_or_default();
    if authors.is_empty() {
        let statement = header.path(&["fileDesc", "titleStmt"]);
        authors = statement
            .map(|statement| people(statement, "author"))
            .unwrap_or_default();
    }
    let year = source
        .and_then(|source| source.find("imprint"))
        .and_then(|imprint| imprint.find("date"))
        .and_then(year_of)
        .or_else(|| {
            let statement = header.path(&["fileDesc", "publicationStmt"])?;
            year_of(statement.find("date")?)
        });
    let id = |kind: &str| {
        header
            .descendants()
            .find(|id| id.name() == "idno" && id.has("type", &[kind]))
            .map(Element::text)
    };
    let profile = header.child("profileDesc");
    let abstract_text = profile
        .and_then(|profile| profile.child("abstract"))
        .map(|part| {
            let paragraphs: Vec<String> = part
                .descendants()
                .filter(|element| matches!(element.name(), "p" | "ab"))
                .filter_map(Element::some_text)
                .collect();
            if paragraphs.is_empty() {
                part.text()
            } else {
                paragraphs.join("\n\n")
            }
        });
    let keywords = profile
        .and_then(|profile| profile.find("keywords"))
        .map(|list| {
            let terms: Vec<String> = list
                .descendants()
                .filter(|term| {
                    matches!(term.name(), "term" | "item") && term.elements().next().is_none()
                })
                .filter_map(Element::some_text)
                .collect();
            if terms.is_empty() {
                super::wording::keywords(&list.text())
            } else {
                terms
            }
        });
    // GROBID reads these from a PDF too, so they are not as sure as a publisher's.
    let field = |value: String| Field::new(value, Source::Markup, 0.9);
    let some =
        |list: Vec<String>| (!list.is_empty()).then(|| Field::new(list, Source::Markup, 0.9));
    Metadata {
        title: title.map(field),
        authors: some(authors),
        year: year.map(|year| Field::new(year, Source::Markup, 0.9)),
        venue: source
            .and_then(|source| source.path(&["monogr", "title"]))
            .and_then(Element::some_text)
            .filter(|_| source.is_some_and(|source| source.child("analytic").is_some()))
            .map(field),
        doi: id("DOI").and_then(|id| facts::doi(&id)).map(field),
        arxiv_id: id("arXiv").and_then(|id| facts::arxiv_id(&id)).map(field),
        abstract_text: abstract_text.filter(|text| !text.is_empty()).map(field),
        keywords: keywords.and_then(some),
    }
}

fn title_of(source: Element<'_>) -> Option<String> {
    ["analytic", "monogr"]
        .iter()
        .find_map(|part| source.path(&[part, "title"]).and_then(Element::some_text))
}

fn year_of(date: Element<'_>) -> Option<i32> {
    facts::year(date.attr("when").unwrap_or(&date.text()))
}

/// Authors (or editors) of a bibliographic entry.
fn people(entry: Element<'_>, role: &str) -> Vec<String> {
    entry
        .descendants()
        .filter(|person| person.name() == role)
        .filter_map(|person| {
            let Some(name) = person.find("persName") else {
                let organisation = person.find("orgName").map(Element::text);
                return organisation.or_else(|| facts::person(&person.text()));
            };
            let parts: Vec<String> = ["forename", "nameLink", "surname", "genName"]
                .iter()
                .flat_map(|part| name.children_named(part))
                .filter_map(Element::some_text)
                .collect();
            if parts.is_empty() {
                facts::person(&name.text())
            } else {
                Some(parts.join(" "))
            }
        })
        .collect()
}

struct Reader<'t> {
    builder: Builder,
    /// Footnotes met inside the paragraph that is being read.
    notes: Vec<Element<'t>>,
}

impl<'t> Reader<'t> {
    fn front(&mut self, header: Element<'t>) {
        let metadata = self.builder.document.metadata.clone();
        self.builder
            .block(BlockKind::Title, metadata.title().unwrap_or(""));
        self.builder
            .block(BlockKind::Author, &metadata.authors().join(", "));
        if header.path(&["profileDesc", "abstract"]).is_some() {
            for paragraph in metadata
                .abstract_text
                .iter()
                .flat_map(|text| text.value.split("\n\n"))
            {
                self.builder.block(BlockKind::Abstract, paragraph);
            }
        }
    }

    fn blocks(&mut self, parent: Element<'t>, depth: usize) {
        let mut inline = Inline::default();
        for child in parent.children() {
            match child {
                Child::Element(child) if is_block(child) => {
                    self.flush(&mut inline, BlockKind::Paragraph);
                    self.block(child, depth);
                }
                Child::Element(child) => self.inline(child, &mut inline),
                Child::Text(text) => inline.push(text),
            }
        }
        self.flush(&mut inline, BlockKind::Paragraph);
    }

    fn block(&mut self, element: Element<'t>, depth: usize) {
        match element.name() {
            "div" | "div1" | "div2" | "div3" | "div4" | "text" | "body" | "group" => {
                self.blocks(element, depth + 1);
            }
            "head" => self.heading(element, depth),
            "figure" => self.figure(element, depth),
            "table" => self.table(element),
            "formula" => {
                let label = element
                    .child("label")
                    .map(Element::text)
                    .unwrap_or_default();
                let text = format!("{} {label}", math::text(element));
                self.builder.block(BlockKind::Equation, &text);
            }
            "list" => self.list(element),
            "note" => self.note(element),
            "code" | "eg" => self.builder.block(BlockKind::Code, &element.raw_text()),
            "listBibl" => {
                if element.child("head").is_none() {
                    self.builder.heading(1, "References");
                }
                self.blocks(element, depth);
            }
            "biblStruct" | "bibl" | "biblFull" => self.reference(element),
            "docTitle" | "docAuthor" | "titlePage" | "graphic" | "pb" | "cb" => {}
            _ => self.blocks(element, depth),
        }
    }

    fn heading(&mut self, head: Element<'t>, depth: usize) {
        let text = self.text_of(head);
        let number = head
            .attr("n")
            .map(str::trim)
            .filter(|number| !number.is_empty());
        let level = number.map_or(depth.max(1), |number| {
            number.split('.').filter(|part| !part.is_empty()).count()
        });
        match number {
            Some(number) if !text.starts_with(number) => {
                self.builder.heading(level, &format!("{number} {text}"));
            }
            _ => self.builder.heading(level, &text),
        }
    }

    /// A figure or table: caption first, rows after it.
    fn figure(&mut self, figure: Element<'t>, depth: usize) {
        let head = figure
            .child("head")
            .map(|head| self.text_of(head))
            .unwrap_or_default();
        let text = figure
            .child("figDesc")
            .map(|text| self.text_of(text))
            .unwrap_or_default();
        let caption = if text.starts_with(&head) {
            text
        } else if head.ends_with(['.', ':']) || text.is_empty() {
            format!("{head} {text}")
        } else {
            format!("{head}. {text}")
        };
        self.builder.block(BlockKind::Caption, &caption);
        for part in figure.elements() {
            match part.name() {
                "head" | "figDesc" | "label" | "graphic" => {}
                _ => self.block(part, depth),
            }
        }
    }

    fn table(&mut self, table: Element<'t>) {
        if let Some(head) = table.child("head") {
            let text = self.text_of(head);
            self.builder.block(BlockKind::Caption, &text);
        }
        match table::rows(table) {
            rows if rows.is_empty() => self.blocks(table, 1),
            rows => self.builder.block(BlockKind::Table, &rows),
        }
    }

    fn list(&mut self, list: Element<'t>) {
        if list.child("item").is_none() {
            return self.blocks(list, 1);
        }
        let is_numbered =
            list.has("rend", &["numbered", "ordered"]) || list.has("type", &["ordered"]);
        for (item, number) in list.children_named("item").zip(1..) {
            let mark = if is_numbered {
                format!("{number}. ")
            } else {
                "• ".to_owned()
            };
            let mut inline = Inline::default();
            inline.push(&mark);
            for child in item.children() {
                match child {
                    Child::Element(inner)
                        if matches!(inner.name(), "list" | "table" | "figure") =>
                    {
                        self.flush(&mut inline, BlockKind::ListItem);
                        self.block(inner, 1);
                    }
                    Child::Element(inner) => self.inline(inner, &mut inline),
                    Child::Text(text) => inline.push(text),
                }
            }
            self.flush(&mut inline, BlockKind::ListItem);
        }
    }

    fn note(&mut self, note: Element<'t>) {
        let mut inline = Inline::default();
        let text = note.text();
        if let Some(number) = note.attr("n").filter(|number| !text.starts_with(number)) {
            inline.push(number);
            inline.push(" ");
        }
        inline.push(&text);
        self.builder.block(BlockKind::Footnote, &inline.take());
    }

    fn reference(&mut self, entry: Element<'t>) {
        let raw = entry
            .descendants()
            .find(|note| note.name() == "note" && note.has("type", &["raw_reference"]))
            .and_then(Element::some_text);
        let printed = raw.unwrap_or_else(|| {
            if entry.name() == "bibl" {
                entry.text()
            } else {
                written(entry)
            }
        });
        let guessed = facts::reference(&printed);
        let doi = entry
            .descendants()
            .find(|id| id.name() == "idno" && id.has("type", &["DOI"]))
            .and_then(|id| facts::doi(&id.text()));
        let in_bibl = || entry.child("title").and_then(Element::some_text);
        let year = entry.find("date").and_then(year_of);
        let title = title_of(entry).or_else(in_bibl).or(guessed.title);
        self.builder.reference(
            &printed,
            Reference {
                authors: people(entry, "author"),
                title,
                year: year.or(guessed.year),
                doi: doi.or(guessed.doi),
                ..Reference::default()
            },
        );
    }

    fn flush(&mut self, inline: &mut Inline, kind: BlockKind) {
        if !inline.is_empty() {
            self.builder.block(kind, &inline.take());
        }
        for note in std::mem::take(&mut self.notes) {
            self.note(note);
        }
    }

    fn text_of(&mut self, element: Element<'t>) -> String {
        let mut inline = Inline::default();
        self.inline(element, &mut inline);
        inline.take()
    }

    fn inline(&mut self, element: Element<'t>, out: &mut Inline) {
        match element.name() {
            "formula" | "math" => out.push(&math::text(element)),
            "lb" => out.push(" "),
            "note" => self.notes.push(element),
            "hi" if element.has("rend", &["superscript", "sup"]) => {
                out.superscript(&element.text())
            }
            "graphic" => {}
            _ => {
                for child in element.children() {
                    match child {
                        Child::Text(text) => out.push(text),
                        Child::Element(child) => self.inline(child, out),
                    }
                }
            }
        }
    }
}

/// A structured entry, written as a reference list would print it.
fn written(entry: Element<'_>) -> String {
    let mut parts = Vec::new();
    let authors = people(entry, "author").join(", ");
    let year = entry.find("date").and_then(year_of);
    match year {
        Some(year) if !authors.is_empty() => parts.push(format!("{authors} ({year})")),
        Some(year) => parts.push(format!("({year})")),
        None => parts.push(authors),
    }
    for path in [["analytic", "title"], ["monogr", "title"]] {
        parts.extend(entry.path(&path).and_then(Element::some_text));
    }
    let scopes: Vec<String> = entry
        .descendants()
        .filter(|scope| scope.name() == "biblScope")
        .filter_map(|scope| match (scope.attr("from"), scope.attr("to")) {
            (Some(from), Some(to)) => Some(format!("{from}\u{2013}{to}")),
            (Some(from), None) => Some(from.to_owned()),
            _ => scope.some_text(),
        })
        .collect();
    parts.push(scopes.join(", "));
    let id = |kind: &str| {
        let mut ids = entry.descendants().filter(|id| id.name() == "idno");
        ids.find(|id| id.has("type", &[kind]))
            .and_then(Element::some_text)
    };
    parts.extend(id("DOI").or_else(|| id("arXiv")));
    parts.retain(|part| !part.is_empty());
    parts.join(". ")
}

fn is_block(element: Element<'_>) -> bool {
    match element.name() {
        // Notes inside paragraphs are put aside by their reader; those between are blocks.
        "note" => element.has("place", &["foot", "bottom", "end"]) && element.find("p").is_some(),
        "formula" => element.find("math").is_none() || element.has("rend", &["display"]),
        "bibl" => true,
        name => matches!(
            name,
            "div"
                | "div1"
                | "div2"
                | "div3"
                | "div4"
                | "head"
                | "p"
                | "ab"
                | "figure"
                | "table"
                | "list"
                | "listBibl"
                | "biblStruct"
                | "biblFull"
                | "quote"
                | "code"
                | "eg"
                | "lg"
                | "l"
                | "text"
                | "body"
                | "titlePage"
                | "epigraph"
                | "floatingText"
        ),
    }
}
