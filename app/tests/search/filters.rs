//! What filters keep to, and what is said where nothing passes.

use crate::common::{code, json as printed, lectern};
use crate::{ZEBRAS, files, found, library};

#[tokio::test(flavor = "multi_thread")]
async fn filters_keep_to_what_they_name() {
    let (app, ids) = library().await;
    let all = ["giraffes.md", "raft.md", "zebras.md"];
    for (filter, expected) in [
        ("", &all[..]),
        ("author=Smith", &["giraffes.md", "zebras.md"]),
        ("author=Smith,%20J.", &["giraffes.md", "zebras.md"]),
        ("author=Jane%20Smith", &["zebras.md"]),
        ("author=Smith%20JQ", &["zebras.md"]),
        ("author=Mueller", &["raft.md"]),
        ("author=M%C3%BCller-Ousterhout", &["raft.md"]),
        ("author=D.%20Ongaro", &["raft.md"]),
        ("year=2019..", &["giraffes.md", "zebras.md"]),
        ("year=2014", &["raft.md"]),
        ("venue=nature", &["giraffes.md"]),
        ("venue=J.%20Anim.%20Ecol.", &["zebras.md"]),
        ("author=Smith&year=..2020", &["zebras.md"]),
        (
            "document=raft.md&document=zebras.md",
            &["raft.md", "zebras.md"],
        ),
        ("document=raft.md&author=Ongaro", &["raft.md"]),
        ("section=discussion", &["zebras.md"]),
        (
            "section=methods&section=discussion",
            &["raft.md", "zebras.md"],
        ),
        ("collection=default", &all),
    ] {
        for mode in ["hybrid", "dense"] {
            let found = found(&app, &format!("q=animals&top_k=50&mode={mode}&{filter}")).await;
            assert_eq!(files(&found), expected, "{mode} {filter}");
        }
    }
    let short = found(&app, &format!("q=stripes&document={}", &ids[1][..13])).await;
    assert_eq!(files(&short), ["zebras.md"]);

    for (filter, reason) in [
        (
            "author=Nobody",
            "no paper in the library has an author \"Nobody\"",
        ),
        (
            "venue=Science",
            "no paper in the library has the venue \"Science\"",
        ),
        (
            "year=1850..1900",
            "no paper in the library has the year \"1850..1900\"",
        ),
        (
            "author=Ongaro&year=2019",
            "no paper in the library is by the author \"Ongaro\", of the year \"2019\" at once",
        ),
    ] {
        let nothing = found(&app, &format!("q=animals&{filter}")).await;
        assert!(files(&nothing).is_empty());
        assert_eq!(nothing["reason"], reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_older_rules_can_be_filtered_once_the_library_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let paper = folder.path().join("zebras.md");
    std::fs::write(&paper, ZEBRAS).unwrap();
    let data = folder.path().join("data");
    let add = lectern(&data, &["ingest", &paper.display().to_string()]);
    assert_eq!(code(&add), 0);
    let address = format!("sqlite://{}", data.join("catalog.sqlite").display());
    let pool = sqlx::SqlitePool::connect(&address).await.unwrap();
    for sql in [
        "DELETE FROM author_words",
        "UPDATE documents SET venue = NULL, filter_rules = 0",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let arguments = [
        "search",
        "stripes",
        "--author",
        "Smith",
        "--venue",
        "animal ecology",
        "--json",
    ];
    let output = lectern(&data, &arguments);
    assert_eq!(files(&printed(&output)), ["zebras.md"]);
}
