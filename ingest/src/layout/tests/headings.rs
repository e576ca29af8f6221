//! Which lines are headings, and of which level.

use expect_test::expect;

use super::super::{Hints, lay_out};
use super::builder::{BOLD, ITALIC, PLAIN, Sheet, check, show};
use crate::{BlockKind, OutlineEntry, Page};

#[test]
fn items_initials_contents_and_labels_are_no_headings() {
    let mut sheet = Sheet::new(1);
    sheet.line(BOLD, "A. N. Writer");
    sheet.gap(12.0).line(BOLD, "Contents");
    sheet
        .gap(6.0)
        .text("1 Introduction\t\t\t3")
        .text("2 Methods\t\t\t5");
    sheet.gap(14.0).line(BOLD, "1 Introduction");
    sheet.gap(6.0).prose(3, "We ask three things:");
    sheet
        .gap(6.0)
        .text("1. Which lines are headings")
        .text("2. Which lines are text")
        .text("3. Which lines are notes");
    sheet.gap(6.0).prose(2, "So much for that.");
    sheet.gap(12.0).put_next(&[
        (BOLD, "Run in."),
        (PLAIN, "This paragraph starts with its own title in bold"),
    ]);
    sheet.prose(2, "So much for that, too.");
    sheet.gap(14.0).line(BOLD, "2 Methods");
    sheet.gap(6.0).prose(2, "The end.");
    check(
        vec![sheet.page()],
        expect![[r#"
            1: paragraph | A. N. Writer
            1: heading1 | Contents
            1: table | 1 Introduction ;  ;  ; 3 / 2 Methods ;  ;  ; 5
            1: heading1 | 1 Introduction
            1: paragraph | These words bf fill one line of the column, as wide as a / These words bg fill one line of the column, as wide as a / We ask three things:
            1: item | 1. Which lines are headings
            1: item | 2. Which lines are text
            1: item | 3. Which lines are notes
            1: paragraph | These words bl fill one line of the column, as wide as a / So much for that.
            1: paragraph | Run in. This paragraph starts with its own title in bold / These words bo fill one line of the column, as wide as a / So much for that, too.
            1: heading1 | 2 Methods
            1: paragraph | These words br fill one line of the column, as wide as a / The end.
        "#]],
    );
}

#[test]
fn a_title_drawn_after_the_text_is_the_title() {
    let mut sheet = Sheet::new(1);
    sheet.size = 12.0;
    sheet.gap(60.0).line(BOLD, "Summary");
    sheet.size = 10.0;
    sheet.gap(6.0).prose(4, "The end.");
    sheet.size = 12.0;
    sheet.gap(14.0).line(BOLD, "1. Introduction");
    sheet.size = 10.0;
    sheet.gap(6.0).prose(4, "The end.");
    sheet.put(100.0, 60.0, 18.0, &[(BOLD, "A Title Drawn Late")]);
    sheet.put(100.0, 80.0, 18.0, &[(BOLD, "of Two Lines")]);
    sheet.put(100.0, 100.0, 10.0, &[(PLAIN, "Ann Lee")]);
    let page = sheet.page();
    assert_eq!(headings(page.clone()), ["1 Summary", "1 1. Introduction"]);
    let mut pages = vec![page];
    lay_out(&mut pages, &Hints::default());
    let kinds: Vec<BlockKind> = pages[0].blocks.iter().map(|block| block.kind).collect();
    assert!(
        kinds.ends_with(&[BlockKind::Title, BlockKind::Author]),
        "{kinds:?}"
    );
}

#[test]
fn labels_of_theorems_are_no_headings() {
    let mut sheet = Sheet::new(1);
    for (number, title) in [
        "1 Spaces",
        "Definition 1 (Space)",
        "Theorem 1.2",
        "Proof",
        "2 Maps",
    ]
    .iter()
    .enumerate()
    {
        sheet.gap(14.0).line(BOLD, title);
        sheet.gap(6.0).prose(
            3,
            if number == 0 {
                "It begins."
            } else {
                "The end."
            },
        );
    }
    let mut pages = vec![sheet.page()];
    lay_out(&mut pages, &Hints::default());
    let headings: Vec<&str> = pages[0]
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::Heading)
        .map(|block| pages[0].slice(block.start, block.end))
        .collect();
    assert_eq!(headings, ["1 Spaces", "2 Maps"]);
}

#[test]
fn levels_of_headings_without_numbers() {
    let mut sheet = Sheet::new(1);
    sheet.size = 10.0;
    for (title, size) in [
        ("Introduction", 14.0),
        ("Older Views", 12.0),
        ("Newer Views", 12.0),
        ("Results", 14.0),
    ] {
        sheet.gap(16.0);
        sheet.size = size;
        sheet.line(BOLD, title);
        sheet.size = 10.0;
        sheet.gap(6.0).prose(3, "The end.");
    }
    check(
        vec![sheet.page()],
        expect![[r#"
            1: heading1 | Introduction
            1: paragraph | These words bb fill one line of the column, as wide as a / These words bc fill one line of the column, as wide as a / The end.
            1: heading2 | Older Views
            1: paragraph | These words bf fill one line of the column, as wide as a / These words bg fill one line of the column, as wide as a / The end.
            1: heading2 | Newer Views
            1: paragraph | These words bj fill one line of the column, as wide as a / These words bk fill one line of the column, as wide as a / The end.
            1: heading1 | Results
            1: paragraph | These words bn fill one line of the column, as wide as a / These words bo fill one line of the column, as wide as a / The end.
        "#]],
    );
}

/// The headings of a page with their levels.
fn headings(page: Page) -> Vec<String> {
    let mut pages = vec![page];
    lay_out(&mut pages, &Hints::default());
    pages[0]
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::Heading)
        .map(|block| {
            format!(
                "{} {}",
                block.level.unwrap_or(0),
                pages[0].slice(block.start, block.end).replace('\n', " ")
            )
        })
        .collect()
}

#[test]
fn roman_numbers_in_capitals_and_letters_in_italics() {
    let mut sheet = Sheet::new(1);
    sheet.put(150.0, 60.0, 20.0, &[(PLAIN, "A Title in Large Type")]);
    sheet.put(250.0, 85.0, 11.0, &[(PLAIN, "A. B. Writer, Member")]);
    for (x, font, title) in [
        (200.0, PLAIN, "I. INTRODUCTION"),
        (200.0, PLAIN, "II. RELATED WORK"),
        (100.0, ITALIC, "A. Older Work"),
        (100.0, ITALIC, "B. Newer Work"),
        (200.0, PLAIN, "III. CONCLUSION"),
        (220.0, PLAIN, "REFERENCES"),
    ] {
        sheet.gap(10.0).to(x).line(font, title);
        sheet.gap(4.0).to(100.0).prose(4, "The end.");
    }
    assert_eq!(
        headings(sheet.page()),
        [
            "1 I. INTRODUCTION",
            "1 II. RELATED WORK",
            "2 A. Older Work",
            "2 B. Newer Work",
            "1 III. CONCLUSION",
            "1 REFERENCES"
        ]
    );
}

#[test]
fn headings_in_bold_at_the_size_of_the_text() {
    let mut sheet = Sheet::new(1);
    sheet.put(100.0, 60.0, 20.0, &[(BOLD, "A Title in Large Type")]);
    sheet.put(100.0, 85.0, 10.0, &[(PLAIN, "Ann Lee & Bo Ray")]);
    sheet.gap(20.0).prose(5, "The abstract ends.");
    for title in [
        "Older lines are shorter",
        "Newer lines are longer than it was thought that they could be",
        "Methods",
        "Lines",
    ] {
        sheet.gap(10.0).line(BOLD, title);
        sheet.prose(4, "The end.");
    }
    assert_eq!(
        headings(sheet.page()),
        [
            "1 Older lines are shorter",
            "1 Newer lines are longer than it was thought that they could be",
            "1 Methods",
            "1 Lines",
        ]
    );
}

#[test]
fn headings_of_two_lines_in_a_narrow_column() {
    let mut sheet = Sheet::new(1);
    for (first, second) in [
        ("1 Achieving Tolerance by", "Replicated State"),
        ("2 What is Wrong with", "Simple Machines?"),
    ] {
        sheet.gap(12.0);
        sheet.size = 12.0;
        sheet.leading = 14.0;
        sheet.line(BOLD, first).line(BOLD, second);
        sheet.size = 10.0;
        sheet.leading = 12.0;
        sheet.gap(6.0).prose(5, "The end.");
    }
    assert_eq!(
        headings(sheet.page()),
        [
            "1 1 Achieving Tolerance by Replicated State",
            "1 2 What is Wrong with Simple Machines?"
        ]
    );
}

#[test]
fn headings_of_chinese_and_german_papers() {
    let mut sheet = Sheet::new(1);
    for title in [
        "摘要",
        "1 引言",
        "2 实验方法",
        "参考文献",
        "Zusammenfassung",
        "Literaturverzeichnis",
    ] {
        sheet.gap(12.0).line(BOLD, title);
        sheet.gap(4.0).prose(3, "The end.");
    }
    assert_eq!(
        headings(sheet.page()),
        [
            "1 摘要",
            "1 1 引言",
            "1 2 实验方法",
            "1 参考文献",
            "1 Zusammenfassung",
            "1 Literaturverzeichnis"
        ]
    );
}

#[test]
fn the_outline_makes_plain_lines_headings() {
    let mut sheet = Sheet::new(1);
    sheet.prose(4, "The end.");
    sheet.gap(10.0).text("What Comes Next");
    sheet.gap(6.0).prose(4, "The end.");
    let outline = [OutlineEntry {
        title: "1.1 What comes next".to_owned(),
        level: 2,
        page: Some(1),
    }];
    let mut pages = vec![sheet.page()];
    lay_out(
        &mut pages,
        &Hints {
            outline: &outline,
            ..Hints::default()
        },
    );
    expect![[r#"
        1: paragraph | These words ba fill one line of the column, as wide as a / These words bb fill one line of the column, as wide as a / These words bc fill one line of the column, as wide as a / The end.
        1: heading2 | What Comes Next
        1: paragraph | These words bf fill one line of the column, as wide as a / These words bg fill one line of the column, as wide as a / These words bh fill one line of the column, as wide as a / The end.
    "#]].assert_eq(&show(&pages));
}
