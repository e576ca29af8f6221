//! What pages of many kinds are made into.

use expect_test::{Expect, expect};

use super::super::{Hints, lay_out, mark_references};
use super::builder::{BOLD, ITALIC, MONO, PLAIN, Sheet, show};
use crate::{BlockKind, OutlineEntry, Page, Reference};

fn check(mut pages: Vec<Page>, expected: Expect) {
    lay_out(&mut pages, &Hints::default());
    expected.assert_eq(&show(&pages));
}

#[test]
fn a_paper_of_two_pages() {
    let mut first = Sheet::new(1);
    first.put(150.0, 70.0, 18.0, &[(BOLD, "On the Length of")]);
    first.put(150.0, 92.0, 18.0, &[(BOLD, "Lines")]);
    first.put(200.0, 120.0, 10.0, &[(PLAIN, "Ann Lee, Bo Ray")]);
    first.at(100.0, 140.0).line(BOLD, "Abstract");
    first.gap(4.0).prose(3, "the page.");
    first.gap(14.0).line(BOLD, "1 Introduction");
    first.gap(6.0).prose(3, "A short last line.");
    first
        .to(115.0)
        .text("An indented line starts a paragraph, which goes on at the");
    first
        .to(100.0)
        .text("edge of the column, and names it self-");
    first.text("consciously for infor-").text("mation:");
    first
        .gap(6.0)
        .to(115.0)
        .text("• one item, which is long enough to go on in the next");
    first.to(125.0).text("line under its text;");
    first.to(115.0).text("• another item.");
    first.gap(6.0).to(100.0).text("The bound is");
    first.gap(8.0).to(250.0).text("f(x) = a + b < 2\t(1)");
    first
        .gap(8.0)
        .to(100.0)
        .text("where a and b are numbers that do not end before the");
    first.put(
        100.0,
        700.0,
        8.0,
        &[(PLAIN, "1 A note in small type at the foot of the page,")],
    );
    first.put(100.0, 710.0, 8.0, &[(PLAIN, "of two lines.")]);
    first.put(290.0, 760.0, 10.0, &[(PLAIN, "1")]);
    let mut second = Sheet::new(2);
    second.put(100.0, 50.0, 9.0, &[(ITALIC, "On the Length of Lines")]);
    second.text("page does, since their sentence is long.");
    second.gap(14.0).line(BOLD, "1.1 Tables and");
    second.line(BOLD, "Listings");
    second.gap(6.0).prose(2, "See Table 1.");
    second.gap(10.0).text("Table 1: Lengths of lines.");
    second.gap(6.0).text("Name\tLength\tCount");
    second.text("short\t3\t14").text("long\t60\t15");
    second.gap(10.0).line(MONO, "for line in lines:");
    second.to(124.0).line(MONO, "print(line)");
    second.gap(14.0).to(100.0).line(BOLD, "References");
    second
        .gap(6.0)
        .text("[1] A. Writer. A title that is long enough to go on. In the");
    second.to(115.0).text("Journal, 1999.");
    second.to(100.0).text("[2] B. Writer. Another title. 2001.");
    second.put(290.0, 760.0, 10.0, &[(PLAIN, "2")]);
    check(
        vec![first.page(), second.page()],
        expect![[r#"
            1: number | 1
            1: title | On the Length of / Lines
            1: author | Ann Lee, Bo Ray
            1: heading1 | Abstract
            1: abstract | These words be fill one line of the column, as wide as a / These words bf fill one line of the column, as wide as a / the page.
            1: heading1 | 1 Introduction
            1: paragraph | These words bi fill one line of the column, as wide as a / These words bj fill one line of the column, as wide as a / A short last line.
            1: paragraph | An indented line starts a paragraph, which goes on at the / edge of the column, and names it selfconsciously for information:
            1: item | • one item, which is long enough to go on in the next / line under its text;
            1: item | • another item.
            1: paragraph | The bound is
            1: equation | f(x) = a + b < 2 (1)
            1: paragraph | where a and b are numbers that do not end before the
            1: footnote | 1 A note in small type at the foot of the page, / of two lines.
            2: header | On the Length of Lines
            2: number | 2
            2: paragraph+ | page does, since their sentence is long.
            2: heading2 | 1.1 Tables and / Listings
            2: paragraph | These words ce fill one line of the column, as wide as a / See Table 1.
            2: caption | Table 1: Lengths of lines.
            2: table | Name ; Length ; Count / short ; 3 ; 14 / long ; 60 ; 15
            2: code | for line in lines: /     print(line)
            2: heading1 | References
            2: reference | [1] A. Writer. A title that is long enough to go on. In the / Journal, 1999.
            2: reference | [2] B. Writer. Another title. 2001.
        "#]],
    );
}

/// Pages of text with heads and feet that a test adds.
fn pages(count: u32, furnish: impl Fn(&mut Sheet, u32)) -> Vec<Page> {
    (1..=count)
        .map(|number| {
            let mut sheet = Sheet::new(number);
            sheet.prose(20, "The page ends here.");
            furnish(&mut sheet, number);
            sheet.page()
        })
        .collect()
}

/// What went to the margins of pages, and the first lines of their texts.
fn check_margins(mut pages: Vec<Page>, expected: Expect) {
    lay_out(&mut pages, &Hints::default());
    let mut out = String::new();
    for page in &pages {
        let margins: Vec<String> = page
            .margins
            .iter()
            .map(|margin| format!("{:?} {}", margin.kind, margin.text))
            .collect();
        let first = page.text.lines().next().unwrap_or("");
        out.push_str(&format!(
            "{}: {} | {first}\n",
            page.number,
            margins.join(", ")
        ));
    }
    expected.assert_eq(&out);
}

#[test]
fn heads_alternate_and_first_pages_have_none() {
    let pages = pages(6, |sheet, number| {
        let number_text = (number + 100).to_string();
        if number == 1 {
            sheet.put(290.0, 760.0, 10.0, &[(PLAIN, &number_text)]);
        } else if number % 2 == 0 {
            sheet.put(100.0, 50.0, 9.0, &[(PLAIN, &number_text)]);
            sheet.put(300.0, 50.0, 9.0, &[(ITALIC, "A. Lee and B. Ray")]);
        } else {
            sheet.put(200.0, 50.0, 9.0, &[(ITALIC, "On the Length of Lines")]);
            sheet.put(480.0, 50.0, 9.0, &[(PLAIN, &number_text)]);
        }
    });
    check_margins(
        pages,
        expect![[r#"
            1: PageNumber 101 | These words ba fill one line of the column, as wide as a
            2: Header 102, Header A. Lee and B. Ray | These words ca fill one line of the column, as wide as a
            3: Header On the Length of Lines, Header 103 | These words da fill one line of the column, as wide as a
            4: Header 104, Header A. Lee and B. Ray | These words ea fill one line of the column, as wide as a
            5: Header On the Length of Lines, Header 105 | These words fa fill one line of the column, as wide as a
            6: Header 106, Header A. Lee and B. Ray | These words ga fill one line of the column, as wide as a
        "#]],
    );
}

#[test]
fn heads_that_name_sections_are_known_by_their_place() {
    let sections = [
        "Introduction",
        "Theory",
        "Theory",
        "Methods",
        "Methods",
        "Results",
        "Results",
        "Discussion",
    ];
    let pages = pages(8, |sheet, number| {
        let text = format!("{} {}", sections[number as usize - 1], number);
        sheet.put(100.0, 50.0, 9.0, &[(ITALIC, &text)]);
    });
    check_margins(
        pages,
        expect![[r#"
            1: Header Introduction 1 | These words ba fill one line of the column, as wide as a
            2: Header Theory 2 | These words ca fill one line of the column, as wide as a
            3: Header Theory 3 | These words da fill one line of the column, as wide as a
            4: Header Methods 4 | These words ea fill one line of the column, as wide as a
            5: Header Methods 5 | These words fa fill one line of the column, as wide as a
            6: Header Results 6 | These words ga fill one line of the column, as wide as a
            7: Header Results 7 | These words ha fill one line of the column, as wide as a
            8: Header Discussion 8 | These words ia fill one line of the column, as wide as a
        "#]],
    );
}

#[test]
fn first_lines_of_text_are_no_heads() {
    // At the same height on every page, with the same words but for a number.
    let pages: Vec<Page> = (1..=5)
        .map(|number| {
            let mut sheet = Sheet::new(number);
            sheet.text(&format!(
                "line {} of the text goes on over the page and is not repeated",
                "abcde".get(..number as usize).unwrap_or("")
            ));
            sheet.prose(10, "The end.");
            sheet.page()
        })
        .collect();
    check_margins(
        pages,
        expect![[r#"
        1:  | line a of the text goes on over the page and is not repeated
        2:  | line ab of the text goes on over the page and is not repeated
        3:  | line abc of the text goes on over the page and is not repeated
        4:  | line abcd of the text goes on over the page and is not repeated
        5:  | line abcde of the text goes on over the page and is not repeated
    "#]],
    );
}

#[test]
fn the_head_of_a_table_over_pages_stays() {
    let pages: Vec<Page> = (1..=4)
        .map(|number| {
            let mut sheet = Sheet::new(number);
            sheet.text("Name\tLength\tCount");
            for row in 0..20 {
                sheet.text(&format!("row {row}\t{number}\t{row}"));
            }
            sheet.page()
        })
        .collect();
    check_margins(
        pages,
        expect![[r#"
        1:  | Name	Length	Count
        2:  | Name	Length	Count
        3:  | Name	Length	Count
        4:  | Name	Length	Count
    "#]],
    );
}

#[test]
fn page_numbers_in_many_forms() {
    for forms in [
        ["Page 1 of 3", "Page 2 of 3", "Page 3 of 3"],
        ["1/3", "2/3", "3/3"],
        ["iv", "v", "vi"],
        ["- 1 -", "- 2 -", "- 3 -"],
        ["第 1 页", "第 2 页", "第 3 页"],
    ] {
        let mut pages = pages(3, |sheet, number| {
            sheet.put(290.0, 760.0, 10.0, &[(PLAIN, forms[number as usize - 1])]);
        });
        lay_out(&mut pages, &Hints::default());
        for page in &pages {
            assert_eq!(page.margins.len(), 1, "{forms:?}");
            assert!(page.text.ends_with("here."), "{forms:?}");
        }
    }
}

#[test]
fn numbers_that_end_a_page_without_counting_stay() {
    let mut pages = pages(4, |sheet, number| {
        sheet.gap(0.0).text(&(number * 7 + 3).to_string());
    });
    lay_out(&mut pages, &Hints::default());
    assert!(pages.iter().all(|page| page.margins.is_empty()));
}

#[test]
fn a_heading_at_the_top_of_a_page_is_no_head_though_the_abstract_has_its_words() {
    let mut first = Sheet::new(1);
    first.put(150.0, 70.0, 16.0, &[(BOLD, "A Title")]);
    first
        .at(100.0, 100.0)
        .text("We count proof of work, and more.")
        .prose(5, "The end.");
    let mut second = Sheet::new(2);
    second.at(100.0, 50.0).line(BOLD, "4. Proof of Work");
    second.gap(10.0).prose(5, "The end.");
    let mut pages = vec![first.page(), second.page()];
    lay_out(&mut pages, &Hints::default());
    assert!(pages[1].text.starts_with("4. Proof of Work"));
}

#[test]
fn listings_keep_closing_braces_and_indents() {
    let mut sheet = Sheet::new(1);
    sheet.prose(4, "it reads:");
    sheet.gap(8.0).line(MONO, "int main() {");
    sheet
        .to(118.0)
        .line(MONO, "for (;;)")
        .to(136.0)
        .line(MONO, "go();");
    sheet.to(100.0).line(MONO, "}");
    sheet.gap(8.0).put_next(&[(PLAIN, "It is short, and")]);
    sheet.put_next(&[(MONO, "main")]).text("is its name.");
    check(
        vec![sheet.page()],
        expect![[r#"
            1: paragraph | These words ba fill one line of the column, as wide as a / These words bb fill one line of the column, as wide as a / These words bc fill one line of the column, as wide as a / it reads:
            1: code | int main() { /    for (;;) /       go(); / }
            1: paragraph | It is short, and / main / is its name.
        "#]],
    );
}

#[test]
fn labels_of_figures_are_no_notes_items_or_paragraphs() {
    let mut sheet = Sheet::new(1);
    sheet.prose(4, "The end.");
    for (row, text) in ["1 (-20.4 Ht)", "(1) fork", "worker", "● ●", "0.5"]
        .iter()
        .enumerate()
    {
        sheet.put(
            150.0 + 40.0 * row as f32,
            500.0 + 30.0 * row as f32,
            7.0,
            &[(PLAIN, text)],
        );
    }
    sheet.at(100.0, 650.0).text("Figure 1: Labels.");
    check(
        vec![sheet.page()],
        expect![[r#"
        1: paragraph | These words ba fill one line of the column, as wide as a / These words bb fill one line of the column, as wide as a / These words bc fill one line of the column, as wide as a / The end.
        1: paragraph | 1 (-20.4 Ht) / (1) fork / worker / ● ● / 0.5
        1: caption | Figure 1: Labels.
    "#]],
    );
}

#[test]
fn imprint_and_side_column_of_a_first_page() {
    let mut sheet = Sheet::new(1);
    sheet.put(200.0, 70.0, 16.0, &[(BOLD, "A Title of Its Own")]);
    for (row, text) in [
        "DOI: 10.0000/x",
        "Submitted: 3 April",
        "Published: 4 May",
        "License",
    ]
    .iter()
    .enumerate()
    {
        sheet.put(30.0, 200.0 + 12.0 * row as f32, 8.0, &[(PLAIN, text)]);
    }
    sheet.x = 200.0;
    sheet.prose(12, "The end.");
    sheet.put(
        100.0,
        770.0,
        8.0,
        &[(
            PLAIN,
            "Lee (2024). A Title of Its Own. https://doi.org/10.0000/x",
        )],
    );
    check(
        vec![sheet.page()],
        expect![[r#"
            1: aside | DOI: 10.0000/x
            1: aside | Submitted: 3 April
            1: aside | Published: 4 May
            1: aside | License
            1: footer | Lee (2024). A Title of Its Own. https://doi.org/10.0000/x
            1: title | A Title of Its Own
            1: paragraph | These words bf fill one line of the column, as wide as a / These words bg fill one line of the column, as wide as a / These words bh fill one line of the column, as wide as a / These words bi fill one line of the column, as wide as a / These words bj fill one line of the column, as wide as a / These words bk fill one line of the column, as wide as a / These words bl fill one line of the column, as wide as a / These words bm fill one line of the column, as wide as a / These words bn fill one line of the column, as wide as a / These words bo fill one line of the column, as wide as a / These words bp fill one line of the column, as wide as a / The end.
        "#]],
    );
}

#[test]
fn sideways_stamp_goes_and_sideways_table_stays() {
    let mut stamped = Sheet::new(1);
    stamped.prose(12, "The end.");
    stamped.put_turned(20.0, 12.0, "arXiv:0000.00000v1 [cs.CL] 1 Jan 2000");
    let mut table = Sheet::new(2);
    table.prose(12, "The end.");
    for row in 0..6 {
        table.put_turned(460.0 + 14.0 * row as f32, 12.0, "a row of the table");
    }
    let mut pages = vec![stamped.page(), table.page()];
    lay_out(&mut pages, &Hints::default());
    assert_eq!(pages[0].margins.len(), 1);
    assert_eq!(pages[1].margins, []);
}

#[test]
fn line_numbers_of_a_review_copy_are_aside() {
    let mut sheet = Sheet::new(1);
    for row in 0..20 {
        let y = 100.0 + 12.0 * row as f32;
        sheet.put(60.0, y, 7.0, &[(PLAIN, &(row + 1).to_string())]);
        sheet.put(
            100.0,
            y,
            10.0,
            &[(PLAIN, "These words fill one line of the column")],
        );
    }
    let mut pages = vec![sheet.page()];
    lay_out(&mut pages, &Hints::default());
    assert_eq!(pages[0].margins.len(), 20);
    assert!(!pages[0].text.contains(|c: char| c.is_ascii_digit()));
}

#[test]
fn line_numbers_that_are_one_line_with_the_text_are_taken_off_it() {
    let mut sheet = Sheet::new(1);
    for row in 0..12 {
        sheet.text(&format!(
            "{}\tThese words fill one line of the column",
            row + 7
        ));
    }
    let mut pages = vec![sheet.page()];
    lay_out(&mut pages, &Hints::default());
    assert_eq!(pages[0].margins.len(), 12);
    assert!(
        !pages[0].text.contains(|c: char| c.is_ascii_digit()),
        "{}",
        pages[0].text
    );
    assert!(pages[0].lines.iter().all(|line| line.rect.x0 > 150.0));
}

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

#[test]
fn front_matter_that_others_found_is_believed() {
    let mut sheet = Sheet::new(1);
    sheet.put(290.0, 30.0, 10.0, &[(PLAIN, "1")]);
    sheet
        .line(PLAIN, "A Title in Plain Type")
        .line(PLAIN, "Ann Lee");
    sheet.gap(8.0).prose(3, "The abstract ends.");
    sheet.gap(8.0).prose(3, "The end.");
    let mut pages = vec![sheet.page()];
    let front = vec![
        (BlockKind::Title, 1..2),
        (BlockKind::Author, 2..3),
        (BlockKind::Abstract, 3..6),
    ];
    lay_out(
        &mut pages,
        &Hints {
            front,
            ..Hints::default()
        },
    );
    expect![[r#"
        1: number | 1
        1: title | A Title in Plain Type
        1: author | Ann Lee
        1: abstract | These words bd fill one line of the column, as wide as a / These words be fill one line of the column, as wide as a / The abstract ends.
        1: paragraph | These words bg fill one line of the column, as wide as a / These words bh fill one line of the column, as wide as a / The end.
    "#]].assert_eq(&show(&pages));
}

#[test]
fn a_note_stands_between_the_halves_of_a_paragraph() {
    let mut first = Sheet::new(1);
    first.x = 50.0;
    first.prose(
        30,
        "the last line of the column ends within a word which is hy-",
    );
    first.put(50.0, 700.0, 8.0, &[(PLAIN, "1 The note.")]);
    first.at(360.0, 80.0).text("phenated here, and goes on.");
    let mut pages = vec![first.page()];
    lay_out(&mut pages, &Hints::default());
    let last: Vec<(BlockKind, bool)> = pages[0]
        .blocks
        .iter()
        .map(|block| (block.kind, block.continues))
        .collect();
    assert_eq!(
        last,
        [
            (BlockKind::Paragraph, false),
            (BlockKind::Footnote, false),
            (BlockKind::Paragraph, true)
        ]
    );
}

#[test]
fn a_word_cut_by_a_column_break_is_joined() {
    let mut sheet = Sheet::new(1);
    sheet.x = 50.0;
    sheet.prose(
        30,
        "the last line of the column ends within a word which is hy-",
    );
    sheet
        .at(360.0, 80.0)
        .text("phenated here, and the sentence");
    sheet.text("goes on.");
    let mut pages = vec![sheet.page()];
    lay_out(&mut pages, &Hints::default());
    assert!(
        pages[0].text.contains("is hyphenated here,"),
        "{}",
        pages[0].text
    );
}

#[test]
fn cells_that_wrap_make_one_row() {
    let mut sheet = Sheet::new(1);
    sheet.prose(3, "See Table 1.");
    sheet.gap(10.0).text("Table 1: Meetings.");
    for (row, name) in ["Meeting of", "Workshop on", "School for"]
        .iter()
        .enumerate()
    {
        let y = 180.0 + 30.0 * row as f32;
        sheet.put(100.0, y, 10.0, &[(PLAIN, name)]);
        sheet.put(100.0, y + 12.0, 10.0, &[(PLAIN, "many words")]);
        sheet.put(250.0, y + 6.0, 10.0, &[(PLAIN, "50")]);
        sheet.put(350.0, y, 10.0, &[(PLAIN, "in per-")]);
        sheet.put(350.0, y + 12.0, 10.0, &[(PLAIN, "son")]);
    }
    check(
        vec![sheet.page()],
        expect![[r#"
            1: paragraph | These words ba fill one line of the column, as wide as a / These words bb fill one line of the column, as wide as a / See Table 1.
            1: caption | Table 1: Meetings.
            1: table | Meeting of many words ; 50 ; in person / Workshop on many words ; 50 ; in person / School for many words ; 50 ; in person
        "#]],
    );
}

#[test]
fn entries_that_others_found_become_blocks() {
    let mut sheet = Sheet::new(1);
    sheet.line(BOLD, "References");
    sheet
        .gap(6.0)
        .text("Lee, A. One title which is long enough to go on in the next");
    sheet.text("line. 1999.").text("Ray, B. Another. 2001.");
    let mut pages = vec![sheet.page()];
    lay_out(&mut pages, &Hints::default());
    let text = pages[0].text.clone();
    let find = |word: &str| text.find(word).expect("in the text");
    let mut references =
        [(find("Lee"), find("1999.") + 5), (find("Ray"), text.len())].map(|(start, end)| {
            Reference {
                start,
                end,
                ..Reference::default()
            }
        });
    mark_references(&mut pages, &mut references);
    expect![[r#"
        1: heading1 | References
        1: reference | Lee, A. One title which is long enough to go on in the next / line. 1999.
        1: reference | Ray, B. Another. 2001.
    "#]]
    .assert_eq(&show(&pages));
    let entries: Vec<&str> = references
        .iter()
        .map(|reference| pages[0].slice(reference.start, reference.end))
        .collect();
    assert!(entries[0].starts_with("Lee") && entries[0].ends_with("1999."));
    assert_eq!(entries[1], "Ray, B. Another. 2001.");
}
