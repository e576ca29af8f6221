//! Questions about papers rather than in them, over real stores: counts and lists are exact, every
//! quote is verbatim, what only looks like such a question is answered as any other.

mod common;

use app::error::Problem;
use app::library::answers::replay::Verdict;
use app::library::ask::{AskRequest, Task};
use common::{TestApp, code, json, lectern, spawn_app};
use generation::{Answer, Origin, Outcome};

/// Small chunks, so that short papers have many.
const SMALL: &[(&str, &str)] = &[("chunk.max_tokens", "48"), ("chunk.overlap_tokens", "8")];

const RAFT: &str = "---\ntitle: In Search of an Understandable Consensus Algorithm\n\
author: [Diego Ongaro, John Ousterhout]\ndate: 2014\njournal: USENIX Annual Technical Conference\n---\n\n\
# Abstract\n\nRaft is a consensus algorithm for managing a replicated log. It is as efficient as Paxos, but its structure is easier to understand.\n\n\
# Introduction\n\nConsensus algorithms allow a collection of machines to work as a coherent group that survives the failures of some of its members. In this paper we present Raft, which separates leader election from log replication.\n\n\
# Design\n\n## Leader election\n\nA leader is elected by a majority of the servers. Each server starts an election after a random timeout, so that split votes are rare and soon resolved.\n\n\
# Results\n\nAn election takes 35 ms on average when timeouts are drawn from 12 to 24 ms. Our results show that students understood Raft better.\n\n\
# References\n\nLamport. The part-time parliament. We show in this paper how a parliament decides.\n";

const PAXOS: &str = "---\ntitle: Paxos Made Simple\nauthor: Leslie Lamport\ndate: 2001\njournal: ACM SIGACT News\n---\n\n\
# Introduction\n\nThe Paxos algorithm, when presented in plain English, is very simple. It solves the problem of consensus among processes that may fail.\n\n\
# The algorithm\n\nA proposer sends a request with a number to a majority of the acceptors. An election of a leader, the distinguished proposer, ensures that progress is made.\n";

const ZEBRAS: &str = "---\ntitle: Stripes and Flies\nauthor: Jane Q. Smith\ndate: 2014\njournal: Journal of Animal Ecology\n---\n\n\
# Introduction\n\nZebras have stripes, and why they have them was long disputed at every university among those who study animals of the savanna.\n\n\
# Results\n\nBiting flies land on striped coats less often than on plain ones. A horse in a striped blanket was bitten a third as often.\n";

const UNDATED: &str = "---\ntitle: Notes on Clocks\n---\n\n\
# Clocks\n\nThe clocks of two machines never agree for long, which every protocol has to live with, and Paxos does.\n";

/// A paper that says one word in more passages than a search gives.
fn chatty() -> String {
    let mut text = "---\ntitle: A Long Survey of Protocols\nauthor: Ann Chatty\ndate: 2020\n---\n\n# Survey\n\n".to_owned();
    for number in 0..130 {
        text.push_str(&format!(
            "Protocol number {number} of this long survey is a variant of Paxos that was built for a machine with {number} cores, \
             and it differs from the variant before it in the order in which messages are sent to others.\n\n"
        ));
    }
    text
}

async fn library() -> TestApp {
    let app = spawn_app(SMALL).await;
    let chatty = chatty();
    for (file, text) in [
        ("raft.md", RAFT),
        ("paxos-simple.md", PAXOS),
        ("zebras.md", ZEBRAS),
        ("clocks.md", UNDATED),
        ("survey.md", chatty.as_str()),
    ] {
        let job = app.uploaded(file, text.as_bytes().to_vec()).await;
        assert_eq!(job["result"]["status"], "added", "{job}");
    }
    app
}

fn request(question: &str) -> AskRequest {
    AskRequest {
        question: question.to_owned(),
        extractive: true,
        ..AskRequest::default()
    }
}

async fn ask(app: &TestApp, request: AskRequest) -> Answer {
    let question = request.question.clone();
    let answer = app.library.ask(&request, |_| true).await;
    let answer = answer.unwrap_or_else(|error| panic!("{question}: {error:#}"));
    verify(app, &answer).await;
    if answer.origin == Origin::Catalog || !answer.parts.is_empty() {
        replays(app, &answer).await;
    }
    answer
}

/// Every quote stands on its page, every sentence is one of the quotes or stated from the catalog,
/// and the parts have all sentences.
async fn verify(app: &TestApp, answer: &Answer) {
    for citation in &answer.citations {
        let page = app
            .library
            .catalog
            .page(&citation.document_id, citation.page)
            .await
            .unwrap()
            .unwrap();
        assert!(page.text.contains(&citation.quote), "{}", citation.quote);
    }
    if answer.parts.is_empty() {
        return;
    }
    let in_parts: usize = answer.parts.iter().map(|part| part.sentences).sum();
    assert_eq!(in_parts, answer.sentences.len());
    for sentence in &answer.sentences {
        for key in &sentence.citations {
            let citation = &answer.citations[*key as usize - 1];
            let quote: Vec<&str> = citation.quote.split_whitespace().collect();
            assert_eq!(sentence.text, quote.join(" "));
        }
    }
}

/// The papers that an answer lists.
async fn listed(app: &TestApp, answer: &Answer) -> Vec<String> {
    let mut files = Vec::new();
    for part in &answer.parts {
        if let Some(id) = &part.document_id {
            let record = app.library.catalog.document(id).await.unwrap().unwrap();
            files.push(record.file);
        }
    }
    files
}

/// The answer can be made again, and is the same while the library is.
async fn replays(app: &TestApp, answer: &Answer) {
    let again = app.library.replay_answer(&answer.id).await.unwrap();
    assert_eq!(again.verdict, Verdict::Same, "{:?}", again.differences);
    assert_eq!(again.now.answer, answer.answer);
}

async fn refused(app: &TestApp, request: AskRequest) -> String {
    let failed = app.library.ask(&request, |_| true).await;
    Problem::from_error(&failed.expect_err("it is refused")).code
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_lists_are_exact() {
    let app = library().await;
    for (question, said, files) in [
        (
            "How many documents are in the library?",
            "5 papers are in the library.",
            &[][..],
        ),
        (
            "Which papers mention Paxos?",
            "4 papers mention “Paxos”.",
            &["survey.md", "raft.md", "paxos-simple.md", "clocks.md"],
        ),
        (
            "Which papers from 2014 mention Paxos?",
            "1 paper from 2014 mentions “Paxos”.",
            &["raft.md"],
        ),
        (
            "how many papers do I have by Ongaro?",
            "1 paper by Ongaro is in the library.",
            &["raft.md"],
        ),
        (
            "List my papers since 2014",
            "3 papers since 2014 are in the library.",
            &["survey.md", "raft.md", "zebras.md"],
        ),
        (
            "which papers mention flies or “distinguished proposer”?",
            "2 papers mention “flies” or “distinguished proposer”.",
            &["zebras.md", "paxos-simple.md"],
        ),
        (
            "Which papers mention consensus and elections?",
            "2 papers mention “consensus” and “elections”.",
            &["raft.md", "paxos-simple.md"],
        ),
        (
            "What is my oldest paper?",
            "The oldest of 5 papers in the library is from 2001.",
            &["paxos-simple.md"],
        ),
        (
            "Which papers were published in ACM SIGACT News?",
            "1 paper in ACM SIGACT News is in the library.",
            &["paxos-simple.md"],
        ),
        (
            "Papers by Smith",
            "1 paper by Smith is in the library.",
            &["zebras.md"],
        ),
    ] {
        let answer = ask(&app, request(question)).await;
        assert_eq!(answer.origin, Origin::Catalog, "{question}");
        assert_eq!(answer.outcome, Outcome::Answered, "{question}");
        assert_eq!(answer.sentences[0].text, said, "{question}");
        assert_eq!(listed(&app, &answer).await, files, "{question}");
    }

    let mentioned = ask(&app, request("Which papers from 2014 mention Paxos?")).await;
    assert_eq!(mentioned.citations.len(), 1);
    assert!(mentioned.citations[0].quote.contains("efficient as Paxos"));
    assert!(mentioned.warnings[0].contains("the year of 1 paper is not known"));
    assert_eq!(
        mentioned.parts[1].heading,
        "In Search of an Understandable Consensus Algorithm (Ongaro and Ousterhout, 2014)"
    );

    // The stemmer of the index takes "university" and "universe" for one word.
    let none = ask(&app, request("Which papers mention universe?")).await;
    assert_eq!(none.outcome, Outcome::InsufficientEvidence);
    assert_eq!(none.answer, "No paper mentions “universe”.");
    assert!(none.citations.is_empty());

    let scoped = AskRequest {
        documents: vec!["raft.md".into(), "zebras.md".into()],
        ..request("Which of these papers mention Paxos?")
    };
    let scoped = ask(&app, scoped).await;
    assert_eq!(
        scoped.sentences[0].text,
        "1 paper among those asked about mentions “Paxos”."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn comparisons_and_summaries_quote_the_papers_that_are_meant() {
    let app = library().await;
    let answer = ask(
        &app,
        request(
            "How do raft.md, paxos-simple.md and zebras.md differ in leader election and flies?",
        ),
    )
    .await;
    let cells: Vec<(&str, &str, bool)> = answer
        .parts
        .iter()
        .map(|part| {
            let aspect = part.aspect.as_deref().unwrap_or_default();
            (part.heading.as_str(), aspect, part.sentences > 0)
        })
        .collect();
    let raft = "In Search of an Understandable Consensus Algorithm";
    assert_eq!(
        cells,
        [
            (raft, "leader election", true),
            (raft, "flies", false),
            ("Paxos Made Simple", "leader election", true),
            ("Paxos Made Simple", "flies", false),
            ("Stripes and Flies", "leader election", false),
            ("Stripes and Flies", "flies", true),
        ]
    );
    assert!(answer.sentences[0].text.contains("elect"));

    let of_raft = AskRequest {
        documents: vec!["raft.md".into()],
        ..request("What is this paper about?")
    };
    for summarised in [
        ask(&app, of_raft).await,
        ask(&app, request("Summarise the Raft paper")).await,
        ask(&app, request("tl;dr of raft.md")).await,
    ] {
        let headings: Vec<&str> = summarised
            .parts
            .iter()
            .map(|part| part.heading.as_str())
            .collect();
        assert_eq!(headings, ["Abstract", "Introduction", "Design", "Results"]);
        assert_eq!(summarised.origin, Origin::Extractive);
        let text = &summarised.answer;
        assert!(text.contains("Raft is a consensus algorithm for managing a replicated log."));
        assert!(!text.contains("parliament"), "{text}");
    }

    // What is named must be there; a summary needs to know of what.
    let summary = |documents: &[&str]| AskRequest {
        task: Task::Summarise,
        documents: documents.iter().map(|name| (*name).to_owned()).collect(),
        ..request("Summarise this paper.")
    };
    assert_eq!(refused(&app, summary(&[])).await, "summary_needs_a_paper");
    let both = ask(&app, summary(&["raft.md", "zebras.md"])).await;
    assert_eq!(listed(&app, &both).await, ["raft.md", "zebras.md"]);
    let alone = AskRequest {
        task: Task::Compare,
        documents: vec!["raft.md".into()],
        ..request("elections")
    };
    assert_eq!(refused(&app, alone).await, "comparison_needs_papers");
    let unknown = AskRequest {
        task: Task::Summarise,
        ..request("Summarise chubby.pdf")
    };
    assert_eq!(refused(&app, unknown).await, "document_not_found");

    // An ordinary question stays one.
    for question in [
        "How does Raft differ from Paxos?",
        "How long does an election take?",
        "Summarise the Chubby paper",
        "What is this paper about?",
    ] {
        let answer = ask(&app, request(question)).await;
        assert!(answer.parts.is_empty(), "{question}: {}", answer.answer);
        assert_ne!(answer.origin, Origin::Catalog, "{question}");
    }
    let as_it_is = AskRequest {
        task: Task::Answer,
        ..request("Which papers mention Paxos?")
    };
    assert_eq!(ask(&app, as_it_is).await.origin, Origin::Extractive);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_about_papers_are_kept_shown_and_purged() {
    let app = library().await;
    let in_conversation = |question: &str| AskRequest {
        conversation: Some("new".to_owned()),
        ..request(question)
    };
    let turn = async |answer: &Answer| {
        let conversation = answer.conversation.as_deref().unwrap();
        let path = format!("/conversations/{conversation}/turns/{}", answer.id);
        let page = app.get(&path).send().await.unwrap();
        assert_eq!(page.status(), 200);
        page.text().await.unwrap()
    };
    let compared = ask(
        &app,
        in_conversation("Compare raft.md and zebras.md on leader election"),
    )
    .await;
    let page = turn(&compared).await;
    assert!(page.contains("<table class=\"comparison\">"), "{page}");
    assert!(page.contains("Nothing found"));
    let none = ask(&app, in_conversation("Which papers mention Chubby?")).await;
    assert!(turn(&none).await.contains("No paper mentions “Chubby”."));

    // A list without quotes names papers all the same, and goes with them.
    let listed = ask(&app, in_conversation("List my papers by Smith")).await;
    assert!(
        turn(&listed)
            .await
            .contains("Stripes and Flies (Smith, 2014)")
    );
    app.library.remove("zebras.md").await.unwrap();
    for gone in [&listed, &compared] {
        let kept = app.library.catalog.answer(&gone.id).await.unwrap();
        let text = kept.map(|answer| answer.answer).unwrap_or_default();
        assert!(!text.contains("Stripes"), "{text}");
    }
}

#[test]
fn the_command_line_asks_about_papers() {
    let folder = tempfile::tempdir().unwrap();
    let paper = folder.path().join("raft.md");
    std::fs::write(&paper, RAFT).unwrap();
    let data = folder.path().join("data");
    let add = lectern(&data, &["ingest", &paper.display().to_string()]);
    assert_eq!(code(&add), 0);

    let summary = lectern(
        &data,
        &["ask", "--summary", "--document", "raft.md", "--json"],
    );
    assert_eq!(code(&summary), 0);
    assert_eq!(json(&summary)["parts"][0]["heading"], "Abstract");

    let shown = lectern(&data, &["ask", "Which papers mention Paxos?"]);
    assert_eq!(code(&shown), 0);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.starts_with("1 paper mentions “Paxos”.\n"), "{text}");
    assert!(text.contains("(Ongaro and Ousterhout, 2014)"), "{text}");

    let none = lectern(&data, &["ask", "Which papers mention Chubby?"]);
    assert_eq!(code(&none), 3);
    let text = String::from_utf8(none.stdout).unwrap();
    assert!(text.starts_with("No paper mentions “Chubby”.\n"), "{text}");

    let both = lectern(&data, &["ask", "elections", "--compare", "--summary"]);
    assert_eq!(code(&both), 2);
    let alone = lectern(&data, &["ask", "elections", "--compare"]);
    assert_eq!(code(&alone), 2);
    let why = String::from_utf8(alone.stderr).unwrap();
    assert!(
        why.contains("raft.md is the only one") && why.contains("hint:"),
        "{why}"
    );
}
