//! Holds every quote of an answer to the page that it names: it is verbatim text of that page, and
//! its rectangles cover the lines that it is printed on. The pages are read from the catalog, by
//! another way than the one on which the quotes were made.

use anyhow::Result;
use generation::{Answer, Citation};
use ingest::{Page, Rect, locate};

use crate::catalog::Catalog;

/// Points that a rectangle may be short of the text that it covers: a part of a line is cut by
/// estimate, since characters are not equally wide.
const SLACK: f32 = 12.0;
/// Share of a line's width that the same estimate may be off.
const SLACK_SHARE: f32 = 0.12;

/// What is wrong with the quotes of an answer, a line each; empty where all is right.
///
/// # Errors
/// Where the catalog cannot be read.
pub async fn faults(answer: &Answer, catalog: &Catalog) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for citation in &answer.citations {
        let page = catalog.page(&citation.document_id, citation.page).await?;
        let fault = match &page {
            None => Some("there is no such page".to_owned()),
            Some(page) => fault(citation, page),
        };
        faults.extend(fault.map(|fault| {
            format!(
                "[{}] {}, page {}: {fault}",
                citation.key, citation.file, citation.page
            )
        }));
    }
    for sentence in &answer.sentences {
        let known = |key: &u32| answer.citations.iter().any(|citation| citation.key == *key);
        if sentence.supported == sentence.citations.is_empty()
            || !sentence.citations.iter().all(known)
        {
            faults.push(format!(
                "a sentence says supported = {} and cites {:?}: {}",
                sentence.supported, sentence.citations, sentence.text
            ));
        }
    }
    Ok(faults)
}

/// What is wrong with a quote, given the page that it names.
pub fn fault(citation: &Citation, page: &Page) -> Option<String> {
    let quote = &citation.quote;
    if quote.trim().is_empty() {
        return Some("the quote is empty".to_owned());
    }
    if citation.rects.iter().any(|rect| rect.page != citation.page) {
        return Some("a rectangle is on another page".to_owned());
    }
    let mut places = page.text.match_indices(quote.as_str()).peekable();
    if places.peek().is_none() {
        return Some(format!("the page does not say {quote:?}"));
    }
    // A short quote may stand on the page twice; the rectangles are those of one place.
    let uncovered: Vec<String> = places
        .map_while(|(start, _)| uncovered(citation, page, start))
        .collect();
    let count = page.text.matches(quote.as_str()).count();
    (uncovered.len() == count).then(|| uncovered.into_iter().next().unwrap_or_default())
}

/// The first line of the quote at byte `start` of the page that no rectangle covers.
fn uncovered(citation: &Citation, page: &Page, start: usize) -> Option<String> {
    let end = start + citation.quote.len();
    // Formats without pages in print have lines without place.
    let lines = locate::lines(std::slice::from_ref(page), start, end);
    lines
        .into_iter()
        .filter(|line| has_area(&line.rect))
        .find(|line| {
            let text = page.text.get(start + line.start..start + line.end);
            let is_blank = text.is_none_or(|text| text.trim().is_empty());
            let whole = page
                .lines
                .iter()
                .find(|whole| (whole.start..whole.end).contains(&(start + line.start)))
                .map_or(line.rect, |whole| whole.rect);
            !is_blank
                && !citation
                    .rects
                    .iter()
                    .any(|rect| covers(&rect.rect, &line.rect, &whole))
        })
        .map(|line| {
            let text = page.text.get(start + line.start..start + line.end);
            format!("no rectangle covers {:?}", text.unwrap_or_default())
        })
}

/// True where `rect` covers `part`, the part of the line `whole` that a quote takes up.
fn covers(rect: &Rect, part: &Rect, whole: &Rect) -> bool {
    let height = part.y1 - part.y0;
    let shared = rect.y1.min(part.y1) - rect.y0.max(part.y0);
    let width = whole.x1 - whole.x0;
    // Lines that run upwards or downwards are cut along their height.
    if height > 2.0 * width {
        return shared > 0.0 && rect.x0 < whole.x1 && whole.x0 < rect.x1;
    }
    let slack = SLACK.max(width * SLACK_SHARE);
    shared >= 0.5 * height && rect.x0 <= part.x0 + slack && part.x1 <= rect.x1 + slack
}

fn has_area(rect: &Rect) -> bool {
    rect.x1 > rect.x0 && rect.y1 > rect.y0
}

#[cfg(test)]
mod tests {
    use super::*;
    use ingest::{Line, PageRect};

    fn page() -> Page {
        let line = |y0: f32, start, end| Line {
            rect: Rect {
                x0: 50.0,
                y0,
                x1: 250.0,
                y1: y0 + 10.0,
            },
            start,
            end,
            font_size: 10.0,
            spans: Vec::new(),
        };
        Page {
            number: 3,
            width: 300.0,
            height: 400.0,
            text: "It takes only 35ms\non average. It takes only 35ms".to_owned(),
            lines: vec![line(20.0, 0, 18), line(32.0, 19, 49)],
            ..Page::default()
        }
    }

    fn citation(quote: &str, rects: &[[f32; 4]]) -> Citation {
        Citation {
            key: 1,
            document_id: "d".to_owned(),
            file: "a.pdf".to_owned(),
            title: "A".to_owned(),
            authors: Vec::new(),
            year: None,
            page: 3,
            quote: quote.to_owned(),
            rects: rects
                .iter()
                .map(|&[x0, y0, x1, y1]| PageRect {
                    page: 3,
                    rect: Rect { x0, y0, x1, y1 },
                })
                .collect(),
            chunk_id: 1,
            score: 1.0,
        }
    }

    #[test]
    fn verbatim_and_covered_quotes_pass() {
        let both = [[50.0, 20.0, 250.0, 30.0], [50.0, 32.0, 125.0, 42.0]];
        let quote = "takes only 35ms\non average.";
        assert_eq!(fault(&citation(quote, &both), &page()), None);
        // It stands there twice, and the second place is the one that is covered.
        let second = [[130.0, 32.0, 250.0, 42.0]];
        assert_eq!(fault(&citation("It takes only", &second), &page()), None);
    }

    #[test]
    fn what_is_changed_or_uncovered_is_found() {
        let whole = [[50.0, 20.0, 250.0, 30.0]];
        let says =
            |quote: &str, rects: &[[f32; 4]]| fault(&citation(quote, rects), &page()).unwrap();
        assert!(says("It takes only 36ms", &whole).contains("does not say"));
        assert!(says("It takes only 35ms on average.", &whole).contains("does not say"));
        assert!(says(" ", &whole).contains("empty"));
        let uncovered = says("It takes only 35ms\non average.", &whole);
        assert!(uncovered.contains("on average."), "{uncovered}");
        assert!(says("on average.", &[]).contains("no rectangle"));
        assert!(says("on average.", &[[180.0, 32.0, 250.0, 42.0]]).contains("no rectangle"));
        assert!(says("on average.", &[[50.0, 60.0, 250.0, 70.0]]).contains("no rectangle"));
        let mut elsewhere = citation("on average.", &whole);
        elsewhere.rects[0].page = 4;
        assert!(fault(&elsewhere, &page()).unwrap().contains("another page"));
    }

    #[test]
    fn lines_without_a_place_need_no_rectangle() {
        let mut page = page();
        for line in &mut page.lines {
            line.rect = Rect::default();
        }
        assert_eq!(fault(&citation("on average.", &[]), &page), None);
    }
}
