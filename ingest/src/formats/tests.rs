mod hostile;
mod word;

use expect_test::{Expect, expect};

use super::*;
use crate::PAGE_SEPARATOR;

/// What holds for every document, whatever its format.
pub(super) fn check_invariants(document: &Document) {
    let text = document.text();
    for (page, number) in document.pages.iter().zip(1..) {
        assert_eq!(page.number, number);
        let mut at = 0;
        let mut line_at = 0;
        for block in &page.blocks {
            let gap = if at == 0 { "" } else { "\n\n" };
            assert_eq!(page.slice(at, block.start), gap);
            assert_eq!(block.first_line, line_at);
            assert!(block.end_line > block.first_line, "a block without lines");
            let lines: Vec<&str> = page.lines[block.first_line..block.end_line]
                .iter()
                .map(|line| page.slice(line.start, line.end))
                .collect();
            assert!(
                lines
                    .iter()
                    .all(|line| !line.is_empty() && !line.contains('\n'))
            );
            assert_eq!(lines.join("\n"), page.slice(block.start, block.end));
            assert_eq!(
                block.level.is_some(),
                block.kind == crate::BlockKind::Heading
            );
            assert!(
                page.slice(block.start, block.end)
                    .chars()
                    .all(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            );
            (at, line_at) = (block.end, block.end_line);
        }
        assert_eq!(at, page.text.len());
        assert_eq!(line_at, page.lines.len());
    }
    for reference in &document.references {
        let printed = text
            .get(reference.start..reference.end)
            .expect("a span of the text");
        assert_eq!(printed.replace('\n', " "), reference.text);
        assert!(!printed.contains(PAGE_SEPARATOR) || !printed.trim().is_empty());
    }
}

fn dump(document: &Document) -> String {
    let mut out = String::new();
    let metadata = &document.metadata;
    for (name, value) in [
        ("title", metadata.title().map(str::to_owned)),
        ("authors", Some(metadata.authors().join("; "))),
        ("year", metadata.year().map(|year| year.to_string())),
        (
            "venue",
            metadata.venue.as_ref().map(|field| field.value.clone()),
        ),
        (
            "doi",
            metadata.doi.as_ref().map(|field| field.value.clone()),
        ),
        (
            "arxiv",
            metadata.arxiv_id.as_ref().map(|field| field.value.clone()),
        ),
        (
            "abstract",
            metadata
                .abstract_text
                .as_ref()
                .map(|field| field.value.clone()),
        ),
        (
            "keywords",
            metadata
                .keywords
                .as_ref()
                .map(|field| field.value.join("; ")),
        ),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out += &format!("{name}: {value:?}\n");
        }
    }
    for page in &document.pages {
        if page.number > 1 {
            out += "-- page --\n";
        }
        for block in &page.blocks {
            let level = block
                .level
                .map(|level| format!(" {level}"))
                .unwrap_or_default();
            out += &format!(
                "{:?}{level} {:?}\n",
                block.kind,
                page.slice(block.start, block.end)
            );
        }
    }
    for reference in &document.references {
        out += &format!(
            "[{}] {:?} {:?} {:?} {:?}\n",
            reference.label, reference.authors, reference.title, reference.year, reference.doi
        );
    }
    for warning in &document.warnings {
        out += &format!("! {}: {}\n", warning.code, warning.message);
    }
    out
}

fn check(bytes: &[u8], name: &str, expect: Expect) {
    let format = detect(bytes, name).expect("a format that is read");
    let document = read(bytes, format).expect("a document");
    assert_eq!(document.format, format);
    check_invariants(&document);
    expect.assert_eq(&dump(&document));
}

#[test]
fn jats() {
    check(
        br#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS.dtd">
<article article-type="research-article"><front><journal-meta><journal-title-group><journal-title>Acta Mea</journal-title></journal-title-group></journal-meta>
<article-meta><article-id pub-id-type="doi">10.1000/ABC</article-id>
<title-group><article-title>On <italic>x</italic><xref ref-type="fn">*</xref></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Lee</surname><given-names>Ann B.</given-names></name></contrib>
<contrib contrib-type="editor"><name><surname>No</surname><given-names>One</given-names></name></contrib>
<contrib contrib-type="author"><collab>The Group</collab></contrib></contrib-group>
<pub-date pub-type="epub"><year>2018</year></pub-date><pub-date pub-type="ppub"><year>2019</year></pub-date>
<abstract><sec><title>Aims</title><p>To see.</p></sec><sec><title>Results</title><p>We saw.</p></sec></abstract>
<kwd-group><kwd>one</kwd><kwd>two</kwd></kwd-group></article-meta></front>
<body><sec><label>1</label><title>Intro</title><p>As shown<sup><xref ref-type="bibr">1,2</xref></sup> for CO<sub>2</sub> at 10<sup>-3</sup>
 m.<fn><p>A note.</p></fn> Then <disp-formula><label>(1)</label><tex-math>a=b</tex-math></disp-formula> holds.</p>
<sec><label>1.1</label><title>Deep</title><list list-type="order"><list-item><p>First</p><list list-type="bullet"><list-item><p>Inner</p></list-item></list></list-item><list-item><p>Second</p></list-item></list></sec></sec>
<fig><label>Figure 1</label><caption><title>Title.</title><p>More.</p></caption><graphic/></fig>
<table-wrap><label>Table 1</label><caption><p>Numbers</p></caption><table><thead><tr><th/><th>B</th></tr></thead><tbody><tr><td>a <bold>b</bold></td><td>1</td></tr></tbody></table><table-wrap-foot><p>n = 3</p></table-wrap-foot></table-wrap>
<code>if x:
    y</code></body>
<back><ack><p>Thanks.</p></ack><ref-list><ref><label>1.</label><mixed-citation><string-name><surname>Ek</surname>, <given-names>B</given-names></string-name>. <article-title>A title</article-title>. <source>J</source> <year>2001</year>. doi: <pub-id pub-id-type="doi">10.1/x</pub-id></mixed-citation></ref>
<ref><element-citation><person-group person-group-type="author"><name><surname>Oz</surname><given-names>C.</given-names></name></person-group><year>1999</year><source>A Book</source><publisher-name>Press</publisher-name></element-citation></ref></ref-list></back></article>"#,
        "a.nxml",
        expect![[r#"
            title: "On x"
            authors: "Ann B. Lee; The Group"
            year: "2019"
            venue: "Acta Mea"
            doi: "10.1000/abc"
            abstract: "Aims: To see.\n\nResults: We saw."
            keywords: "one; two"
            Title "On x"
            Author "Ann B. Lee, The Group"
            Abstract "Aims: To see."
            Abstract "Results: We saw."
            Heading 1 "1 Intro"
            Paragraph "As shown[1,2] for CO2 at 10^-3 m. Then"
            Footnote "A note."
            Equation "a=b (1)"
            Paragraph "holds."
            Heading 2 "1.1 Deep"
            ListItem "1. First"
            ListItem "• Inner"
            ListItem "2. Second"
            Caption "Figure 1. Title. More."
            Caption "Table 1. Numbers"
            Table "\tB\na b\t1"
            Footnote "n = 3"
            Code "if x:\n    y"
            Heading 1 "Acknowledgements"
            Paragraph "Thanks."
            Heading 1 "References"
            Reference "[1] Ek, B. A title. J 2001. doi: 10.1/x"
            Reference "C. Oz (1999). A Book. Press"
            [1] ["B Ek"] Some("A title") Some(2001) None
            [] ["C. Oz"] Some("A Book") Some(1999) None
        "#]],
    );
}

#[test]
fn tei_of_grobid() {
    check(
        br#"<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt><title level="a" type="main">On x</title></titleStmt>
<sourceDesc><biblStruct><analytic><author><persName><forename type="first">Ann</forename><forename type="middle">B</forename><surname>Lee</surname></persName><affiliation><orgName>Uni</orgName></affiliation></author></analytic>
<monogr><title level="j">Acta</title><imprint><date when="2020-05-01"/></imprint></monogr><idno type="DOI">10.1000/abc</idno></biblStruct></sourceDesc></fileDesc>
<profileDesc><textClass><keywords><term>one</term><term>two</term></keywords></textClass><abstract><div><p>We saw.</p></div></abstract></profileDesc></teiHeader>
<text><body><div><head n="2">Methods</head><p>As in <ref type="bibr">[1]</ref>.</p><formula>a = b<label>(1)</label></formula></div>
<div><head n="2.1">Data</head><p>Many.</p><note place="foot" n="1"><p>A note.</p></note></div>
<figure type="table"><head>Table 1</head><figDesc>Numbers</figDesc><table><row><cell>a</cell><cell>1</cell></row></table></figure></body>
<back><div type="references"><listBibl><biblStruct><analytic><title>A title</title><author><persName><forename>B</forename><surname>Ek</surname></persName></author><idno type="DOI">10.1000/Y</idno></analytic><monogr><title>J</title><imprint><biblScope unit="page" from="3" to="9"/><date when="2001"/></imprint></monogr></biblStruct></listBibl></div></back></text></TEI>"#,
        "a.tei.xml",
        expect![[r#"
            title: "On x"
            authors: "Ann B Lee"
            year: "2020"
            venue: "Acta"
            doi: "10.1000/abc"
            abstract: "We saw."
            keywords: "one; two"
            Title "On x"
            Author "Ann B Lee"
            Abstract "We saw."
            Heading 1 "2 Methods"
            Paragraph "As in [1]."
            Equation "a = b (1)"
            Heading 2 "2.1 Data"
            Paragraph "Many."
            Footnote "1 A note."
            Caption "Table 1. Numbers"
            Table "a\t1"
            Heading 1 "References"
            Reference "B Ek (2001). A title. J. 3–9. 10.1000/Y"
            [] ["B Ek"] Some("A title") Some(2001) Some("10.1000/y")
        "#]],
    );
}

#[test]
fn markdown() {
    check(
        b"---\ntitle: \"On x\"\nauthors:\n  - name: Ann B. Lee\n    affiliation: 1\n  - given-names: Bo\n    surname: Ek\ndate: 2020-05-01\nkeywords: [one, two]\ndoi: https://doi.org/10.1000/ABC\n---\n\n# Summary\n\nWe *saw*\nit `all`[^1]. See [@lee].\n\n## Data {#data}\n\n1. First\n   - inner\n2. Second $x^2$\n\n| A | B |\n|---|---|\n| a | 1 |\n\nTable: Numbers\n\n$$a = b$$\n\n```python\nif x:\n\n    y\n```\n\n![Figure 1: A picture](a.png)\n\n> Quoted.\n\n<div>Some <b>HTML</b></div>\n\n[^1]: A note.\n\n# References\n\n- Lee, A. (2019). A title. *J*, 3. https://doi.org/10.1000/x\n- Ek, B. (2001). Another one. Press.\n",
        "a.md",
        expect![[r#"
            title: "On x"
            authors: "Ann B. Lee; Bo Ek"
            year: "2020"
            doi: "10.1000/abc"
            keywords: "one; two"
            Title "On x"
            Author "Ann B. Lee, Bo Ek"
            Heading 1 "Summary"
            Paragraph "We saw it all[1]. See [@lee]."
            Heading 2 "Data"
            ListItem "1. First"
            ListItem "• inner"
            ListItem "2. Second x^2"
            Table "A\tB\na\t1"
            Caption "Table: Numbers"
            Equation "a = b"
            Code "if x:\n \n    y"
            Caption "Figure 1: A picture"
            Paragraph "Quoted."
            Paragraph "Some HTML"
            Footnote "[1] A note."
            Heading 1 "References"
            Reference "• Lee, A. (2019). A title. J, 3. https://doi.org/10.1000/x"
            Reference "• Ek, B. (2001). Another one. Press."
            [] [] Some("A title") Some(2019) Some("10.1000/x")
            [] [] Some("Another one") Some(2001) None
        "#]],
    );
}

#[test]
fn markdown_without_front_matter_takes_its_title_from_the_heading() {
    check(
        b"\xef\xbb\xbf# On x\r\n\r\nIntro text.\r\n\r\n## Abstract\r\n\r\nWe saw.\r\n\r\n**Keywords:** one, two\r\n\r\n## 1 Methods\r\n\r\nMany.\r\n\r\n### 1.1 Data\r\n\r\nMore.\r\n",
        "a.markdown",
        expect![[r#"
            title: "On x"
            abstract: "We saw."
            keywords: "one; two"
            Title "On x"
            Paragraph "Intro text."
            Heading 1 "Abstract"
            Abstract "We saw."
            Paragraph "Keywords: one, two"
            Heading 1 "1 Methods"
            Paragraph "Many."
            Heading 2 "1.1 Data"
            Paragraph "More."
        "#]],
    );
    check(
        b"% On x\n% Ann Lee; Bo Ek\n% May 2020\n\nText.\n",
        "b.md",
        expect![[r#"
            title: "On x"
            authors: "Ann Lee; Bo Ek"
            year: "2020"
            Title "On x"
            Author "Ann Lee, Bo Ek"
            Paragraph "Text."
        "#]],
    );
}

#[test]
fn plain_text() {
    check(
        "On the Nature of x\n\nAnn Lee, Bo Ek\n\nAbstract\n\nWe saw. It was\ngood.\n\nKeywords: one; two\n\n1 Introduction\n\nIt begins.\n\n2.1 Data\nMany of them.\n\n- first\n- second\n  goes on\n\nname    value\nx       1\n\x0cNext page.\n\nDiscussion\n==========\n\nWell.\n\nReferences\n\n[1] Lee, A. (2019). A title. J, 3. doi:10.1000/x\n[2] Ek, B. Another one. Press, 2001.\n\x0c".as_bytes(),
        "a.txt",
        expect![[r#"
            title: "On the Nature of x"
            authors: "Ann Lee; Bo Ek"
            abstract: "We saw. It was good."
            keywords: "one; two"
            Title "On the Nature of x"
            Author "Ann Lee, Bo Ek"
            Heading 1 "Abstract"
            Abstract "We saw. It was\ngood."
            Paragraph "Keywords: one; two"
            Heading 1 "1 Introduction"
            Paragraph "It begins."
            Heading 2 "2.1 Data"
            Paragraph "Many of them."
            ListItem "- first"
            ListItem "- second\ngoes on"
            Table "name\tvalue\nx\t1"
            -- page --
            Paragraph "Next page."
            Heading 1 "Discussion"
            Paragraph "Well."
            Heading 1 "References"
            Reference "[1] Lee, A. (2019). A title. J, 3. doi:10.1000/x"
            Reference "[2] Ek, B. Another one. Press, 2001."
            [1] [] Some("A title") Some(2019) Some("10.1000/x")
            [2] [] None Some(2001) None
        "#]],
    );
}

#[test]
fn web_page_that_marks_its_article() {
    let filler = "It goes on like this for quite a while, so that there is text. ".repeat(8);
    check(
        format!("<!DOCTYPE html><html><head><title>On x | The Site</title><meta charset=utf-8>
<meta name=citation_title content=\"On x\"><meta name=citation_author content=\"Lee, Ann\"><meta name=citation_author content=\"Bo Ek\">
<meta name=citation_publication_date content=\"2020/05/01\"><meta name=citation_journal_title content=Acta><meta name=citation_doi content=\"10.1000/ABC\"></head>
<body><nav><a href=/>Home</a> Menu</nav><header>Site</header><article><h1>On x</h1><p>By Ann Lee</p><h2>Abstract</h2><p>We saw.</p>
<h2>1&nbsp;Intro</h2><p>As shown<sup><a href=#1>1</a></sup> for <math alttext=\"a_i\"><mi>a</mi></math>,<br>{filler}<script>evil()</script></p>
<h3>1.1 Data</h3><ol><li><p>First</p></li><li>Second<ul><li>inner</li></ul></li></ol>
<figure><img><figcaption>Figure 1. A picture</figcaption></figure>
<table><caption>Table 1. Numbers</caption><tr><th>A<th>B<tr><td>a<td>1</table><pre>if x:\n\n    y</pre>
<div class=ltx_equation><math display=block><mi>a</mi><mo>=</mo><mi>b</mi></math></div>
<h2>References</h2><ol><li id=1>Lee, A. (2019). A title. J, 3. <a href=\"https://doi.org/10.1000/x\">10.1000/x</a></li></ol></article>
<footer>Copyright</footer><div style=\"display: none\">Hidden</div></body></html>").as_bytes(),
        "a.html",
        expect![[r#"
            title: "On x"
            authors: "Ann Lee; Bo Ek"
            year: "2020"
            venue: "Acta"
            doi: "10.1000/abc"
            abstract: "We saw."
            Title "On x"
            Paragraph "By Ann Lee"
            Heading 1 "Abstract"
            Abstract "We saw."
            Heading 1 "1 Intro"
            Paragraph "As shown[1] for a_i,\nIt goes on like this for quite a while, so that there is text. It goes on like this for quite a while, so that there is text. It goes on like this for quite a while, so that there is text. It goes on like this for quite a while, so that there is text. It goes on like this for quite a while, so that there is text. It goes on like this for quite a while, so that there is text. It goes on like this for quite a while, so that there is text. It goes on like this for quite a while, so that there is text."
            Heading 2 "1.1 Data"
            ListItem "1. First"
            ListItem "2. Second"
            ListItem "• inner"
            Caption "Figure 1. A picture"
            Caption "Table 1. Numbers"
            Table "A\tB\na\t1"
            Code "if x:\n \n    y"
            Equation "a = b"
            Heading 1 "References"
            Reference "1. Lee, A. (2019). A title. J, 3. 10.1000/x"
            [1] [] Some("A title") Some(2019) Some("10.1000/x")
        "#]],
    );
}

#[test]
fn web_page_of_latexml() {
    check(
        r#"<!DOCTYPE html><html><head><title>On x</title></head><body><div class="ltx_page_main"><div class="ltx_page_content"><article class="ltx_document">
<h1 class="ltx_title ltx_title_document">On <math alttext="x"><mi>x</mi></math></h1>
<div class="ltx_authors"><span class="ltx_creator ltx_role_author"><span class="ltx_personname">Ann Lee<sup>1</sup>, Bo Ek<br>Some University</span></span></div>
<div class="ltx_abstract"><h6 class="ltx_title ltx_title_abstract">Abstract</h6><p class="ltx_p">We saw.</p></div>
<section class="ltx_section"><h2 class="ltx_title"><span class="ltx_tag ltx_tag_section">1 </span>Introduction</h2>
<div class="ltx_para"><p class="ltx_p">As in <cite class="ltx_cite">(<a href="https://x">Lee, 2019</a>)</cite><span class="ltx_note ltx_role_footnote"><sup class="ltx_note_mark">1</sup><span class="ltx_note_outer"><span class="ltx_note_content"><sup class="ltx_note_mark">1</sup>A note.</span></span></span> we <em>saw</em> that this holds for a while.</p></div>
<table class="ltx_equation ltx_eqn_table"><tbody><tr class="ltx_equation"><td></td><td><math alttext="a=b" display="block"><mi>a</mi></math></td><td class="ltx_eqn_eqno"><span class="ltx_tag">(1)</span></td></tr></tbody></table>
<ul class="ltx_itemize"><li class="ltx_item"><span class="ltx_tag ltx_tag_item">•</span><div class="ltx_para"><p class="ltx_p">First</p></div></li></ul>
<section class="ltx_subsection"><h3 class="ltx_title"><span class="ltx_tag">1.1 </span>Data</h3><div class="ltx_para"><p>Many of them, and many more of them, and many more of them, and many more of them.</p></div></section></section>
<figure class="ltx_table"><figcaption class="ltx_caption"><span class="ltx_tag">Table 1: </span>Numbers</figcaption><table class="ltx_tabular"><tr><td>a</td><td>1</td></tr></table></figure>
<section class="ltx_bibliography"><h2 class="ltx_title">References</h2><ul class="ltx_biblist"><li class="ltx_bibitem"><span class="ltx_tag ltx_tag_bibitem">[1]</span><span class="ltx_bibblock">A. Lee.</span> <span class="ltx_bibblock">“A title”.</span> <span class="ltx_bibblock">J, 2019.</span></li></ul></section>
</article></div></div></body></html>"#.as_bytes(),
        "a.html",
        expect![[r#"
            title: "On x"
            authors: "Ann Lee; Bo Ek"
            abstract: "We saw."
            Title "On x"
            Author "Ann Lee1, Bo Ek\nSome University"
            Heading 1 "Abstract"
            Abstract "We saw."
            Heading 1 "1 Introduction"
            Paragraph "As in (Lee, 2019)[1] we saw that this holds for a while."
            Footnote "[1] A note."
            Equation "a=b (1)"
            ListItem "• First"
            Heading 2 "1.1 Data"
            Paragraph "Many of them, and many more of them, and many more of them, and many more of them."
            Caption "Table 1: Numbers"
            Table "a\t1"
            Heading 1 "References"
            Reference "[1] A. Lee. “A title”. J, 2019."
            [1] [] Some("A title") Some(2019) None
        "#]],
    );
}

#[test]
fn web_page_without_marks_is_cleaned_by_the_reader_view() {
    let filler =
        "It goes on like this for quite a while, and there are commas, so that there is text. "
            .repeat(12);
    let links = "<li><a href=/x>Link to elsewhere</a></li>".repeat(20);
    let page = format!(
        "<html><head><title>On the nature of x</title><script type=\"application/ld+json\">{{\"@graph\":[{{\"@type\":\"ScholarlyArticle\",\"headline\":\"On the nature of x\",\"author\":[{{\"name\":\"Ann Lee\"}}],\"datePublished\":\"2020-05-01\"}}]}}</script></head><body><div class=sidebar><ul>{links}</ul></div><div class=content><h2>Methods</h2><p>{filler}</p><p>{filler}</p><h2>Results</h2><p>{filler}</p></div><div class=comments>{links}</div></body></html>"
    );
    let document = read(page.as_bytes(), Format::Html).expect("a page");
    check_invariants(&document);
    assert_eq!(document.metadata.title(), Some("On the nature of x"));
    assert_eq!(document.metadata.authors(), ["Ann Lee"]);
    assert_eq!(document.metadata.year(), Some(2020));
    let text = document.text();
    assert!(!text.contains("elsewhere"), "{text}");
    for kept in ["Methods", "Results", "commas"] {
        assert!(text.contains(kept), "{text}");
    }
    // A page of a few words has nothing that a reader view could choose from.
    let short = read(b"<p>Short &amp; <b>sweet</b>", Format::Html).expect("a page");
    assert_eq!(short.text(), "Short & sweet");
}
