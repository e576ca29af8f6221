use generation::evidence::{Limits, is_prose, select};

use generation::question::Question;

use crate::fakes::{passage, sources};

const FILLER: &str = "Unrelated matters such as gardening are discussed in this part of the text.";

#[test]
fn the_sentences_that_answer_come_first_and_each_once() {
    let answer = "Electing a leader takes 35 milliseconds on average in a cluster of five servers.";
    let passages = [
        passage("a", "Gardens", &format!("{FILLER} {answer}")),
        // An overlapping chunk, which repeats one sentence whole and begins inside another.
        passage(
            "a",
            "Gardens",
            &format!("on average in a cluster of five servers. {FILLER}"),
        ),
    ];
    let found = select(
        &Question::read("How long does electing a leader take?"),
        &sources(&passages),
        Limits::default(),
    )
    .unwrap();
    let texts: Vec<&str> = found
        .iter()
        .map(|item| &passages[item.passage].text[item.range.clone()])
        .collect();
    assert_eq!(texts[0], answer);
    assert!(
        texts
            .iter()
            .filter(|text| text.contains("five servers"))
            .count()
            == 1,
        "{texts:?}"
    );
}

#[test]
fn a_sentence_that_leans_on_the_one_before_brings_it_along() {
    let before = "The sloppy quorum was designed for failures of replicas in the ring.";
    let leaning = "This keeps writes available when servers are unreachable.";
    let passages = [passage(
        "a",
        "Dynamo",
        &format!("{FILLER} {before} {leaning}"),
    )];
    let found = select(
        &Question::read("What keeps writes available when servers are unreachable?"),
        &sources(&passages),
        Limits::default(),
    )
    .unwrap();
    assert_eq!(&passages[0].text[found[0].range.clone()], leaning);
    assert_eq!(&passages[0].text[found[1].range.clone()], before);
    assert!(found[1].is_neighbour);
}

#[test]
fn the_budget_is_kept() {
    let text: String = (0..40)
        .map(|index| format!("Leader number {index} is elected by the servers of its cluster. "))
        .collect();
    let passages = [passage("a", "Raft", &text)];
    let limits = Limits {
        max_tokens: 45,
        ..Limits::default()
    };
    let found = select(
        &Question::read("How is a leader elected?"),
        &sources(&passages),
        limits,
    )
    .unwrap();
    assert_eq!(found.len(), 4);
}

#[test]
fn nothing_gives_nothing() {
    assert!(
        select(&Question::read("Why?"), &sources(&[]), Limits::default())
            .unwrap()
            .is_empty()
    );
    let passages = [passage("a", "A", "1 2 3\n4 5 6\nTable 3")];
    assert!(
        select(
            &Question::read("Why?"),
            &sources(&passages),
            Limits::default()
        )
        .unwrap()
        .is_empty()
    );
}

#[test]
fn running_text_is_told_from_what_only_looks_like_it() {
    for prose in [
        "With an election timeout of 12-24ms, it takes only 35ms on average to elect a leader.",
        "We follow Dean and Ghemawat (2004) in that a straggler is a slow machine [5].",
        "この論文では分散合意のアルゴリズムを提案し、その性能を評価する。",
    ] {
        assert!(is_prose(prose), "{prose}");
    }
    for debris in [
        "4.2 Experimental Setup and Results",
        "It is so.",
        "12.3 45.6 78.9 10.1 11.2 13.4 15.6 (a) 17.8",
        "[12] J. Dean and S. Ghemawat. MapReduce: simplified data processing. In Proc. OSDI, 2004.",
        "D. Ongaro and J. Ousterhout. In search of an understandable consensus algorithm, pp. 305-319.",
        "Model Precision Recall Accuracy BERT RoBERTa Electra Longformer Reformer Performer.",
    ] {
        assert!(!is_prose(debris), "{debris}");
    }
}
