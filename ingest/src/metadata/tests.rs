//! First pages in the layouts of publishers and classes, set from a few lines each.

use super::{Front, front};
use crate::extract::Info;
use crate::{Font, Line, MarginKind, MarginLine, Metadata, Page, Rect, Span};

/// Sets lines on a page of 600 by 800 points. A line is its left edge, its top, its size and its
/// text, in which `^{...}` is raised and a leading `*` makes it bold.
fn page(lines: &[(f32, f32, f32, &str)]) -> Page {
    let mut page = Page {
        number: 1,
        width: 600.0,
        height: 800.0,
        fonts: vec![
            Font::default(),
            Font {
                bold: true,
                ..Font::default()
            },
        ],
        ..Page::default()
    };
    for (x, y, size, text) in lines {
        let (text, font) = match text.strip_prefix('*') {
            Some(text) => (text, 1),
            None => (*text, 0),
        };
        if !page.text.is_empty() {
            page.text.push('\n');
        }
        let start = page.text.len();
        let mut spans = Vec::new();
        for (i, piece) in text.split("^{").enumerate() {
            let (raised, plain) = match piece.split_once('}') {
                Some((raised, plain)) if i > 0 => (raised, plain),
                _ => ("", piece),
            };
            for (text, size, rise) in [(raised, 0.7 * size, 0.35 * size), (plain, *size, 0.0)] {
                let start = page.text.len();
                page.text.push_str(text);
                if !text.is_empty() {
                    spans.push(Span {
                        start,
                        end: page.text.len(),
                        font,
                        size,
                        rise,
                        x0: *x,
                        x1: *x,
                    });
                }
            }
        }
        let end = page.text.len();
        let width = 0.48 * size * page.text[start..end].chars().count() as f32;
        page.lines.push(Line {
            rect: Rect {
                x0: *x,
                y0: *y,
                x1: x + width,
                y1: y + size,
            },
            start,
            end,
            font_size: *size,
            spans,
        });
    }
    page
}

/// Left edge of a centred line.
fn centred(size: f32, text: &str) -> f32 {
    300.0
        - 0.24
            * size
            * text
                .replace("^{", "")
                .replace(['}', '*'], "")
                .chars()
                .count() as f32
}

/// Running text in one column from `y` on.
fn prose(lines: &mut Vec<(f32, f32, f32, &'static str)>, x: f32, y: f32, size: f32, count: usize) {
    const TEXT: [&str; 3] = [
        "we study how the small things are made of others and",
        "why they behave as they do when they are seen from far",
        "away by people who have never met any one of them, and",
    ];
    for i in 0..count {
        lines.push((x, y + i as f32 * 1.2 * size, size, TEXT[i % 3]));
    }
}

fn read(pages: &[Page]) -> (Metadata, Front) {
    front(&Info::default(), pages)
}

fn check(pages: &[Page], title: &str, authors: &[&str]) -> (Metadata, Front) {
    let (metadata, front) = read(pages);
    assert_eq!(metadata.title(), Some(title));
    assert_eq!(metadata.authors(), authors);
    (metadata, front)
}

fn text_of(page: &Page, lines: Option<std::ops::Range<usize>>) -> Vec<&str> {
    page.lines[lines.expect("a range")]
        .iter()
        .map(|line| page.slice(line.start, line.end))
        .collect()
}

#[test]
fn acm_authors_in_columns() {
    let mut lines = vec![
        (90.0, 80.0, 17.0, "*Small Things Considered: A Study"),
        (80.0, 130.0, 12.0, "Ann Lee"),
        (80.0, 145.0, 10.0, "Some University"),
        (80.0, 158.0, 10.0, "Springfield, USA"),
        (80.0, 170.0, 10.0, "ann@some.edu"),
        (250.0, 130.0, 12.0, "Bo van Ray^{∗}"),
        (250.0, 145.0, 10.0, "Other Labs"),
        (250.0, 158.0, 10.0, "Paris, France"),
        (250.0, 170.0, 10.0, "bo@other.com"),
        (420.0, 130.0, 12.0, "Cy Doe"),
        (420.0, 145.0, 10.0, "Some University"),
        (420.0, 170.0, 10.0, "cy@some.edu"),
        (54.0, 220.0, 11.0, "*ABSTRACT"),
    ];
    prose(&mut lines, 54.0, 235.0, 9.0, 6);
    lines.push((54.0, 310.0, 11.0, "*CCS CONCEPTS"));
    lines.push((54.0, 322.0, 9.0, "• Computing methodologies → Small things"));
    lines.push((54.0, 340.0, 11.0, "*KEYWORDS"));
    lines.push((54.0, 352.0, 9.0, "small things, other things"));
    lines.push((54.0, 370.0, 8.0, "*ACM Reference Format:"));
    lines.push((
        54.0,
        380.0,
        8.0,
        "Ann Lee, Bo van Ray, and Cy Doe. 2019. Small Things Considered. In",
    ));
    lines.push((54.0, 390.0, 8.0, "https://doi.org/10.1145/1234567.1234568"));
    lines.push((54.0, 410.0, 11.0, "*1 INTRODUCTION"));
    prose(&mut lines, 54.0, 425.0, 9.0, 12);
    lines.push((
        54.0,
        720.0,
        7.0,
        "KDD ’19, August 4–8, 2019, Anchorage, AK, USA",
    ));
    lines.push((
        54.0,
        730.0,
        7.0,
        "© 2019 Association for Computing Machinery.",
    ));
    prose(&mut lines, 310.0, 220.0, 9.0, 40);
    let page = page(&lines);
    let (metadata, front) = check(
        std::slice::from_ref(&page),
        "Small Things Considered: A Study",
        &["Ann Lee", "Bo van Ray", "Cy Doe"],
    );
    assert_eq!(metadata.year(), Some(2019));
    assert_eq!(metadata.doi.unwrap().value, "10.1145/1234567.1234568");
    assert_eq!(metadata.venue.unwrap().value, "KDD ’19");
    assert_eq!(
        metadata.keywords.unwrap().value,
        ["small things", "other things"]
    );
    assert_eq!(
        text_of(&page, front.title),
        ["Small Things Considered: A Study"]
    );
    assert_eq!(text_of(&page, front.authors).len(), 11);
    assert_eq!(text_of(&page, front.abstract_text).len(), 6);
}

#[test]
fn ieee_two_columns_and_index_terms() {
    let mut lines = vec![
        (60.0, 60.0, 24.0, "On the Behaviour of Small Things"),
        (120.0, 90.0, 24.0, "in Large Networks"),
        (90.0, 140.0, 11.0, "1^{st} Ann B. Lee"),
        (90.0, 153.0, 10.0, "dept. of Things"),
        (90.0, 165.0, 10.0, "Some University"),
        (90.0, 177.0, 10.0, "ann@some.edu"),
        (350.0, 140.0, 11.0, "2^{nd} Bo Ray"),
        (350.0, 165.0, 10.0, "Other Institute"),
        (350.0, 177.0, 10.0, "bo@other.org"),
        (
            50.0,
            220.0,
            9.0,
            "*Abstract—This paper studies small things in large",
        ),
    ];
    for i in 0..6 {
        lines.push((
            50.0,
            231.0 + 11.0 * i as f32,
            9.0,
            "*networks and shows that they are found in all of them.",
        ));
    }
    lines.push((50.0, 300.0, 9.0, "*Index Terms—small things, networks"));
    lines.push((110.0, 325.0, 10.0, "I. INTRODUCTION"));
    prose(&mut lines, 50.0, 340.0, 10.0, 25);
    prose(&mut lines, 310.0, 220.0, 10.0, 40);
    lines.push((50.0, 770.0, 8.0, "978-1-7281-0000-0/20/$31.00 ©2020 IEEE"));
    let page = page(&lines);
    let (metadata, _) = check(
        &[page],
        "On the Behaviour of Small Things in Large Networks",
        &["Ann B. Lee", "Bo Ray"],
    );
    assert_eq!(metadata.year(), Some(2020));
    assert_eq!(
        metadata.keywords.unwrap().value,
        ["small things", "networks"]
    );
    let text = metadata.abstract_text.unwrap().value;
    assert!(
        text.starts_with("This paper studies") && text.ends_with("all of them."),
        "{text}"
    );
}

#[test]
fn lncs_with_run_in_headings() {
    let mut lines = vec![
        (150.0, 100.0, 14.0, "*Small Things in Formal Concept"),
        (230.0, 117.0, 14.0, "*Lattices^{⋆}"),
        (
            170.0,
            150.0,
            10.0,
            "Ann Lee^{1}, Bo Ray^{1,2}, and Çelik Öz^{2}",
        ),
        (
            200.0,
            170.0,
            9.0,
            "^{1} Some University, Springfield, Germany",
        ),
        (230.0, 181.0, 9.0, "{lee,ray}@some.edu"),
        (200.0, 192.0, 9.0, "^{2} Other Institute, Ankara, Turkey"),
        (
            160.0,
            220.0,
            9.0,
            "*Abstract. ^{}We describe small things in the lattices",
        ),
    ];
    for i in 0..5 {
        lines.push((
            160.0,
            231.0 + 11.0 * i as f32,
            9.0,
            "of concepts, and how to find them in a short time.",
        ));
    }
    lines.push((
        160.0,
        300.0,
        9.0,
        "*Keywords: Small things · Concept lattices",
    ));
    lines.push((134.0, 330.0, 12.0, "*1 Introduction"));
    prose(&mut lines, 134.0, 350.0, 10.0, 25);
    let page = page(&lines);
    let (metadata, _) = check(
        &[page],
        "Small Things in Formal Concept Lattices",
        &["Ann Lee", "Bo Ray", "Çelik Öz"],
    );
    assert_eq!(
        metadata.keywords.unwrap().value,
        ["Small things", "Concept lattices"]
    );
    assert!(
        metadata
            .abstract_text
            .unwrap()
            .value
            .starts_with("We describe small")
    );
}

/// Elsevier sets the journal larger than the title and spaces "A B S T R A C T".
#[test]
fn elsevier_masthead_and_article_info() {
    let mut lines = vec![
        (
            200.0,
            40.0,
            8.0,
            "Journal of Small Things 310 (2005) 253–265",
        ),
        (
            210.0,
            70.0,
            9.0,
            "Contents lists available at ScienceDirect",
        ),
        (180.0, 95.0, 20.0, "Journal of Small Things"),
        (
            190.0,
            125.0,
            9.0,
            "journal homepage: www.elsevier.com/locate/small",
        ),
        (40.0, 170.0, 16.0, "The response of small things to heat"),
        (
            40.0,
            200.0,
            12.0,
            "Ann N.J. Lee^{a,c,∗}, Alice E. Best^{b}, Lu Zhang^{b,c}",
        ),
        (
            40.0,
            222.0,
            7.0,
            "^{a} School of Things, University of Somewhere, P.O. Box 137, Victoria 3084, Australia",
        ),
        (
            40.0,
            232.0,
            7.0,
            "^{b} CSIRO Land and Water, Canberra, Australia",
        ),
        (40.0, 260.0, 9.0, "A R T I C L E I N F O"),
        (40.0, 280.0, 7.0, "Article history:"),
        (40.0, 290.0, 7.0, "Received 1 October 2003"),
        (40.0, 300.0, 7.0, "Accepted 3 January 2004"),
        (40.0, 320.0, 7.0, "Keywords:"),
        (40.0, 330.0, 7.0, "Small things"),
        (40.0, 340.0, 7.0, "Heat"),
        (200.0, 260.0, 9.0, "A B S T R A C T"),
    ];
    for i in 0..6 {
        lines.push((
            200.0,
            280.0 + 10.0 * i as f32,
            8.0,
            "The effect of heat on small things is well understood on a mean basis.",
        ));
    }
    lines.push((
        460.0,
        345.0,
        8.0,
        "© 2005 Elsevier B.V. All rights reserved.",
    ));
    lines.push((40.0, 380.0, 9.0, "*1. Introduction"));
    prose(&mut lines, 40.0, 395.0, 9.0, 25);
    prose(&mut lines, 310.0, 395.0, 9.0, 25);
    lines.push((
        40.0,
        760.0,
        7.0,
        "https://doi.org/10.1016/j.small.2005.01.006",
    ));
    let page = page(&lines);
    let (metadata, _) = check(
        &[page],
        "The response of small things to heat",
        &["Ann N.J. Lee", "Alice E. Best", "Lu Zhang"],
    );
    assert_eq!(metadata.year(), Some(2005));
    assert_eq!(metadata.venue.unwrap().value, "Journal of Small Things");
    assert_eq!(metadata.doi.unwrap().value, "10.1016/j.small.2005.01.006");
    assert_eq!(metadata.keywords.unwrap().value, ["Small things", "Heat"]);
    let text = metadata.abstract_text.unwrap().value;
    assert!(
        text.starts_with("The effect") && text.ends_with("mean basis."),
        "{text}"
    );
}

#[test]
fn nature_with_label_and_bold_unlabelled_abstract() {
    let mut lines = vec![
        (40.0, 40.0, 22.0, "ARTICLE"),
        (400.0, 45.0, 8.0, "doi:10.1038/nature12345"),
        (40.0, 90.0, 24.0, "A network of small things"),
        (40.0, 118.0, 24.0, "across the whole sky"),
        (
            40.0,
            150.0,
            9.0,
            "A. B. Lee^{1}, Bo Ray^{1,2}, C. Doe^{3} & Di Eve^{2}",
        ),
    ];
    for i in 0..7 {
        lines.push((
            40.0,
            180.0 + 12.0 * i as f32,
            10.0,
            "*Small things are everywhere, but how they are joined to each other is not known.",
        ));
    }
    prose(&mut lines, 40.0, 290.0, 8.5, 40);
    prose(&mut lines, 310.0, 290.0, 8.5, 40);
    lines.push((
        40.0,
        760.0,
        6.5,
        "^{1}Some University, Springfield, USA. ^{2}Other Institute, Paris, France.",
    ));
    lines.push((200.0, 780.0, 7.0, "NATURE | VOL 521 | 28 MAY 2015"));
    let page = page(&lines);
    let (metadata, _) = check(
        &[page],
        "A network of small things across the whole sky",
        &["A. B. Lee", "Bo Ray", "C. Doe", "Di Eve"],
    );
    assert_eq!(metadata.year(), Some(2015));
    assert_eq!(metadata.venue.unwrap().value, "NATURE");
    assert!(
        metadata
            .abstract_text
            .unwrap()
            .value
            .starts_with("Small things are")
    );
}

#[test]
fn plos_with_a_structured_abstract() {
    let mut lines = vec![
        (200.0, 60.0, 9.0, "RESEARCH ARTICLE"),
        (200.0, 80.0, 18.0, "*Why small things are found so often"),
        (
            200.0,
            110.0,
            11.0,
            "*Ann Lee^{1☯*}, Bo Ray^{2☯}, Cy Doe^{1}",
        ),
        (
            200.0,
            130.0,
            8.0,
            "1 Some University, Springfield, United States of America, 2 Other Institute, Paris,",
        ),
        (200.0, 140.0, 8.0, "France"),
        (200.0, 155.0, 8.0, "* ann@some.edu"),
        (
            40.0,
            200.0,
            7.0,
            "Citation: Lee A, Ray B, Doe C (2018) Why small things. PLoS ONE",
        ),
        (
            40.0,
            210.0,
            7.0,
            "13(5): e0190000. https://doi.org/10.1371/journal.pone.0190000",
        ),
        (40.0, 230.0, 7.0, "Received: September 9, 2017"),
        (40.0, 250.0, 7.0, "Published: May 3, 2018"),
        (200.0, 185.0, 16.0, "*Abstract"),
        (200.0, 210.0, 11.0, "*Background"),
    ];
    prose(&mut lines, 200.0, 225.0, 10.0, 4);
    lines.push((200.0, 280.0, 11.0, "*Methods"));
    prose(&mut lines, 200.0, 295.0, 10.0, 4);
    lines.push((200.0, 360.0, 16.0, "*Introduction"));
    prose(&mut lines, 200.0, 385.0, 10.0, 30);
    let page = page(&lines);
    let (metadata, _) = check(
        &[page],
        "Why small things are found so often",
        &["Ann Lee", "Bo Ray", "Cy Doe"],
    );
    assert_eq!(metadata.year(), Some(2018));
    assert_eq!(metadata.doi.unwrap().value, "10.1371/journal.pone.0190000");
    let text = metadata.abstract_text.unwrap().value;
    assert!(
        text.contains("Methods") && !text.contains("Introduction"),
        "{text}"
    );
}

#[test]
fn arxiv_article_with_stamp_in_the_margin() {
    let mut lines = vec![
        (
            centred(17.0, "Small things: a survey"),
            110.0,
            17.0,
            "Small things: a survey",
        ),
        (130.0, 160.0, 12.0, "Ann Lee"),
        (100.0, 175.0, 12.0, "Some University"),
        (380.0, 160.0, 12.0, "Bo Ray"),
        (370.0, 175.0, 12.0, "Other Labs"),
        (centred(12.0, "March 3, 2021"), 210.0, 12.0, "March 3, 2021"),
        (centred(9.0, "*Abstract"), 250.0, 9.0, "*Abstract"),
    ];
    prose(&mut lines, 150.0, 265.0, 9.0, 6);
    lines.push((134.0, 350.0, 14.0, "*1 Introduction"));
    prose(&mut lines, 134.0, 375.0, 10.0, 30);
    let mut page = page(&lines);
    page.margins.push(MarginLine {
        kind: MarginKind::Aside,
        text: "arXiv:2103.01234v3 [cs.CL] 9 Jan 2023".to_owned(),
        rect: Rect::default(),
    });
    let (metadata, front) = check(&[page], "Small things: a survey", &["Ann Lee", "Bo Ray"]);
    assert_eq!(metadata.arxiv_id.unwrap().value, "2103.01234");
    // A later version does not make the paper younger.
    assert_eq!(metadata.year.unwrap().value, 2021);
    assert_eq!(front.page, 0);
}

#[test]
fn a_thesis_has_its_abstract_on_a_later_page() {
    let title_page = page(&[
        (
            centred(20.0, "Small Things and Their Uses"),
            150.0,
            20.0,
            "*Small Things and Their Uses",
        ),
        (290.0, 220.0, 12.0, "by"),
        (centred(14.0, "Ann Maria Lee"), 245.0, 14.0, "Ann Maria Lee"),
        (
            150.0,
            320.0,
            12.0,
            "A thesis submitted in partial fulfilment of the",
        ),
        (
            150.0,
            336.0,
            12.0,
            "requirements for the degree of Doctor of Philosophy",
        ),
        (
            centred(12.0, "Some University"),
            400.0,
            12.0,
            "Some University",
        ),
        (centred(12.0, "June 2012"), 420.0, 12.0, "June 2012"),
    ]);
    let mut lines = vec![(260.0, 80.0, 16.0, "*Abstract")];
    prose(&mut lines, 100.0, 120.0, 11.0, 12);
    let abstract_page = page(&lines);
    let mut lines = vec![
        (100.0, 80.0, 20.0, "*Chapter 1"),
        (100.0, 110.0, 20.0, "*Introduction"),
    ];
    prose(&mut lines, 100.0, 150.0, 11.0, 40);
    let pages = [title_page, abstract_page, page(&lines)];
    let (metadata, front) = check(&pages, "Small Things and Their Uses", &["Ann Maria Lee"]);
    assert_eq!(metadata.year(), Some(2012));
    assert!(
        metadata
            .abstract_text
            .unwrap()
            .value
            .starts_with("we study")
    );
    assert_eq!((front.page, front.abstract_page), (0, 1));
}

#[test]
fn a_cover_sheet_is_passed_over_but_read_for_the_year() {
    let cover = page(&[
        (50.0, 60.0, 14.0, "*A Cover's Way to Set the Title"),
        (50.0, 90.0, 10.0, "Author(s): Ann Lee"),
        (
            50.0,
            105.0,
            10.0,
            "Source: Journal of Small Things, Vol. 3 (May, 1974), pp. 1-9",
        ),
        (
            50.0,
            120.0,
            10.0,
            "Stable URL: https://www.jstor.org/stable/1234",
        ),
        (
            50.0,
            200.0,
            9.0,
            "JSTOR is a not-for-profit service that helps scholars",
        ),
        (
            50.0,
            215.0,
            9.0,
            "Your use of the JSTOR archive indicates your acceptance",
        ),
    ]);
    let mut lines = vec![
        (120.0, 100.0, 16.0, "*The True Title of the Study"),
        (250.0, 140.0, 11.0, "ANN LEE"),
    ];
    prose(&mut lines, 100.0, 180.0, 10.0, 40);
    let pages = [cover, page(&lines)];
    let (metadata, front) = check(&pages, "The True Title of the Study", &["ANN LEE"]);
    assert_eq!(front.page, 1);
    assert_eq!(metadata.year(), Some(1974));
    assert_eq!(metadata.venue.unwrap().value, "Journal of Small Things");
}

#[test]
fn names_of_one_column_that_run_over_the_line() {
    let mut lines = vec![
        (
            167.0,
            138.0,
            16.7,
            "*A practical guide to small things: Navigating",
        ),
        (167.0, 160.0, 16.7, "*key decisions"),
        (
            167.0,
            191.0,
            11.3,
            "James A. Lee ^{1}, Azhar Ray ^{2}, Kevin Doe ^{3}, and Ana",
        ),
        (167.0, 207.0, 11.3, "Trisovic"),
        (216.0, 205.0, 8.0, "4"),
        (
            167.0,
            230.0,
            8.7,
            "1 Grantham Research Institute, London 2 Department of Economics, London School",
        ),
        (28.0, 265.0, 8.7, "DOI: 10.21105/small.00090"),
        (28.0, 355.0, 8.4, "Published: 23 May 2024"),
        (167.0, 293.0, 13.5, "*Summary"),
    ];
    prose(&mut lines, 167.0, 319.0, 10.0, 6);
    lines.push((167.0, 400.0, 13.5, "*Statement of need"));
    prose(&mut lines, 167.0, 420.0, 10.0, 20);
    let page = page(&lines);
    let (metadata, _) = check(
        &[page],
        "A practical guide to small things: Navigating key decisions",
        &["James A. Lee", "Azhar Ray", "Kevin Doe", "Ana Trisovic"],
    );
    assert_eq!(metadata.year(), Some(2024));
}

#[test]
fn years_by_the_surest_wording() {
    let year = |texts: &[&'static str]| {
        let lines: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(i, text)| (50.0, 50.0 + 20.0 * i as f32, 10.0, *text))
            .collect();
        read(&[page(&lines)]).0.year()
    };
    for (lines, expected) in [
        (&["arXiv:2402.00001v9 [cs.CL] 3 May 2025"][..], Some(2024)),
        (&["Copyright 2004 ACM 1-58113"], Some(2004)),
        (&["Received 3 May 2011; Published 5 May 2012"], Some(2012)),
        (
            &["Received 1 October 2003; revised 2004; accepted 3 January 2005"],
            Some(2005),
        ),
        (
            &[
                "Proceedings of the 45th Annual Meeting, pages 696-703,",
                "Prague, June 2007.",
            ],
            Some(2007),
        ),
        (&["A Title of Things", "May 1998"], Some(1998)),
        (
            &["In 1969 Hoare said that we should do as he did then"],
            None,
        ),
        (&["about 3000 and 1234"], None),
        (&["(c) the share of 1998 and later"], None),
        (&["(c) 1998 Some Press"], Some(1998)),
    ] {
        assert_eq!(year(lines), expected, "{lines:?}");
    }
}

/// Typewritten papers set everything in one size.
#[test]
fn a_title_in_the_size_of_the_text() {
    let mut lines = vec![
        (150.0, 80.0, 10.0, "*On Doing Small Things by Hand"),
        (220.0, 110.0, 10.0, "George E. P. Box and Israel Levy"),
        (
            220.0,
            125.0,
            10.0,
            "Department of Statistics, Some University",
        ),
        (250.0, 160.0, 10.0, "*Summary"),
    ];
    prose(&mut lines, 100.0, 180.0, 10.0, 8);
    lines.push((100.0, 290.0, 10.0, "*1. Introduction"));
    prose(&mut lines, 100.0, 310.0, 10.0, 30);
    check(
        &[page(&lines)],
        "On Doing Small Things by Hand",
        &["George E. P. Box", "Israel Levy"],
    );
}

/// A label in large type above, a word in a figure below, a running head in small type.
#[test]
fn the_title_among_larger_words() {
    let mut lines = vec![
        (40.0, 20.0, 8.0, "Lee et al. / Small Things"),
        (40.0, 50.0, 20.0, "Review"),
        (40.0, 90.0, 14.0, "*The Behaviour of Small Things in Water"),
        (
            40.0,
            115.0,
            11.0,
            "Ann Lee^{1,2}, Bo Ray^{1,†} and Cy Doe^{2}",
        ),
        (
            40.0,
            140.0,
            8.0,
            "^{1} Some University ^{2} Other Institute",
        ),
        (250.0, 300.0, 24.0, "Water"),
        (40.0, 170.0, 10.0, "*Abstract"),
    ];
    prose(&mut lines, 40.0, 190.0, 10.0, 6);
    lines.push((40.0, 400.0, 12.0, "*Introduction"));
    prose(&mut lines, 40.0, 420.0, 10.0, 25);
    check(
        &[page(&lines)],
        "The Behaviour of Small Things in Water",
        &["Ann Lee", "Bo Ray", "Cy Doe"],
    );
}

/// Before layout, lines still end in the hyphens that they are printed with.
#[test]
fn hyphens_at_line_ends() {
    let mut lines = vec![
        (100.0, 80.0, 18.0, "Open-source Software for Predic-"),
        (100.0, 100.0, 18.0, "tion of Small-scale Self-"),
        (100.0, 120.0, 18.0, "Organising Things"),
        (100.0, 160.0, 11.0, "*Abstract"),
        (100.0, 180.0, 10.0, "We seek differ-"),
        (100.0, 192.0, 10.0, "ent uses of open-"),
        (
            100.0,
            204.0,
            10.0,
            "source things, open to all, whatever the source of a prediction may be.",
        ),
        (100.0, 240.0, 11.0, "*Introduction"),
    ];
    prose(&mut lines, 100.0, 260.0, 10.0, 20);
    let (metadata, _) = read(&[page(&lines)]);
    assert_eq!(
        metadata.title(),
        Some("Open-source Software for Prediction of Small-scale Self-Organising Things")
    );
    let text = metadata.abstract_text.unwrap().value;
    assert!(
        text.starts_with("We seek different uses of open-source things"),
        "{text}"
    );
}

/// What the file says counts only where the page bears it out.
#[test]
fn statements_of_the_file() {
    let mut lines = vec![
        (100.0, 80.0, 18.0, "*SMALL THINGS CONSIDERED^{1}"),
        (100.0, 120.0, 11.0, "Ann Lee and Bo Ray"),
        (100.0, 160.0, 11.0, "*Abstract"),
    ];
    prose(&mut lines, 100.0, 180.0, 10.0, 30);
    let page = page(&lines);
    let info = Info {
        title: Some("Small Things Considered".to_owned()),
        author: Some("Some Secretary".to_owned()),
        subject: Some("Journal of Things, 3 (2001) 1-9. doi:10.1000/xyz.1".to_owned()),
        keywords: Some("one; two".to_owned()),
        ..Info::default()
    };
    let (metadata, _) = front(&info, std::slice::from_ref(&page));
    assert_eq!(metadata.title(), Some("Small Things Considered"));
    assert_eq!(metadata.authors(), ["Ann Lee", "Bo Ray"]);
    assert_eq!(metadata.doi.unwrap().value, "10.1000/xyz.1");
    assert_eq!(metadata.venue.unwrap().value, "Journal of Things");
    assert_eq!(metadata.keywords.unwrap().value, ["one", "two"]);
    let info = Info {
        title: Some("Template of the Last Conference Paper".to_owned()),
        ..Info::default()
    };
    assert_eq!(
        front(&info, &[page]).0.title(),
        Some("SMALL THINGS CONSIDERED")
    );
}

/// Pages as no paper has them: nothing panics and nothing takes long.
#[test]
fn hostile_pages() {
    let long: &'static str = "Ann Lee, Bo Ray, and ".repeat(50_000).leak();
    let wide: &'static str = "10.10./".repeat(100_000).leak();
    let pages = [
        page(&[
            (f32::MAX, f32::MIN, 1e30, "Far Away Title of Things"),
            (0.0, 0.0, 0.0, ""),
        ]),
        page(&[
            (0.0, 0.0, 10.0, long),
            (0.0, 20.0, 30.0, wide),
            (0.0, 60.0, 10.0, "é\u{301}"),
        ]),
        page(&vec![(10.0, 10.0, 10.0, "Abstract"); 20_000]),
        page(&vec![(10.0, 10.0, 20.0, "Ann Lee,"); 20_000]),
        Page::default(),
    ];
    for page in &pages {
        read(std::slice::from_ref(page));
    }
    read(&pages);
}
