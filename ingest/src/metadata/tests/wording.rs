//! Layouts of no publisher, and what wording and the file itself say.

use super::*;

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
