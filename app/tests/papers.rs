//! What is known of papers beyond their text: what `extract` prints, bibliographies that override,
//! links between papers, near-duplicates, other formats, pictures of pages.

mod common;

use common::{code, command, json, json_lines, lectern, pdf, sample, spawn_app};
use serde_json::Value;

fn ingest(folder: &std::path::Path, arguments: &[&str]) -> Vec<Value> {
    let output = lectern(folder, &[&["ingest", "--json"], arguments].concat());
    let mut lines = json_lines(&output);
    assert!(
        !lines.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    lines.pop();
    lines
}

fn show(folder: &std::path::Path, id: &str) -> Value {
    json(&lectern(folder, &["documents", "show", id, "--json"]))
}

#[test]
fn extract_prints_text_markdown_and_json_without_a_library() {
    let data = tempfile::tempdir().unwrap();
    let paper = sample("hybrid-retrieval.pdf").display().to_string();
    let text = lectern(data.path(), &["extract", &paper]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("reciprocal rank fusion"), "{text:.500}");

    let markdown = lectern(data.path(), &["extract", &paper, "--format", "markdown"]);
    let markdown = String::from_utf8(markdown.stdout).unwrap();
    assert!(markdown.starts_with("# "), "{markdown:.200}");
    assert!(
        markdown
            .lines()
            .filter(|line| line.starts_with("## "))
            .count()
            >= 3,
        "{markdown}"
    );

    let whole = json(&lectern(
        data.path(),
        &["extract", &paper, "--format", "json"],
    ));
    assert!(whole["metadata"]["title"]["value"].is_string());
    assert!(whole["metadata"]["title"]["confidence"].as_f64().unwrap() > 0.5);
    assert!(whole["metadata"]["authors"]["value"].is_array());
    assert!(whole["references"].as_array().unwrap().len() >= 3);
    let blocks = whole["pages"][0]["blocks"].as_array().unwrap();
    let kinds: Vec<&str> = blocks.iter().map(|b| b["kind"].as_str().unwrap()).collect();
    assert!(
        kinds.contains(&"title") && kinds.contains(&"paragraph"),
        "{kinds:?}"
    );
    let line = &blocks[0]["lines"][0];
    assert!(line["rect"]["x1"].as_f64().unwrap() > line["rect"]["x0"].as_f64().unwrap());
    assert!(line["spans"][0]["size"].as_f64().unwrap() > 4.0);
    assert!(
        !data.path().join("catalog.sqlite").exists(),
        "nothing is stored"
    );

    let bad = data.path().join("bad.pdf");
    std::fs::write(&bad, "no pdf").unwrap();
    let bad = bad.display().to_string();
    let failed = lectern(data.path(), &["extract", &bad, "--format", "json"]);
    assert_eq!(code(&failed), 1);
    let error = json(&failed);
    assert!(error["error"]["hint"].is_string(), "{error}");
    let gone = lectern(data.path(), &["extract", "/nowhere/x.pdf"]);
    assert_eq!(code(&gone), 1);
}

#[test]
fn bibliographies_override_and_are_written_back() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    let paper = papers.path().join("draft.pdf");
    std::fs::write(
        &paper,
        pdf(&["A page of text that names neither its title nor its authors at all."]),
    )
    .unwrap();
    let bib = papers.path().join("library.bib");
    std::fs::write(
        &bib,
        "@article{lee2014, title = {On {Giraffes}}, author = {Lee, Ann and M{\\\"u}ller, Bo}, \
         year = 2014, journal = {Journal of Necks}, doi = {10.1000/XYZ}, file = {:draft.pdf:PDF}}\n\
         @broken{",
    )
    .unwrap();
    let (paper, bib) = (paper.display().to_string(), bib.display().to_string());
    let files = ingest(data.path(), &[&paper]);
    let id = files[0]["document_id"].as_str().unwrap().to_owned();

    // What is in the library already learns too.
    let files = ingest(data.path(), &[&paper, "--bibtex", &bib]);
    assert_eq!(files[0]["status"], "unchanged");
    let shown = show(data.path(), &id);
    assert_eq!(shown["title"], "On Giraffes");
    assert_eq!(shown["authors"][1], "Bo Müller");
    assert_eq!(shown["year"], 2014);
    assert_eq!(shown["metadata"]["doi"]["value"], "10.1000/xyz");
    assert_eq!(shown["metadata"]["title"]["source"], "bibtex");
    let doctor = json(&lectern(data.path(), &["doctor", "--json"]));
    assert_eq!(doctor["ok"], true, "{doctor}");
    let found = json(&lectern(
        data.path(),
        &["search", "giraffes", "--author", "müller", "--json"],
    ));
    assert_eq!(found["passages"][0]["title"], "On Giraffes", "{found}");

    let bibtex = lectern(data.path(), &["documents", "export"]);
    let bibtex = String::from_utf8(bibtex.stdout).unwrap();
    assert!(
        bibtex.contains("Journal of Necks") && bibtex.contains('@'),
        "{bibtex}"
    );
    let csl = lectern(
        data.path(),
        &["documents", "export", &id, "--format", "csl-json"],
    );
    let csl: Value = serde_json::from_slice(&csl.stdout).unwrap();
    assert_eq!(csl[0]["author"][0]["family"], "Lee");
    assert_eq!(csl[0]["DOI"], "10.1000/xyz");
    let markdown = lectern(
        data.path(),
        &["documents", "export", "--format", "markdown"],
    );
    assert!(String::from_utf8_lossy(&markdown.stdout).contains("names neither"));

    let missing = lectern(
        data.path(),
        &["ingest", &paper, "--zotero", &paper, "--json"],
    );
    assert_eq!(json(&missing)["error"]["code"], "zotero_not_found");
}

#[test]
fn papers_in_other_formats_are_read_and_found() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(papers.path().join(name), text).unwrap();
    write(
        "notes.md",
        "---\ntitle: Field Notes\nauthors: [Ann Lee]\n---\n\n# Zebras\n\nZebras graze where the okapi does not.\n",
    );
    write(
        "page.html",
        "<!doctype html><html><head><title>Quagga</title><meta name=citation_author content='Bo Ray'></head>\
         <body><article><h1>Quagga</h1><p>The quagga was a subspecies of the plains zebra that lived in \
         South Africa until the nineteenth century.</p><script>alert(1)</script></article></body></html>",
    );
    write(
        "plain.txt",
        "Tapirs swim well.\n\nThey are shy animals of the forest.\n",
    );
    write("photo.jpeg", "not a paper");
    let folder = papers.path().display().to_string();
    let files = ingest(data.path(), &[&folder]);
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(
        files.iter().all(|file| file["status"] == "added"),
        "{files:?}"
    );
    for (query, file) in [
        ("okapi", "notes.md"),
        ("quagga", "page.html"),
        ("tapirs", "plain.txt"),
    ] {
        let found = json(&lectern(
            data.path(),
            &["search", query, "--mode", "bm25", "--json"],
        ));
        assert_eq!(found["passages"][0]["file"], file, "{found}");
        assert!(
            !found["passages"][0]["text"]
                .as_str()
                .unwrap()
                .contains("alert")
        );
    }
    let unknown = papers.path().join("photo.jpeg").display().to_string();
    let failed = ingest(data.path(), &[&unknown]);
    assert_eq!(failed[0]["status"], "failed");
    assert!(
        failed[0]["error"]["hint"].as_str().unwrap().contains("PDF"),
        "{failed:?}"
    );
}

#[test]
fn near_duplicates_are_told_and_both_kept() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    let body: String = (0..400).map(|n| format!("word{} ", n * n % 997)).collect();
    let first = papers.path().join("preprint.txt");
    let second = papers.path().join("printed.txt");
    std::fs::write(&first, format!("A preprint.\n\n{body}\n")).unwrap();
    std::fs::write(
        &second,
        format!("As printed, with another head.\n\n{body}\n"),
    )
    .unwrap();
    let (first, second) = (first.display().to_string(), second.display().to_string());
    let id = ingest(data.path(), &[&first])[0]["document_id"].clone();
    let files = ingest(data.path(), &[&second]);
    assert_eq!(files[0]["status"], "added");
    let duplicate = &files[0]["duplicates"][0];
    assert_eq!(
        (&duplicate["document_id"], &duplicate["reason"]),
        (&id, &"text".into())
    );
    assert!(
        duplicate["similarity"].as_f64().unwrap() > 0.8,
        "{duplicate}"
    );
    let shown = show(data.path(), id.as_str().unwrap());
    assert_eq!(shown["duplicates"][0]["file"], "printed.txt", "{shown}");
}

#[test]
fn references_lead_to_the_papers_that_the_library_has() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    let cited = papers.path().join("cited.md");
    std::fs::write(
        &cited,
        "---\ntitle: The Grazing Habits of Plains Zebras\nauthors: [Ann Lee]\ndate: 2014\n---\n\n# Grazing\n\nZebras graze.\n",
    )
    .unwrap();
    let citing = papers.path().join("citing.xml");
    std::fs::write(
        &citing,
        "<article><front><article-meta><title-group><article-title>Okapis and Others</article-title></title-group>\
         </article-meta></front><body><sec><title>Text</title><p>Okapis do not graze, as was shown before.</p></sec></body>\
         <back><ref-list><ref id='r1'><element-citation><person-group><name><surname>Lee</surname><given-names>Ann</given-names>\
         </name></person-group><article-title>The grazing habits of plains zebras</article-title><year>2014</year>\
         </element-citation></ref></ref-list></back></article>",
    )
    .unwrap();
    let (cited, citing) = (cited.display().to_string(), citing.display().to_string());
    let files = ingest(data.path(), &[&citing, &cited]);
    let id = |name: &str| {
        let file = files
            .iter()
            .find(|file| file["file"].as_str().unwrap().ends_with(name))
            .unwrap();
        file["document_id"].as_str().unwrap().to_owned()
    };
    let shown = show(data.path(), &id("citing.xml"));
    assert_eq!(
        shown["references"][0]["document_id"],
        id("cited.md").as_str(),
        "{shown}"
    );
    let shown = show(data.path(), &id("cited.md"));
    assert_eq!(
        shown["cited_by"][0]["title"], "Okapis and Others",
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_pictures_with_the_quote_marked() {
    let app = spawn_app(&[]).await;
    let bytes = std::fs::read(sample("hybrid-retrieval.pdf")).unwrap();
    let job = app.uploaded("paper.pdf", bytes).await;
    let id = job["result"]["document_id"].as_str().unwrap().to_owned();
    let get = async |path: &str| {
        app.get(&format!("/documents/{id}/{path}"))
            .send()
            .await
            .unwrap()
    };
    let size = |png: &[u8]| {
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        u32::from_be_bytes([png[16], png[17], png[18], png[19]])
    };
    let response = get("pages/1.png?width=300").await;
    assert_eq!(response.headers()["content-type"], "image/png");
    let plain = response.bytes().await.unwrap();
    assert_eq!(size(&plain), 300);
    let again = get("pages/1.png?width=300").await.bytes().await.unwrap();
    assert_eq!(plain, again);
    let page = json_of(get("pages/1").await).await;
    let quote = page
        .split("<div class=\"page-text\" dir=\"auto\">")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .take(4)
        .collect::<Vec<_>>()
        .join("%20");
    let marked = get(&format!("pages/1.png?width=300&q={quote}")).await;
    let marked = marked.bytes().await.unwrap();
    assert!(
        size(&marked) == 300 && marked != plain,
        "the quote is marked"
    );

    assert_eq!(get("pages/99.png").await.status(), 404);
    let wide = get("pages/1.png?width=90000").await;
    assert_eq!(wide.status(), 400);
    assert!(wide.text().await.unwrap().contains("width_invalid"));

    let job = app
        .uploaded("notes.md", b"# Notes\n\nSome words.\n".to_vec())
        .await;
    let notes = job["result"]["document_id"].as_str().unwrap();
    let none = app
        .get(&format!("/documents/{notes}/pages/1.png"))
        .send()
        .await
        .unwrap();
    assert_eq!(none.status(), 404);
    let file = app
        .get(&format!("/documents/{notes}/file"))
        .send()
        .await
        .unwrap();
    let disposition = file.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");

    app.delete(&format!("/api/v1/documents/{id}"))
        .send()
        .await
        .unwrap();
    let cache = app.folder.path().join("cache/pages");
    let left = std::fs::read_dir(cache).map_or(0, Iterator::count);
    assert_eq!(left, 0, "pictures go with their document");
}

async fn json_of(response: reqwest::Response) -> String {
    response.text().await.unwrap()
}

#[test]
fn an_evaluation_compares_with_what_lies_beside() {
    let data = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(sample("hybrid-retrieval.pdf"), folder.path().join("a.pdf")).unwrap();
    let text = lectern(
        data.path(),
        &[
            "extract",
            &sample("hybrid-retrieval.pdf").display().to_string(),
        ],
    );
    let text = String::from_utf8(text.stdout).unwrap();
    let body = text.split("\nReferences\n").next().unwrap();
    std::fs::write(folder.path().join("a.gold.md"), body).unwrap();
    let folder = folder.path().display().to_string();
    let scores = json(&lectern(
        data.path(),
        &["eval", "extraction", &folder, "--json"],
    ));
    assert_eq!(scores["papers"][0]["pages"], 4);
    assert!(
        scores["ordered_recall"].as_f64().unwrap() > 0.99,
        "{scores}"
    );
    assert!(scores["pages_per_second"].as_f64().unwrap() > 0.0);
    let nothing = lectern(
        data.path(),
        &["eval", "extraction", &data.path().display().to_string()],
    );
    assert_eq!(code(&nothing), 1);
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("no PDF"));
}

#[test]
fn interrupted_ingest_goes_on_where_it_was() {
    use std::io::{BufRead, BufReader};
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    for n in 0..12 {
        let pages: Vec<String> = (0..6)
            .map(|page| {
                format!(
                    "Paper {n} page {page} speaks of animal number {} at length.",
                    n * 7 + page
                )
            })
            .collect();
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        std::fs::write(papers.path().join(format!("{n:02}.pdf")), pdf(&pages)).unwrap();
    }
    let folder = papers.path().display().to_string();
    let mut child = command(data.path(), &["ingest", "--json", &folder])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    lines.next().unwrap().unwrap();
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    lines.for_each(drop);
    let status = child.wait().unwrap();
    // Where all were done before the signal came, there was nothing to interrupt.
    assert!(matches!(status.code(), Some(130 | 0)), "{status}");
    let files = ingest(data.path(), &[&folder]);
    let unchanged = files
        .iter()
        .filter(|file| file["status"] == "unchanged")
        .count();
    let added = files
        .iter()
        .filter(|file| file["status"] == "added")
        .count();
    assert_eq!((unchanged + added, unchanged >= 2), (12, true), "{files:?}");
    let doctor = json(&lectern(data.path(), &["doctor", "--json"]));
    assert_eq!(
        (&doctor["ok"], &doctor["documents"]),
        (&true.into(), &12.into()),
        "{doctor}"
    );
}
