//! The layouts of publishers and of LaTeX classes.

use super::*;
use crate::{MarginKind, MarginLine};

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
