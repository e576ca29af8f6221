use super::*;
use crate::{Block, Line, Page, Rect};
use expect_test::{Expect, expect};

/// A page of blocks, each with its text.
fn page(number: u32, parts: &[(BlockKind, Option<u8>, bool, &str)]) -> Page {
    let mut page = Page {
        number,
        ..Page::default()
    };
    for &(kind, level, continues, text) in parts {
        if !page.text.is_empty() {
            page.text.push_str("\n\n");
        }
        let start = page.text.len();
        let first_line = page.lines.len();
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                page.text.push('\n');
            }
            let start = page.text.len();
            page.text.push_str(line);
            page.lines.push(Line {
                rect: Rect::default(),
                start,
                end: page.text.len(),
                font_size: 10.0,
                spans: Vec::new(),
            });
        }
        page.blocks.push(Block {
            kind,
            level,
            start,
            end: page.text.len(),
            first_line,
            end_line: page.lines.len(),
            rect: Rect::default(),
            continues,
        });
    }
    page
}

fn paper() -> Document {
    use BlockKind::*;
    let first = page(
        1,
        &[
            (Title, None, false, "On *Stars*\nand Hashes"),
            (Author, None, false, "A. Writer\nSome Place"),
            (Heading, Some(1), false, "1 Start"),
            (
                Paragraph,
                None,
                false,
                "A line that\ngoes on 3 > 2 with_name and _so_",
            ),
            (Footnote, None, false, "1 A note."),
        ],
    );
    let second = page(
        2,
        &[
            (Paragraph, None, true, "over the page."),
            (Heading, Some(2), false, "1.1 More"),
            (ListItem, None, false, "• one\nitem"),
            (ListItem, None, false, "2. two"),
            (Table, None, false, "a\tb|c\n1\t2\t3"),
            (Caption, None, false, "Table 1: Cells."),
            (Code, None, false, "if x:\n    ```y"),
            (Paragraph, None, false, "So that"),
            (Equation, None, false, "E = mc2"),
            (Paragraph, None, true, "where m is mass."),
            (Reference, None, false, "[1] A. Writer.\nTitle."),
        ],
    );
    Document {
        pages: vec![first, second],
        ..Document::default()
    }
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}

#[test]
fn a_paper_as_markdown() {
    check(
        &markdown(&paper()),
        expect![[r#"
        # On \*Stars\* and Hashes

        A. Writer  
        Some Place

        ## 1 Start

        A line that goes on 3 \> 2 with_name and \_so\_ over the page.

        > 1 A note.

        ### 1.1 More

        - one item

        2. two

        | a | b\|c |  |
        | --- | --- | --- |
        | 1 | 2 | 3 |

        *Table 1: Cells.*

        ````
        if x:
            ```y
        ````

        So that

        $$
        E = mc2
        $$

        where m is mass.

        - \[1\] A. Writer. Title.
    "#]],
    );
}

#[test]
fn a_paper_as_text() {
    check(
        &text(&paper()),
        expect![[r#"
        On *Stars* and Hashes

        A. Writer
        Some Place

        1 Start

        A line that goes on 3 > 2 with_name and _so_ over the page.

        1 A note.


        1.1 More

        • one item

        2. two

        a	b|c
        1	2	3

        Table 1: Cells.

        if x:
            ```y

        So that

        E = mc2

        where m is mass.

        [1] A. Writer. Title.
    "#]],
    );
}

#[test]
fn what_looks_like_markup_is_escaped() {
    check(&escape("1. not a list"), expect![[r"1\. not a list"]]);
    check(&escape("# no heading"), expect![[r"\# no heading"]]);
    check(
        &escape("C# and a-b, 1.5 &amp; x_i"),
        expect![[r"C# and a-b, 1.5 \&amp; x_i"]],
    );
}

#[test]
fn ideographs_are_joined_without_space() {
    let page = page(
        1,
        &[(BlockKind::Paragraph, None, false, "中文\n段落 and\nwords")],
    );
    let document = Document {
        pages: vec![page],
        ..Document::default()
    };
    check(&text(&document), expect![["中文段落 and words\n"]]);
}

#[test]
fn a_word_cut_by_a_page_break_is_made_whole() {
    let first = page(1, &[(BlockKind::Paragraph, None, false, "It ends in im-")]);
    let second = page(
        2,
        &[(BlockKind::Paragraph, None, true, "provement, well-\nknown.")],
    );
    let document = Document {
        pages: vec![first, second],
        ..Document::default()
    };
    check(
        &text(&document),
        expect![[r#"
        It ends in improvement, well- known.
    "#]],
    );
}

#[test]
fn nothing_gives_nothing() {
    assert_eq!(markdown(&Document::default()), "");
    assert_eq!(text(&Document::default()), "");
}

#[test]
fn a_word_over_a_column_break_is_one_word() {
    use BlockKind::Paragraph;
    let mut page = page(
        1,
        &[
            (Paragraph, None, false, "of nonde"),
            (Paragraph, None, true, "terminism"),
        ],
    );
    // Layout leaves nothing between the halves of a word.
    page.text = "of nondeterminism".to_owned();
    (page.lines[1].start, page.lines[1].end) = (8, 17);
    (page.blocks[1].start, page.blocks[1].end) = (8, 17);
    let document = Document {
        pages: vec![page],
        ..Document::default()
    };
    assert_eq!(text(&document).trim(), "of nondeterminism");
}
