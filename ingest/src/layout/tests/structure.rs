//! What pages of many kinds are made into.

use expect_test::expect;

use super::super::{Hints, lay_out, mark_references};
use super::builder::{BOLD, ITALIC, MONO, PLAIN, Sheet, check, show};
use crate::{BlockKind, Reference};

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
fn items_in_a_figure_do_not_take_the_rest_of_a_sentence() {
    let mut sheet = Sheet::new(1);
    sheet.x = 50.0;
    sheet.prose(
        30,
        "the last line of the column is as long as the others are and",
    );
    sheet
        .at(360.0, 80.0)
        .text("(1) An item of a figure without a stop at its end");
    sheet.text("(2) An item of a figure without a stop at its end");
    sheet.gap(10.0).text("Figure 1: Items.");
    sheet
        .gap(14.0)
        .text("goes on in the other column, below the figure.");
    let document = crate::Document {
        pages: {
            let mut pages = vec![sheet.page()];
            lay_out(&mut pages, &Hints::default());
            pages
        },
        ..crate::Document::default()
    };
    let text = crate::render::text(&document);
    assert!(
        text.contains("as the others are and goes on in the other column"),
        "{text}"
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
