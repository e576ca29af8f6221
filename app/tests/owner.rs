//! One process owns a data folder; a kill at any moment loses nothing.

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{Server, code, command, json, json_lines, lectern, pdf, sample};

#[test]
fn the_command_line_goes_through_the_running_server() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data);
    assert!(server.url.starts_with("http://127.0.0.1:"));

    let second = lectern(data, &["serve", "--addr", "127.0.0.1:0"]);
    assert_eq!(code(&second), 1);
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another Lectern process"));

    let paper = sample("lora-qlora.pdf").display().to_string();
    let added = lectern(data, &["ingest", "--json", &paper]);
    assert_eq!(
        code(&added),
        0,
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    let id = json_lines(&added)[0]["document_id"]
        .as_str()
        .unwrap()
        .to_owned();

    // Search, ask and ingest at the same time.
    let other = sample("reading-pdfs.pdf").display().to_string();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            lectern(
                data,
                &[
                    "ask",
                    "How many bits per parameter do the scales cost with double quantisation?",
                    "--json",
                ],
            )
        });
        let adding = scope.spawn(|| lectern(data, &["ingest", "--json", &other]));
        let found = json(&lectern(data, &["search", "double quantisation", "--json"]));
        assert_eq!(found["passages"][0]["document_id"], id.as_str());
        let asked = asking.join().unwrap();
        let answer = json(&asked);
        assert_eq!(answer["outcome"], "answered", "{answer}");
        assert_eq!(json_lines(&adding.join().unwrap())[0]["status"], "added");
    });

    let listed = json(&lectern(data, &["documents", "list", "--json"]));
    assert_eq!(listed["documents"].as_array().unwrap().len(), 2);
    assert_eq!(code(&lectern(data, &["reindex", "--json"])), 0);
    let found = json(&lectern(data, &["search", "double quantisation", "--json"]));
    assert_eq!(found["passages"][0]["document_id"], id.as_str());
    assert_eq!(code(&lectern(data, &["documents", "delete", &id])), 0);
    let report = json(&lectern(data, &["doctor", "--json"]));
    assert_eq!(
        (&report["ok"], &report["documents"]),
        (&true.into(), &1.into()),
        "{report}"
    );

    drop(server);
    // Without the server, and after it was killed, the command line opens the folder itself.
    let listed = json(&lectern(data, &["documents", "list", "--json"]));
    assert_eq!(listed["documents"].as_array().unwrap().len(), 1);
}

#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    for number in 0..12 {
        let pages: Vec<String> = (0..3)
            .map(|page| format!("Paper {number} says on page {page} that protein number {} binds to receptor {page}.", number * 7 + page))
            .collect();
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        std::fs::write(
            papers.path().join(format!("paper-{number:02}.pdf")),
            pdf(&pages),
        )
        .unwrap();
    }
    let folder = papers.path().display().to_string();
    // Killed after ever more reports, so that it happens in different places.
    for reports in [1, 2, 3, 5] {
        let mut child = command(data.path(), &["ingest", "--json", &folder])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..reports {
            lines.next().unwrap().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(30 * reports));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let finished = lectern(data.path(), &["ingest", "--json", &folder]);
    assert_eq!(code(&finished), 0);
    let lines = json_lines(&finished);
    assert!(
        lines.iter().any(|line| line["status"] == "unchanged"),
        "what was stored before the kills is kept"
    );
    let report = json(&lectern(data.path(), &["doctor", "--json"]));
    assert_eq!(
        (&report["ok"], &report["documents"]),
        (&true.into(), &12.into()),
        "{report}"
    );
    let found = json(&lectern(
        data.path(),
        &["search", "protein number 77", "--mode", "bm25", "--json"],
    ));
    assert_eq!(found["passages"][0]["file"], "paper-11.pdf", "{found}");
}

#[test]
fn lost_and_damaged_indexes_are_rebuilt() {
    let data = tempfile::tempdir().unwrap();
    let papers = tempfile::tempdir().unwrap();
    std::fs::write(
        papers.path().join("a.pdf"),
        pdf(&["Okapi weighting was made in London at City University."]),
    )
    .unwrap();
    assert_eq!(
        code(&lectern(
            data.path(),
            &["ingest", &papers.path().display().to_string()]
        )),
        0
    );

    std::fs::remove_dir_all(data.path().join("indexes")).unwrap();
    let report = lectern(data.path(), &["doctor", "--json"]);
    assert_eq!(
        (code(&report), &json(&report)["ok"]),
        (1, &false.into()),
        "the doctor sees it"
    );
    let found = json(&lectern(data.path(), &["search", "Okapi", "--json"]));
    assert_eq!(
        found["passages"].as_array().unwrap().len(),
        1,
        "and the next search mends it"
    );

    let postings = data.path().join("indexes/generation-1/postings-1");
    let mut damaged = 0;
    for folder in std::fs::read_dir(postings).unwrap() {
        for entry in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            std::fs::write(entry.unwrap().path(), "rubbish").unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 3, "{damaged} files");
    let mended = lectern(data.path(), &["search", "Okapi", "--json"]);
    let said = String::from_utf8_lossy(&mended.stderr);
    assert!(
        said.contains("damaged") && said.contains("nothing is lost"),
        "{said}"
    );
    let found = json(&lectern(data.path(), &["search", "Okapi", "--json"]));
    assert_eq!(found["passages"].as_array().unwrap().len(), 1);
    assert_eq!(code(&lectern(data.path(), &["reindex"])), 0);
    assert_eq!(
        json(&lectern(data.path(), &["doctor", "--json"]))["ok"],
        true
    );
}
