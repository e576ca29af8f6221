use generation::quote::quote;

use crate::fakes::{passage, passage_on};

#[test]
fn a_quote_is_the_pages_bytes_with_a_rectangle_a_line() {
    let passage = passage("a", "A", "zero one\ntwo three\nfour");
    let found = quote(&passage, 4..14);
    assert_eq!(found.text, "one\ntwo t");
    assert_eq!(found.range, 5..14);
    assert_eq!(found.page, 3);
    let rects: Vec<(f32, f32, f32)> = found
        .rects
        .iter()
        .map(|rect| (rect.rect.x0, rect.rect.x1, rect.rect.y0))
        .collect();
    assert_eq!(rects[0], (162.5, 200.0, 0.0));
    assert_eq!(rects[1].0, 100.0);
    assert!((rects[1].1 - 155.555).abs() < 0.01, "{rects:?}");
    assert_eq!(rects.len(), 2);
}

#[test]
fn a_quote_stays_on_the_page_that_has_most_of_it() {
    let passage = passage_on(
        "a",
        "A",
        &[
            (4, "The first half ends"),
            (5, "here, and the longer\npart is here."),
        ],
    );
    let found = quote(&passage, 0..passage.text.len());
    assert_eq!(found.page, 5);
    assert_eq!(found.text, "here, and the longer\npart is here.");
    assert!(found.rects.iter().all(|rect| rect.page == 5));
    assert_eq!(quote(&passage, 0..25).page, 4);
    assert_eq!(quote(&passage, 0..25).text, "The first half ends");
}

#[test]
fn characters_of_several_bytes_are_not_cut() {
    let passage = passage("a", "A", "żółw — 速い");
    let found = quote(&passage, 0..passage.text.len());
    assert_eq!(found.text, "żółw — 速い");
    assert_eq!(
        (found.rects[0].rect.x0, found.rects[0].rect.x1),
        (100.0, 200.0)
    );
}

#[test]
fn a_passage_without_lines_gives_its_page_and_no_rectangles() {
    let mut passage = passage("a", "A", "Some text.");
    passage.lines.clear();
    let found = quote(&passage, 0..5);
    assert_eq!(
        (found.page, found.text.as_str(), found.rects.len()),
        (3, "Some", 0)
    );
}
