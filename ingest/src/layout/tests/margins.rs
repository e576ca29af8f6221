//! What goes to the margins of pages, and what stays.

use expect_test::{Expect, expect};

use super::super::{Hints, lay_out};
use super::builder::{BOLD, ITALIC, PLAIN, Sheet, check};
use crate::Page;

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
fn a_document_that_repeats_all_it_says_keeps_its_text() {
    let mut pages: Vec<Page> = (1..=6)
        .map(|number| {
            let line = format!("Paper page {number} speaks of animal number {number} at length.");
            Sheet::new(number)
                .put(60.0, 92.0, 11.0, &[(PLAIN, &line)])
                .page()
        })
        .collect();
    lay_out(&mut pages, &Hints::default());
    assert!(
        pages
            .iter()
            .all(|page| page.text.contains("speaks of animal"))
    );
}
