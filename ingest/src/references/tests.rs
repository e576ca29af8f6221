//! Lists as they stand on pages. Lines are written as `left|text`: `left` in points, with `+6`
//! for as much more space above it, `^` at the head of a column, `*2` for the size of its type
//! in relation to the rest. A line `---` begins a page.

use std::fmt::Write;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::find;
use crate::{Document, Line, Page, Rect};

const SIZE: f32 = 10.0;
const PITCH: f32 = 12.0;
const TOP: f32 = 100.0;

fn pages(spec: &str) -> Vec<Page> {
    let mut pages = vec![page(1)];
    let mut y = TOP - PITCH;
    for line in spec.lines().map(str::trim_start) {
        if line == "---" {
            pages.push(page(pages.len() as u32 + 1));
            y = TOP - PITCH;
            continue;
        }
        let Some((place, text)) = line.split_once('|') else {
            continue;
        };
        let is_head = place.contains('^');
        let place = place.replace('^', "");
        let (place, scale) = place.split_once('*').unwrap_or((&place, "1"));
        let (left, gap) = place.split_once('+').unwrap_or((place, "0"));
        let (left, gap): (f32, f32) = (left.parse().expect("left"), gap.parse().expect("gap"));
        let size = SIZE * scale.parse::<f32>().expect("scale");
        y = if is_head { TOP } else { y + PITCH } + gap;
        let rect = Rect {
            x0: left,
            y0: y,
            x1: left + 5.0 * text.chars().count() as f32,
            y1: y + size,
        };
        push(pages.last_mut().expect("a page"), text, rect, size);
    }
    pages
}

fn page(number: u32) -> Page {
    Page {
        number,
        width: 600.0,
        height: 800.0,
        ..Page::default()
    }
}

fn push(page: &mut Page, text: &str, rect: Rect, font_size: f32) {
    if !page.text.is_empty() {
        page.text.push('\n');
    }
    let start = page.text.len();
    page.text.push_str(text);
    page.lines.push(Line {
        rect,
        start,
        end: page.text.len(),
        font_size,
        spans: Vec::new(),
    });
}

/// Label, text and title of each entry.
fn check(spec: &str, expected: Expect) {
    let pages = pages(spec);
    let mut found = String::new();
    let references = find(&pages);
    let document = Document {
        pages,
        ..Document::default()
    };
    let text = document.text();
    for reference in &references {
        let span = text.get(reference.start..reference.end).expect("a span");
        // Breaks of lines and labels apart, the span is the entry.
        let letters = |text: &str| {
            text.chars()
                .filter(|c| c.is_alphanumeric())
                .collect::<String>()
        };
        assert_eq!(
            letters(span),
            letters(&reference.label) + &letters(&reference.text)
        );
        writeln!(
            found,
            "[{}] {} | {}",
            reference.label,
            reference.text,
            reference.title.as_deref().unwrap_or("-")
        )
        .expect("written");
    }
    expected.assert_eq(&found);
}

#[test]
fn hanging_indents_over_columns_and_pages() {
    check(
        "50|Some text with a word about references.
         50+12|References
         50+8|Aber, T. (2001). Tides in ports of
         62|the north. Coasts, 1(2), 3–4.
         50|Bond, S. (2002). Gauges. Coasts,
         300^|12(3), 4–5. https://doi.org/10.1000/
         300|ab-12
         288|Crow, S. (2003). Moons. Coasts, 1, 2.
         288|Dean, S. (2004). Moons and other
         ---
         62|bodies. Coasts, 1, 2.
         50|Ebb, S. (2005). Floods in the lower
         62|valleys. Coasts, 1, 2.
         50+20*1.4|Acknowledgements
         50|We thank all who were there in 2004.",
        expect![[r#"
            [] Aber, T. (2001). Tides in ports of the north. Coasts, 1(2), 3–4. | Tides in ports of the north
            [] Bond, S. (2002). Gauges. Coasts, 12(3), 4–5. https://doi.org/10.1000/ab-12 | Gauges
            [] Crow, S. (2003). Moons. Coasts, 1, 2. | Moons
            [] Dean, S. (2004). Moons and other bodies. Coasts, 1, 2. | Moons and other bodies
            [] Ebb, S. (2005). Floods in the lower valleys. Coasts, 1, 2. | Floods in the lower valleys
        "#]],
    );
}

#[test]
fn numbers_with_captions_and_footers_between() {
    let mut spec = String::from("50|Body.\n50+12|7. REFERENCES\n");
    for number in 1..=9 {
        writeln!(spec, "50|[{number}] T. Aber and S. Bond, “Tides, part {number},” Coasts,\n66|vol. 2, pp. 1–2, 200{number}.").expect("written");
        if number == 4 {
            spec.push_str("50+30|Figure 3: Gauges of all ports by year, from the\n50|first to the last one in 1999.\n50+580|Aber and Bond 2010 17\n---\n");
        }
        if number == 8 {
            spec.push_str("50+580|Aber and Bond 2010 18\n---\n50|");
            spec.push_str("[9] T. Aber, “Last tides,” Coasts, 2009.\n50+40*0.8|A. Proofs\n50*0.8|See [1].\n50+580|Aber and Bond 2010 19\n");
            break;
        }
    }
    check(
        &spec,
        expect![[r#"
        [1] T. Aber and S. Bond, “Tides, part 1,” Coasts, vol. 2, pp. 1–2, 2001. | Tides, part 1
        [2] T. Aber and S. Bond, “Tides, part 2,” Coasts, vol. 2, pp. 1–2, 2002. | Tides, part 2
        [3] T. Aber and S. Bond, “Tides, part 3,” Coasts, vol. 2, pp. 1–2, 2003. | Tides, part 3
        [4] T. Aber and S. Bond, “Tides, part 4,” Coasts, vol. 2, pp. 1–2, 2004. | Tides, part 4
        [5] T. Aber and S. Bond, “Tides, part 5,” Coasts, vol. 2, pp. 1–2, 2005. | Tides, part 5
        [6] T. Aber and S. Bond, “Tides, part 6,” Coasts, vol. 2, pp. 1–2, 2006. | Tides, part 6
        [7] T. Aber and S. Bond, “Tides, part 7,” Coasts, vol. 2, pp. 1–2, 2007. | Tides, part 7
        [8] T. Aber and S. Bond, “Tides, part 8,” Coasts, vol. 2, pp. 1–2, 2008. | Tides, part 8
        [9] T. Aber, “Last tides,” Coasts, 2009. | Last tides
    "#]],
    );
}

#[test]
fn gaps_between_entries() {
    check(
        "50|Bibliography
         50+10|Tom Aber. 2001. Tides in ports of the north. In
         50|Proceedings of Tides.
         50+8|Sue Bond and Tom Aber. 2002. Gauges. In Proceedings
         50|of Tides, pages 1–
         ---
         50|12.
         50+8|Sue Bond. 2003. Moons. Coasts 2.
         50+40*1.3|A Prompts
         50|The prompt of 2003 was this.",
        expect![[r#"
            [] Tom Aber. 2001. Tides in ports of the north. In Proceedings of Tides. | Tides in ports of the north
            [] Sue Bond and Tom Aber. 2002. Gauges. In Proceedings of Tides, pages 1–12. | Gauges
            [] Sue Bond. 2003. Moons. Coasts 2. | Moons
        "#]],
    );
}

#[test]
fn keys_in_brackets() {
    check(
        "50|References
         50|[AB01] Tom Aber and Sue Bond. Tides in ports. Coasts,
         90|[sic] 2001.
         50|[Bon02] Sue Bond. Gauges. Coasts, 2002.
         50|[CDE+03] Sue Crow, Tom Dean, Ann Ebb, et al. Moons.
         90|Coasts, 2003.",
        expect![[r#"
            [AB01] Tom Aber and Sue Bond. Tides in ports. Coasts, [sic] 2001. | Tides in ports
            [Bon02] Sue Bond. Gauges. Coasts, 2002. | Gauges
            [CDE+03] Sue Crow, Tom Dean, Ann Ebb, et al. Moons. Coasts, 2003. | Moons
        "#]],
    );
}

#[test]
fn numbers_without_brackets() {
    check(
        "50|Literature Cited
         50|1. Aber T, Bond S. Tides in ports. J Coast. 2001;
         62|12. Suppl 1.
         50|2. Bond S. Gauges. J Coast. 2002;3:4.
         50|3. Crow S. Moons. J Coast. 2003;3:4-
         62|15.
         50|4. Dean S. Suns. J Coast. 2004;3:4.",
        expect![[r#"
            [1] Aber T, Bond S. Tides in ports. J Coast. 2001; 12. Suppl 1. | Tides in ports
            [2] Bond S. Gauges. J Coast. 2002;3:4. | Gauges
            [3] Crow S. Moons. J Coast. 2003;3:4-15. | Moons
            [4] Dean S. Suns. J Coast. 2004;3:4. | Suns
        "#]],
    );
}

#[test]
fn raised_numbers() {
    check(
        "50|References
         54|1T. Aber and S. Bond, Phys. Coasts 12, 34 (2001).
         54|2S. Bond, C. Crow, D. Dean, and E. Ebb, Phys. Coasts
         50|12, 35 (2002).
         54|3S. Crow, Phys. Coasts 12, 36 (2003).
         54|4S. Dean, Phys. Coasts 12, 37 (2004).",
        expect![[r#"
            [1] T. Aber and S. Bond, Phys. Coasts 12, 34 (2001). | -
            [2] S. Bond, C. Crow, D. Dean, and E. Ebb, Phys. Coasts 12, 35 (2002). | -
            [3] S. Crow, Phys. Coasts 12, 36 (2003). | -
            [4] S. Dean, Phys. Coasts 12, 37 (2004). | -
        "#]],
    );
}

#[test]
fn a_publisher_named_as_a_heading_is_an_entry() {
    check(
        "50|References
         50+6|Ebb, S. (2001). Floods. Coasts, 1, 2.
         50+6|Funding Council. (2002). Money for tides. Council Press.
         50+6|Index Data. (2003). Tides by name. https://example.org/tides
         50+18|Index
         50|Aber 12
         50|Tides 13",
        expect![[r#"
            [] Ebb, S. (2001). Floods. Coasts, 1, 2. | Floods
            [] Funding Council. (2002). Money for tides. Council Press. | Money for tides
            [] Index Data. (2003). Tides by name. https://example.org/tides | Tides by name
        "#]],
    );
}

#[test]
fn methods_go_on_with_the_numbers() {
    check(
        "50|References
         50|1. Aber, T. & Bond, S. Tides in ports. Nature 1, 2–3 (2001).
         50|2. Bond, S. Gauges. Nature 2, 3–4 (2002).
         50|3. Crow, S. Moons. Nature 3, 4–5 (2003).
         50+20*1.3|Methods
         50|All gauges were read in 2003 by the authors of this paper, who
         50|went from port to port.
         50+20*1.3|References
         50|4. Dean, S. Storms. Nature 4, 5–6 (2004).
         50|5. Ebb, S. Floods. Nature 5, 6–7 (2005).
         50|6. Fall, S. Falls. Nature 6, 7–8 (2006).",
        expect![[r#"
            [1] Aber, T. & Bond, S. Tides in ports. Nature 1, 2–3 (2001). | Tides in ports
            [2] Bond, S. Gauges. Nature 2, 3–4 (2002). | Gauges
            [3] Crow, S. Moons. Nature 3, 4–5 (2003). | Moons
            [4] Dean, S. Storms. Nature 4, 5–6 (2004). | Storms
            [5] Ebb, S. Floods. Nature 5, 6–7 (2005). | Floods
            [6] Fall, S. Falls. Nature 6, 7–8 (2006). | Falls
        "#]],
    );
}

#[test]
fn stray_lines_are_no_entries() {
    check(
        "50|References
         50+8|Uncategorized References
         50+8|Ebb, S. (2001). Floods in the lower valleys of the
         62|north. Coasts, 1, 2.
         50|Fall, S. (2002). Falls. Coasts, 1, 2.
         50|Gale, S. (2003). Gales in the upper valleys of the
         62|south. Coasts, 1, 2.",
        expect![[r#"
            [] Ebb, S. (2001). Floods in the lower valleys of the north. Coasts, 1, 2. | Floods in the lower valleys of the north
            [] Fall, S. (2002). Falls. Coasts, 1, 2. | Falls
            [] Gale, S. (2003). Gales in the upper valleys of the south. Coasts, 1, 2. | Gales in the upper valleys of the south
        "#]],
    );
}

#[test]
fn a_number_in_the_margin_is_no_edge() {
    check(
        "50|References
         50|Ebb, S. (2001). Floods in the lower valleys of the
         62|north. Coasts, 1, 2.
         20|512
         50|Fall, S. (2002). Falls. Coasts, 1, 2.
         50|Gale, S. (2003). Gales in the upper valleys of the
         62|south. Coasts, 1, 2.",
        expect![[r#"
            [] Ebb, S. (2001). Floods in the lower valleys of the north. Coasts, 1, 2. | Floods in the lower valleys of the north
            [] Fall, S. (2002). Falls. Coasts, 1, 2. | Falls
            [] Gale, S. (2003). Gales in the upper valleys of the south. Coasts, 1, 2. | Gales in the upper valleys of the south
        "#]],
    );
}

#[test]
fn years_at_line_starts_are_no_labels() {
    check(
        "50|References
         50|Tom Aber, Sue Bond, and Christine Crow.
         62|2001. Tides in ports. In Proceedings.
         50|Sue Bond, Tom Aber, and Christine Crow.
         62|2002. Gauges in ports. In Proceedings.
         50|Christine Crow, Sue Bond, and Tom Aber.
         62|2003. Moons and ports. In Proceedings.",
        expect![[r#"
            [] Tom Aber, Sue Bond, and Christine Crow. 2001. Tides in ports. In Proceedings. | Tides in ports
            [] Sue Bond, Tom Aber, and Christine Crow. 2002. Gauges in ports. In Proceedings. | Gauges in ports
            [] Christine Crow, Sue Bond, and Tom Aber. 2003. Moons and ports. In Proceedings. | Moons and ports
        "#]],
    );
}

#[test]
fn the_longest_of_several_lists() {
    check(
        "50|References
         50|1. ABER, T. The end of the paper before this. J. 1960.
         50+50|This paper begins here.
         50|References
         50|1. BOND, S. Gauges. J. 1961.
         50|2. CROW, S. Moons. J. 1962.
         50|3. DEAN, S. Suns. J. 1963.",
        expect![[r#"
            [1] BOND, S. Gauges. J. 1961. | Gauges
            [2] CROW, S. Moons. J. 1962. | Moons
            [3] DEAN, S. Suns. J. 1963. | Suns
        "#]],
    );
}

#[test]
fn a_list_without_heading() {
    let mut spec = String::from("50|Body.\n50|Body.\n50|Body.\n50|Body.\n50|Body.\n50|Body.\n");
    for number in 1..=5 {
        writeln!(
            spec,
            "50|[{number}] T. Aber. Tides {number} in ports. Coasts, 200{number}."
        )
        .expect("written");
    }
    check(
        &spec,
        expect![[r#"
        [1] T. Aber. Tides 1 in ports. Coasts, 2001. | Tides 1 in ports
        [2] T. Aber. Tides 2 in ports. Coasts, 2002. | Tides 2 in ports
        [3] T. Aber. Tides 3 in ports. Coasts, 2003. | Tides 3 in ports
        [4] T. Aber. Tides 4 in ports. Coasts, 2004. | Tides 4 in ports
        [5] T. Aber. Tides 5 in ports. Coasts, 2005. | Tides 5 in ports
    "#]],
    );
}

#[test]
fn nothing_to_find() {
    check("", expect![[""]]);
    check("50|References", expect![[""]]);
    check("50|References\n50|12\n50|Appendix", expect![[""]]);
    check(
        "50|Contents
         50|1 Introduction
         50|References
         50|Appendix
         50|Running text of the paper goes on here without any list and
         50|says nothing of years or of works at all, for many lines.",
        expect![[""]],
    );
}

#[test]
fn markdown_without_geometry() {
    let mut page = page(1);
    let entries = [
        "References",
        "Aber, T. (2001). Tides. Coasts, 1.",
        "Bond, S. (2002). Gauges. Coasts, 1.",
    ];
    for entry in entries {
        if !page.text.is_empty() {
            page.text.push('\n');
        }
        push(&mut page, entry, Rect::default(), SIZE);
    }
    let found: Vec<_> = find(&[page]).into_iter().map(|one| one.title).collect();
    assert_eq!(found, [Some("Tides".to_owned()), Some("Gauges".to_owned())]);
}

/// Each made so that a look back or ahead without bounds would take hours.
#[test]
fn hostile_text_in_linear_time() {
    let lines = 20_000;
    let repeated = |line: &str| format!("50|References\n{}", format!("50|{line}\n").repeat(lines));
    let numbered: String = (1..lines)
        .map(|number| format!("50|References\n50|[{number}] A. Aber. Tides. 2001.\n"))
        .collect();
    let long = |part: &str| {
        format!(
            "50|References\n50|[1] {}\n50|[2] A. Aber. 2001.",
            part.repeat(lines * 10)
        )
    };
    for spec in [
        numbered,
        repeated("References"),
        repeated("https://example.org/a/"),
        repeated("Why? J. J. J. (2001), (2002), 2003, 2004."),
        repeated("10.1000/10.1000/10.1000/-"),
        repeated("潮汐研究潮汐研究"),
        repeated("(((([[[["),
        long("10.1000/"),
        long("Q? "),
        long("Aa. Xx bb cc. "),
        long("A, "),
        long("J. "),
        long("Aber, Jr, "),
        long("[x]"),
        long("2001 "),
        long("“"),
        long("潮"),
    ] {
        let pages = pages(&spec);
        find(&pages);
    }
}

proptest! {
    #[test]
    fn spans_stand_in_order(
        lines in proptest::collection::vec(
            ("(References|Appendix|\\[[0-9]{1,2}\\] |[0-9]{1,2}\\. )?[A-Za-zé潮., ()0-9“”?:/-]{0,40}", 0_u8..4, 0_u8..3),
            0..60,
        )
    ) {
        let mut spec = String::new();
        for (text, left, gap) in &lines {
            let head = if *gap == 2 { "^" } else { "" };
            writeln!(spec, "{}{head}+{}|{text}", 50 + 12 * u32::from(*left), u32::from(*gap) * 6).expect("written");
        }
        let document = Document { pages: pages(&spec), ..Document::default() };
        let text = document.text();
        let mut last = 0;
        for reference in find(&document.pages) {
            prop_assert!(reference.start >= last);
            prop_assert!(reference.end > reference.start);
            prop_assert!(text.get(reference.start..reference.end).is_some());
            last = reference.end;
        }
    }
}
