use std::time::Instant;

use generation::answer::{Request, answer};
use generation::calibration::Calibration;
use generation::evidence::Limits;
use generation::replay::replay;
use generation::sampling::Sampling;
use generation::{Answer, Answered, IndexInfo, Timings, Trace};
use retrieval::Passage;

use crate::fakes::{Scripted, passage, sources};

const WRITTEN: &str = "It takes 35 ms on average to elect a leader. It was invented in 1989.";

fn library() -> Vec<Passage> {
    vec![
        passage(
            "raft",
            "Consensus",
            "With a timeout of 12-24ms, it takes only 35ms\non average to elect a leader.\nLower \
             timeouts violate the timing requirement.",
        ),
        Passage {
            chunk_id: 8,
            ..passage(
                "gfs",
                "The Google File System",
                "The master elects no leader on average, and it takes a lease of 60 seconds.",
            )
        },
    ]
}

fn request() -> Request {
    Request {
        id: "answer-1".to_owned(),
        question: "How long does it take to elect a leader on average?".to_owned(),
        extractive: false,
        sampling: Sampling {
            seed: 7,
            temperature: 0.7,
            ..Sampling::default()
        },
        limits: Limits::default(),
        prompt_tokens: 350,
        calibration: Calibration::default(),
        precision: 0.1,
        index: IndexInfo {
            embedder: "bag-of-words".to_owned(),
            revision: 5,
        },
        retrieve_ms: None,
        rerank_ms: None,
        started: Instant::now(),
    }
}

fn first() -> Answered {
    let model = Scripted::new(WRITTEN);
    answer(&request(), &sources(&library()), Some(&model), &mut |_| {
        true
    })
    .unwrap()
}

fn untimed(answer: &Answer) -> Answer {
    Answer {
        timings_ms: Timings::default(),
        ..answer.clone()
    }
}

#[test]
fn a_trace_that_was_stored_gives_the_same_answer() {
    let then = first();
    let stored = serde_json::to_string(&then.trace).unwrap();
    let trace: Trace = serde_json::from_str(&stored).unwrap();
    let model = Scripted::new(WRITTEN);
    // What the request says of sampling gives way to what was used then.
    let now = Request {
        sampling: Sampling::default(),
        extractive: true,
        ..request()
    };
    let again = replay(
        &now,
        &trace,
        &sources(&library()),
        Some(&model),
        &mut |_| true,
    )
    .unwrap();
    assert_eq!(untimed(&again.answered.answer), untimed(&then.answer));
    assert_eq!(again.answered.trace, then.trace);
    assert!(!again.prompt_differs && again.lost.is_empty());
    assert_eq!(*model.asked.lock().unwrap(), then.trace.prompt);
}

#[test]
fn the_model_is_given_the_prompt_of_then() {
    let then = first();
    let mut trace = then.trace.clone();
    trace.prompt[0].content = "Rules of an older version.".to_owned();
    let model = Scripted::new(WRITTEN);
    let again = replay(
        &request(),
        &trace,
        &sources(&library()),
        Some(&model),
        &mut |_| true,
    )
    .unwrap();
    assert!(again.prompt_differs);
    assert_eq!(
        model.asked.lock().unwrap()[0].content,
        "Rules of an older version."
    );
    assert_eq!(again.answered.answer.answer, then.answer.answer);
}

#[test]
fn evidence_is_found_where_it_moved_to_and_missed_where_it_is_gone() {
    let then = first();
    let mut passages = library();
    let before = "A sentence that stands in front of it now.\n";
    let moved = passage(
        "raft",
        "Consensus",
        &format!("{before}{}", passages[0].text),
    );
    passages[0] = moved;
    passages.truncate(1);
    let model = Scripted::new(WRITTEN);
    let again = replay(
        &request(),
        &then.trace,
        &sources(&passages),
        Some(&model),
        &mut |_| true,
    )
    .unwrap();
    assert_eq!(
        again.answered.answer.citations[0].quote,
        then.answer.citations[0].quote
    );
    let gone = then
        .trace
        .evidence
        .iter()
        .filter(|item| item.document_id == "gfs")
        .count();
    assert_eq!(again.lost.len(), gone);
    assert!(gone > 0, "{:?}", then.trace.evidence);
}

#[test]
fn a_trace_of_another_version_is_read_as_far_as_it_goes() {
    let mut stored = serde_json::to_value(first().trace).unwrap();
    for item in stored["evidence"].as_array_mut().unwrap() {
        let chosen = item["chosen"].as_object_mut().unwrap();
        chosen.remove("score");
        chosen.insert("a_feature_of_tomorrow".into(), 1.into());
    }
    let trace: Trace = serde_json::from_value(stored).unwrap();
    assert!(!trace.evidence.is_empty());
    assert!(trace.evidence.iter().all(|item| item.chosen.score == 0.0));
}
