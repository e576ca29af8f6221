//! The pages hold together whatever a paper or a file name says.

use super::*;

const HOSTILE: &str = "<script>alert(1)</script>\"'&\n</mark><img src=x onerror=\"alert(2)\">";

fn hostile_paper() -> Paper {
    let hostile = || HOSTILE.to_owned();
    Paper {
        venue: Some(hostile()),
        doi: Some(hostile()),
        arxiv_id: Some(hostile()),
        abstract_text: vec![hostile()],
        keywords: vec![hostile()],
        warnings: vec![hostile()],
        references: vec![(hostile(), Some(hostile_document().id)), (hostile(), None)],
        cited_by: vec![(hostile_document().id, hostile())],
        duplicates: vec![(hostile_document().id, hostile(), hostile())],
    }
}

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
        is_pdf: true,
    }
}

fn hostile_search() -> SearchPage {
    let hostile = || HOSTILE.to_owned();
    let choice = || Choice {
        value: hostile(),
        label: hostile(),
        is_chosen: true,
    };
    SearchPage {
        csrf_token: hostile(),
        documents: 2,
        form: SearchForm {
            query: hostile(),
            like: Some(hostile()),
            modes: vec![choice()],
            collections: vec![hostile(), "papers".into()],
            collection: hostile(),
            author: hostile(),
            year: hostile(),
            venue: hostile(),
            documents: vec![hostile()],
            sections: vec![choice()],
            diversify: "0.5".into(),
            is_diverse: true,
        },
        problem: Some(crate::error::Problem::new(
            crate::error::Fault::Usage,
            "year_invalid",
            hostile(),
            hostile(),
        )),
        warnings: vec![hostile()],
        nothing: Some(hostile()),
        results: vec![SearchResult {
            chunk_id: 7,
            document_id: hostile_document().id,
            title: hostile(),
            byline: hostile(),
            page: 2,
            pages: "Page 2".into(),
            section: Some(hostile()),
            parts: vec![(false, hostile()), (true, hostile())],
        }],
        first: 1,
        previous: Some("/search?q=%3Cscript%3E".into()),
        next: Some("/search?q=%3Cscript%3E&offset=8".into()),
    }
}

fn hostile_conversation() -> crate::catalog::Conversation {
    crate::catalog::Conversation {
        id: hostile_document().id,
        title: HOSTILE.to_owned(),
        collection: Some(HOSTILE.to_owned()),
        documents: vec![HOSTILE.to_owned()],
        turns: 1,
        created_at: HOSTILE.to_owned(),
        updated_at: HOSTILE.to_owned(),
    }
}

fn hostile_turn() -> TurnView {
    let hostile = || HOSTILE.to_owned();
    let cite = CiteView {
        key: 1,
        label: hostile(),
    };
    let sentence = |is_supported| SentenceView {
        text: hostile(),
        is_supported,
        cites: vec![cite.clone()],
    };
    TurnView {
        position: 1,
        question: hostile(),
        standalone: Some(hostile()),
        short: Some((hostile(), Some(cite.clone()))),
        paragraphs: vec![ParagraphView {
            heading: Some(hostile()),
            sentences: vec![sentence(true), sentence(false)],
        }],
        unsupported: 1,
        warnings: vec![hostile()],
        made_by: hostile(),
        sources: vec![SourceView {
            key: 1,
            title: hostile(),
            byline: hostile(),
            quote: hostile(),
            file: hostile(),
            page: 2,
            document_id: hostile_document().id,
            short_quote: hostile(),
            back: hostile(),
            is_pdf: true,
            mark: Some(false),
        }],
        feedback: Some(FeedbackForm {
            answer_id: hostile(),
            id: hostile(),
            is_bad: true,
            reasons: vec![ReasonChoice {
                name: "wrong",
                label: "It is wrong",
                is_chosen: true,
            }],
            correction: hostile(),
            comment: hostile(),
            ..FeedbackForm::default()
        }),
        ..TurnView::default()
    }
}

fn hostile_feedback() -> FeedbackPage {
    let hostile = || HOSTILE.to_owned();
    FeedbackPage {
        csrf_token: hostile(),
        tabs: vec![FeedbackTab {
            name: "pending",
            label: "To review",
            count: 1,
            is_current: true,
        }],
        state: "pending",
        cards: vec![FeedbackCard {
            id: hostile(),
            question: hostile(),
            from: hostile(),
            created_at: hostile(),
            judgement: hostile(),
            reasons: vec!["It is wrong"],
            answer: hostile(),
            correction: Some(hostile()),
            comment: Some(hostile()),
            learnt: hostile(),
            has_prompt: true,
            prompt: vec![(hostile(), hostile())],
            refusal: "No.",
            citations: vec![JudgedCitation {
                key: 1,
                title: hostile(),
                page: 2,
                quote: hostile(),
                document_id: hostile_document().id,
                mark: Some("supports it"),
            }],
            evidence: vec![(hostile(), hostile())],
            history: vec![hostile()],
            can_approve: true,
            can_reject: true,
            ..FeedbackCard::default()
        }],
        next: Some(hostile()),
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
                conversation: Some(hostile_conversation()),
                turns: vec![hostile_turn()],
                about: vec![(hostile_document().id, hostile())],
                recent: vec![hostile_conversation()],
            }
            .render()
            .unwrap(),
        ),
        (
            "conversations",
            ConversationsPage {
                csrf_token: hostile(),
                conversations: vec![hostile_conversation()],
                next: Some(hostile()),
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
                paper: hostile_paper(),
                collections: vec![hostile(), "papers".into()],
            }
            .render()
            .unwrap(),
        ),
        ("search", hostile_search().render().unwrap()),
        ("feedback", hostile_feedback().render().unwrap()),
        (
            "page",
            PageView {
                csrf_token: hostile(),
                document: hostile_document(),
                page: 2,
                image: Some(PageImage {
                    width: 612.0,
                    height: 792.0,
                    marks: vec![ingest::Rect::default()],
                }),
                quote: Some(hostile()),
                before: hostile(),
                marked: hostile(),
                after: hostile(),
                back: None,
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
                image: Some(PageImage {
                    width: 612.0,
                    height: 792.0,
                    marks: vec![ingest::Rect::default()],
                }),
                quote: Some(hostile()),
                before: hostile(),
                marked: String::new(),
                after: String::new(),
                back: None,
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
                blank_row || address.starts_with("..%2F..%2Fetc%2Fpasswd%3Fx%3D%22%3Cscript%3E"),
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
        ..AskPage::default()
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
        image: None,
        quote: Some("k = 60".into()),
        before: "We set ".into(),
        marked: "k = 60".into(),
        after: " throughout.".into(),
        back: Some("/conversations/0199-ab#turn-2".into()),
    };
    let html = view.render().unwrap();
    assert!(
        html.contains("We set <mark id=\"quote\" tabindex=\"-1\">k = 60</mark> throughout.</div>")
    );
    assert!(html.contains("/documents/abc/pages/1\"") && html.contains("/documents/abc/pages/3\""));
    assert!(!html.contains("/file#page"), "only PDFs open at a page");
    assert!(html.contains("href=\"/conversations/0199-ab#turn-2\" class=\"back-to-answer\""));

    let printed = PageView {
        image: Some(PageImage {
            width: 612.0,
            height: 792.0,
            marks: vec![ingest::Rect {
                x0: 72.0,
                y0: 100.0,
                x1: 200.0,
                y1: 112.0,
            }],
        }),
        ..view.clone()
    }
    .render()
    .unwrap();
    assert!(printed.contains("/documents/abc/file#page=2\""));
    assert!(printed.contains("/documents/abc/pages/2.png?width=1400"));
    assert!(printed.contains("<rect id=\"quote\" x=\"72\" y=\"100\" width=\"128\" height=\"12\""));
    assert!(printed.contains("<mark id=\"quote-text\""));

    let first = PageView {
        page: 1,
        quote: None,
        back: None,
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
