//! The pages as plain data: one struct per template under `templates/`.
//!
//! A handler fills a struct and renders it; nothing here knows HTTP or SQL. askama escapes every
//! field for HTML, and ids are percent-encoded where they stand in an address, so text from a paper
//! or a file name can never become markup. What the pages do after that (uploads, streaming,
//! deleting) is in the modules under `static/`, which talk to the JSON API.

use askama::Template;

/// A document as the library lists it and as its own page describes it.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The document's id, as in `/documents/{id}`.
    pub id: String,
    /// The file name it was added under.
    pub file: String,
    /// The title found in the PDF.
    pub title: Option<String>,
    /// The authors' names, in order.
    pub authors: Vec<String>,
    /// The year of publication.
    pub year: Option<u32>,
    /// How many pages it has.
    pub pages: u32,
    /// How many passages were indexed.
    pub chunks: u32,
    /// The state the API reports; `needs_ocr` is pointed out.
    pub status: String,
    /// The collection it is in.
    pub collection: String,
    /// When it was added, as an ISO 8601 timestamp.
    pub added_at: String,
    /// The size of the PDF in bytes.
    pub bytes: u64,
}

impl Document {
    /// The title, or the file name where the PDF gave none.
    #[must_use]
    pub fn display_title(&self) -> &str {
        match &self.title {
            Some(title) if !title.trim().is_empty() => title,
            _ => &self.file,
        }
    }

    /// The authors in one line; past four, the first three and "et al."
    #[must_use]
    pub fn authors_line(&self) -> String {
        match self.authors.len() {
            0..=4 => self.authors.join(", "),
            _ => format!("{} et al.", self.authors[..3].join(", ")),
        }
    }

    /// The year, or nothing.
    #[must_use]
    pub fn year_text(&self) -> String {
        self.year.map(|year| year.to_string()).unwrap_or_default()
    }

    /// The date part of `added_at`.
    #[must_use]
    pub fn added_day(&self) -> &str {
        self.added_at.split(['T', ' ']).next().unwrap_or_default()
    }

    /// Whether the PDF holds pictures of text only.
    #[must_use]
    pub fn needs_ocr(&self) -> bool {
        self.status == "needs_ocr"
    }

    /// The size in kB or MB.
    #[must_use]
    pub fn size_text(&self) -> String {
        match self.bytes {
            bytes @ 0..=999 => format!("{bytes} bytes"),
            bytes @ 1_000..=999_499 => format!("{:.0} kB", bytes as f64 / 1e3),
            bytes => format!("{:.1} MB", bytes as f64 / 1e6),
        }
    }

    /// The page numbers, from 1.
    #[must_use]
    pub fn page_numbers(&self) -> std::ops::RangeInclusive<u32> {
        1..=self.pages
    }
}

/// `/`: the question box and the answer.
#[derive(Debug, Clone, Template)]
#[template(path = "ask.html")]
pub struct AskPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// All collections; a choice is offered when there is more than one.
    pub collections: Vec<String>,
    /// How many documents there are; at 0 the page points to the library instead.
    pub documents: usize,
}

/// `/library`: adding papers, the running jobs and the list of documents.
#[derive(Debug, Clone, Template)]
#[template(path = "library.html")]
pub struct LibraryPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// All collections; a choice is offered when there is more than one.
    pub collections: Vec<String>,
    /// The collection that is chosen at first.
    pub collection: String,
    /// The documents, in the order they are listed.
    pub documents: Vec<Document>,
}

/// `/documents/{id}`: what is known about one document, and its pages.
#[derive(Debug, Clone, Template)]
#[template(path = "document.html")]
pub struct DocumentPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// The document.
    pub document: Document,
}

/// `/documents/{id}/pages/{n}?q=QUOTE`: the text of one page, with the quote marked.
///
/// `before`, `marked` and `after` put together are the text of the page.
#[derive(Debug, Clone, Template)]
#[template(path = "page.html")]
pub struct PageView {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// The document.
    pub document: Document,
    /// The number of the page, from 1.
    pub page: u32,
    /// The quote that was asked for (`?q=`), when one was.
    pub quote: Option<String>,
    /// The text before the quote; the whole text where there is no quote.
    pub before: String,
    /// The quote as the page has it; empty where it was not found.
    pub marked: String,
    /// The text after the quote.
    pub after: String,
}

impl PageView {
    /// The quote that was asked for, when the page does not have it.
    #[must_use]
    pub fn quote_not_found(&self) -> Option<&str> {
        self.quote
            .as_deref()
            .filter(|quote| self.marked.is_empty() && !quote.is_empty())
    }

    /// Whether the page has no text at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        [&self.before, &self.marked, &self.after]
            .iter()
            .all(|text| text.trim().is_empty())
    }
}

/// `/login`: asks for the token of a Lectern that is reachable from other machines.
#[derive(Debug, Clone, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// Where to go after signing in: a path on this server, checked by the handler.
    pub next: String,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Any page that could not be shown: what failed, why, and what to do.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The HTTP status.
    pub status: u16,
    /// What failed, as a heading.
    pub what: String,
    /// Why.
    pub why: String,
    /// What the reader can do about it.
    pub hint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\"'&\n</mark><img src=x onerror=\"alert(2)\">";

    fn hostile_document() -> Document {
        Document {
            id: "../../etc/passwd?x=\"<script>".into(),
            file: format!("{HOSTILE}.pdf"),
            title: Some(HOSTILE.into()),
            authors: vec![HOSTILE.into(), "O'Brien".into()],
            year: Some(2009),
            pages: 3,
            chunks: 12,
            status: HOSTILE.into(),
            collection: HOSTILE.into(),
            added_at: HOSTILE.into(),
            bytes: 1_234_567,
        }
    }

    fn hostile_pages() -> Vec<(&'static str, String)> {
        let hostile = || HOSTILE.to_owned();
        let collections = vec![hostile(), "papers".into()];
        vec![
            (
                "ask",
                AskPage {
                    csrf_token: hostile(),
                    collections: collections.clone(),
                    documents: 2,
                }
                .render()
                .unwrap(),
            ),
            (
                "library",
                LibraryPage {
                    csrf_token: hostile(),
                    collections,
                    collection: hostile(),
                    documents: vec![hostile_document()],
                }
                .render()
                .unwrap(),
            ),
            (
                "document",
                DocumentPage {
                    csrf_token: hostile(),
                    document: hostile_document(),
                }
                .render()
                .unwrap(),
            ),
            (
                "page",
                PageView {
                    csrf_token: hostile(),
                    document: hostile_document(),
                    page: 2,
                    quote: Some(hostile()),
                    before: hostile(),
                    marked: hostile(),
                    after: hostile(),
                }
                .render()
                .unwrap(),
            ),
            (
                "page without its quote",
                PageView {
                    csrf_token: hostile(),
                    document: hostile_document(),
                    page: 2,
                    quote: Some(hostile()),
                    before: hostile(),
                    marked: String::new(),
                    after: String::new(),
                }
                .render()
                .unwrap(),
            ),
            (
                "login",
                LoginPage {
                    next: hostile(),
                    error: Some(hostile()),
                }
                .render()
                .unwrap(),
            ),
            (
                "error",
                ErrorPage {
                    status: 404,
                    what: hostile(),
                    why: hostile(),
                    hint: Some(hostile()),
                }
                .render()
                .unwrap(),
            ),
        ]
    }

    #[test]
    fn hostile_text_never_becomes_markup() {
        for (page, html) in hostile_pages() {
            assert!(!html.contains("<script>"), "{page}: a script got through");
            assert!(
                !html.contains("<img src=x"),
                "{page}: an element got through"
            );
            assert!(
                !html.contains("onerror=\""),
                "{page}: a quote was not escaped"
            );
            assert!(
                html.contains("&#60;script&#62;"),
                "{page}: the text itself is missing"
            );
        }
    }

    #[test]
    fn ids_cannot_leave_their_place_in_an_address() {
        for (page, html) in hostile_pages() {
            for address in html.split("href=\"/documents/").skip(1) {
                let address = address.split('"').next().unwrap();
                let blank_row = page == "library" && address.is_empty();
                assert!(
                    blank_row
                        || address.starts_with("..%2F..%2Fetc%2Fpasswd%3Fx%3D%22%3Cscript%3E"),
                    "{page}: {address}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_inline() {
        // The Content-Security-Policy forbids inline script and style, so either would silently do nothing.
        let escaped = |html: &str| html.replace("onerror=", "");
        for (page, html) in hostile_pages() {
            let html = escaped(&html);
            assert!(!html.contains(" style="), "{page}");
            assert!(!html.contains("<style"), "{page}");
            for event in [
                " onclick=",
                " onload=",
                " onsubmit=",
                " onchange=",
                " oninput=",
                " ondrop=",
            ] {
                assert!(!html.contains(event), "{page}: {event}");
            }
            for script in html.split("<script").skip(1) {
                assert!(
                    script.starts_with(" type=\"module\" src=\"/static/"),
                    "{page}: {script:.60}"
                );
            }
        }
    }

    #[test]
    fn long_right_to_left_and_multi_line_names_are_kept_whole() {
        let file = format!("{}.pdf", "ж".repeat(300));
        let document = Document {
            id: "1".into(),
            file: file.clone(),
            title: Some("מחקר על\nאחזור מידע".into()),
            pages: 1,
            ..Document::default()
        };
        let html = LibraryPage {
            csrf_token: String::new(),
            collections: vec!["papers".into()],
            collection: "papers".into(),
            documents: vec![document],
        }
        .render()
        .unwrap();
        assert!(html.contains(&file));
        assert!(html.contains("מחקר על\nאחזור מידע"));
        assert!(
            html.contains("data-field=\"title\" dir=\"auto\""),
            "the direction follows the text"
        );
        assert!(!html.contains("<select"), "one collection is no choice");
    }

    #[test]
    fn an_empty_library_points_to_where_papers_are_added() {
        let html = AskPage {
            csrf_token: "t".into(),
            collections: vec![],
            documents: 0,
        }
        .render()
        .unwrap();
        assert!(html.contains("href=\"/library\">Add papers to the library</a>"));
        assert!(!html.contains("id=\"question\""));
    }

    #[test]
    fn a_page_is_its_text_with_the_quote_marked() {
        let view = PageView {
            csrf_token: "t".into(),
            document: Document {
                id: "abc".into(),
                file: "a.pdf".into(),
                pages: 3,
                ..Document::default()
            },
            page: 2,
            quote: Some("k = 60".into()),
            before: "We set ".into(),
            marked: "k = 60".into(),
            after: " throughout.".into(),
        };
        let html = view.render().unwrap();
        assert!(
            html.contains(
                "We set <mark id=\"quote\" tabindex=\"-1\">k = 60</mark> throughout.</div>"
            )
        );
        assert!(
            html.contains("/documents/abc/pages/1\"") && html.contains("/documents/abc/pages/3\"")
        );
        assert!(html.contains("/documents/abc/file#page=2\""));
        assert!(html.contains("Back to the answer"));

        let first = PageView {
            page: 1,
            quote: None,
            marked: String::new(),
            ..view.clone()
        }
        .render()
        .unwrap();
        assert!(!first.contains("rel=\"prev\"") && !first.contains("id=\"quote\""));
        assert!(!first.contains("Back to the answer") && !first.contains("could not be found"));

        let last = PageView {
            page: 3,
            marked: String::new(),
            ..view
        }
        .render()
        .unwrap();
        assert!(!last.contains("rel=\"next\"") && last.contains("could not be found"));
    }

    #[test]
    fn pages_before_sign_in_hold_no_token() {
        let login = LoginPage {
            next: "/".into(),
            error: None,
        }
        .render()
        .unwrap();
        let error = ErrorPage {
            status: 500,
            what: "w".into(),
            why: "y".into(),
            hint: None,
        }
        .render()
        .unwrap();
        assert!(!login.contains("csrf-token") && !error.contains("csrf-token"));
        assert!(
            !login.contains("href=\"/library\""),
            "nothing to navigate to yet"
        );
    }

    #[test]
    fn a_document_describes_itself() {
        let document = Document {
            file: "a.pdf".into(),
            title: Some("  ".into()),
            authors: ["A", "B", "C", "D", "E"].map(String::from).to_vec(),
            added_at: "2026-01-02T03:04:05Z".into(),
            ..Document::default()
        };
        assert_eq!(document.display_title(), "a.pdf");
        assert_eq!(document.authors_line(), "A, B, C et al.");
        assert_eq!(document.added_day(), "2026-01-02");
        let size = |bytes| {
            Document {
                bytes,
                ..Document::default()
            }
            .size_text()
        };
        assert_eq!(
            [size(12), size(1_000), size(999_499), size(999_500)],
            ["12 bytes", "1 kB", "999 kB", "1.0 MB"]
        );
    }
}
