//! Follow-ups, over many conversations: what becomes of a question that leans on what was said, and
//! above all that a question which does not is left alone.

use std::fmt::Write;

use generation::followup::{Turn, rewrite};
use proptest::prelude::*;

use crate::fakes::Scripted;

fn turn(question: &str) -> Turn {
    Turn {
        question: question.to_owned(),
        ..Turn::default()
    }
}

/// Asks one question after another; what the last is searched as, or "" where it is left as it is.
fn last_of(questions: &[&str]) -> String {
    let (last, before) = questions.split_last().unwrap();
    let mut history: Vec<Turn> = Vec::new();
    for question in before {
        let standalone = rewrite(question, &history, None).map(|found| found.question);
        history.push(Turn {
            standalone,
            ..turn(question)
        });
    }
    rewrite(last, &history, None).map_or(String::new(), |found| found.question)
}

fn check(conversations: &[(&[&str], &str)]) {
    let mut wrong = String::new();
    for (questions, expected) in conversations {
        let found = last_of(questions);
        if found != *expected {
            let _ = writeln!(
                wrong,
                "{questions:?}\n  expected {expected:?}\n  found    {found:?}"
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[rustfmt::skip]
#[test]
fn pronouns_are_replaced_by_what_they_mean() {
    check(&[
        (&["How does Raft elect a leader?", "What are its limits?"], "What are Raft's limits?"),
        (&["What is Paxos?", "How does it elect a leader?"], "How does Paxos elect a leader?"),
        (&["What is gradient descent?", "Why does it get stuck?"], "Why does gradient descent get stuck?"),
        (&["How does dropout prevent overfitting?", "When was it introduced?"], "When was dropout introduced?"),
        (&["What causes malaria?", "How is it transmitted?"], "How is malaria transmitted?"),
        (&["What are the symptoms of diabetes?", "How is it treated?"], "How is diabetes treated?"),
        (&["What are the symptoms of diabetes?", "How long do they last?"], "How long do the symptoms of diabetes last?"),
        (&["Who invented CRISPR?", "Which papers cite it?"], "Which papers cite CRISPR?"),
        (&["What is the throughput of Raft?", "How was it measured?"], "How was the throughput of Raft measured?"),
        (&["How do Raft and Paxos differ?", "What do they have in common?"], "What do Raft and Paxos have in common?"),
        (&["How does Raft elect a leader?", "What about Paxos?", "Which of them is faster?"], "Which of Raft and Paxos is faster?"),
        (&["Which datasets does GPT-3 use?", "How large are they?"], "How large are the datasets of GPT-3?"),
        (&["What is the Treaty of Westphalia?", "Who signed it?"], "Who signed the Treaty of Westphalia?"),
        (&["what is photosynthesis?", "where does it happen?"], "where does photosynthesis happen?"),
        (&["Why did the Roman Republic fall?", "How long had it lasted?"], "How long had the Roman Republic lasted?"),
        (&["How do vaccines work?", "Are they safe for children?"], "Are vaccines safe for children?"),
        (&["What did Marie Curie discover?", "Where was she born?"], "Where was Marie Curie born?"),
        (&["What is the minimum wage?", "Does raising it reduce employment?"], "Does raising the minimum wage reduce employment?"),
        (&["What is BERT?", "What did they conclude?"], "What did the authors conclude about BERT?"),
        (&["What is BERT?", "Which datasets did they use?"], "Which datasets did the authors use for BERT?"),
        (&["How does monetary policy affect inflation?", "What are its side effects?"], "What are monetary policy's side effects?"),
        (&["What is a transformer?", "And its memory use?"], "What about the memory use of the transformer?"),
        (&["What is Raft?", "Compare it to Paxos and its variants."], "Compare Raft to Paxos and its variants."),
        (&["Does coffee cause cancer?", "What does it contain?"], "What does coffee contain?"),
    ]);
}

#[rustfmt::skip]
#[test]
fn fragments_take_over_the_question_before() {
    check(&[
        (&["How does Raft elect a leader?", "What about Paxos?"], "How does Paxos elect a leader?"),
        (&["How does Raft elect a leader?", "And Paxos?"], "How does Paxos elect a leader?"),
        (&["How does Raft elect a leader?", "Paxos?"], "How does Raft elect a leader, and Paxos?"),
        (&["What is Raft's throughput?", "And Paxos?"], "What is Paxos's throughput?"),
        (&["What is the throughput of Raft for read-heavy workloads?", "And for write-heavy workloads?"], "What is the throughput of Raft for write-heavy workloads?"),
        (&["What is the throughput of Raft?", "And for write-heavy workloads?"], "What is the throughput of Raft for write-heavy workloads?"),
        (&["What is the latency of Raft?", "And the throughput?"], "What is the throughput of Raft?"),
        (&["What is the latency of Raft?", "And the limitations?"], "What are the limitations of Raft?"),
        (&["What is the latency of Raft?", "What about throughput?"], "What is the throughput of Raft?"),
        (&["What is the latency of Raft?", "of Paxos?"], "What is the latency of Paxos?"),
        (&["How does Raft elect a leader?", "What about log compaction?"], "What about the log compaction of Raft?"),
        (&["How does Raft elect a leader?", "Why?"], "How does Raft elect a leader, and why?"),
        (&["Does aspirin reduce fever?", "Why is that?"], "Does aspirin reduce fever, and why?"),
        (&["Which datasets were used to train BERT?", "How many?"], "Which datasets were used to train BERT, and how many?"),
        (&["How was BERT trained?", "How many parameters?"], "How was BERT trained, and how many parameters?"),
        (&["How was BERT trained?", "On which dataset?"], "How was BERT trained, and on which dataset?"),
        (&["When did the Black Death reach Europe?", "And England?"], "When did the Black Death reach Europe, and England?"),
        (&["How effective is metformin in adults?", "And in children?"], "How effective is metformin in children?"),
        (&["How many people lived in Rome in 100?", "And in 400?"], "How many people lived in Rome in 400?"),
        (&["What is gradient descent?", "And momentum?"], "What is momentum?"),
        (&["How does Raft handle failures?", "Tell me more."], "How does Raft handle failures, in more detail?"),
        (&["How does Raft handle failures?", "Can you explain that in more detail?"], "How does Raft handle failures, in more detail?"),
        (&["How do enzymes lower activation energy?", "for example?"], "How do enzymes lower activation energy, for example?"),
        (&["What is the effect of temperature on yield?", "And on purity?"], "What is the effect of temperature on purity?"),
        (&["how does raft elect a leader?", "what about paxos?"], "how does raft elect a leader, and what about paxos?"),
        (&["How accurate is ResNet-50 on ImageNet?", "What about on CIFAR-10?"], "How accurate is ResNet-50 on CIFAR-10?"),
    ]);
}

#[rustfmt::skip]
#[test]
fn demonstratives_and_comparisons_find_their_other_side() {
    check(&[
        (&["How does Raft elect a leader?", "Is this method robust?"], "Is Raft robust?"),
        (&["What is dropout?", "Does this technique help with small datasets?"], "Does dropout help with small datasets?"),
        (&["What is the error rate of ResNet?", "How was that result obtained?"], "How was the result of ResNet obtained?"),
        (&["Does aspirin reduce fever?", "Is that always true?"], "Does aspirin reduce fever, and is that always true?"),
        (&["What is the CAP theorem?", "What does that mean?"], "What does the CAP theorem mean?"),
        (&["What is attention?", "Do such models scale?"], "Do models such as attention scale?"),
        (&["How do Raft and Paxos differ?", "Is the former easier to understand?"], "Is Raft easier to understand?"),
        (&["What is Raft?", "What is Paxos?", "Which one is faster?"], "Which one is faster, Raft or Paxos?"),
        (&["What is Raft?", "What is Paxos?", "Which is easier to understand?"], "Which is easier to understand, Raft or Paxos?"),
        (&["What is Raft?", "What is Paxos?", "What's the difference?"], "What's the difference between Raft and Paxos?"),
        (&["What is Raft?", "What is Paxos?", "How do they differ?"], "How do Raft and Paxos differ?"),
        (&["What is Raft?", "Is there anything faster?"], "Is there anything faster than Raft?"),
        (&["What is Raft?", "What are the limitations?"], "What are the limitations of Raft?"),
        (&["What is metformin?", "Are there any side effects?"], "Are there any side effects of metformin?"),
        (&["What is metformin?", "What are the alternatives?"], "What are the alternatives to metformin?"),
        (&["How does BERT work?", "How many layers does the model have?"], "How many layers does BERT have?"),
    ]);
}

#[test]
fn a_question_that_stands_alone_is_left_alone() {
    let before = "How does Raft elect a leader?";
    for question in [
        "How does photosynthesis work?",
        "What is Paxos and how does it reach consensus?",
        "How does Spanner keep its clocks in sync?",
        "If a node fails, how does it recover?",
        "Is it safe to drink tap water in Berlin?",
        "Is it true that vaccines cause autism?",
        "How long does it take to train BERT?",
        "What does it mean to be linearizable?",
        "Why do patients with diabetes lose their sight?",
        "Which enzymes degrade lignin?",
        "Which drugs inhibit ACE2?",
        "What inhibits ACE2?",
        "Who discovered penicillin?",
        "What happened in 1989?",
        "What killed the dinosaurs?",
        "What causes lightning?",
        "What are the limitations of gradient descent?",
        "What are the symptoms of malaria?",
        "What is the difference between TCP and UDP?",
        "Which is faster, quicksort or mergesort?",
        "Is quicksort faster than mergesort?",
        "Does the protocol that Lamport proposed tolerate faults?",
        "What models are used these days for translation?",
        "BM25 parameters",
        "leader election in distributed systems",
        "reciprocal rank fusion constant?",
        "How many layers does ResNet-50 have?",
        "Who are the authors of the Dynamo paper?",
        "What about the role of ocean acidification in coral bleaching?",
        "List the papers that mention Paxos.",
        "Which papers from 2012 mention Paxos?",
        "Compare Raft and Paxos.",
        "Do mutations make viruses spread because they bind better?",
        "When two replicas disagree, how do they reconcile?",
        "What is the boiling point of water?",
        "How was the cosmic microwave background discovered?",
        "What does \"they\" mean in linguistics?",
        "Welches Protokoll verwendet etcd?",
        "¿Qué es la fotosíntesis?",
        "光合成とは何ですか?",
        "Should the model of the atom be taught in schools?",
        "Whose theory explains gravity?",
        "Are there side effects of aspirin in children?",
        "WHAT IS THE CAPITAL OF FRANCE?",
        "What is a parameter?",
        "Which is the best optimizer?",
        "Are there better antibiotics?",
        "How long does the virus survive on surfaces?",
        "And what is photosynthesis?",
        "What is it like to be a bat?",
        "What is the p-value threshold?",
        "What does a positive test mean?",
    ] {
        assert_eq!(last_of(&[before, question]), "", "{question}");
        assert_eq!(
            last_of(&["What are the symptoms of diabetes?", question]),
            "",
            "{question}"
        );
    }
    assert_eq!(
        rewrite("What are its limits?", &[], None),
        None,
        "nothing was said before"
    );
}

#[rustfmt::skip]
#[test]
fn a_change_of_topic_is_followed() {
    check(&[
        (&["How does Raft elect a leader?", "What is photosynthesis?", "Where does it happen?"], "Where does photosynthesis happen?"),
        (&["How does Raft elect a leader?", "What about Paxos?", "What are its limits?"], "What are Paxos's limits?"),
        (&["What is Raft?", "What are its limits?", "And its benefits?"], "What about Raft's benefits?"),
        (&["What is Raft?", "thanks", "When was it published?"], "When was Raft published?"),
    ]);
}

#[test]
fn the_answer_names_what_the_question_asked_for_and_papers_are_called_by_title() {
    let answered = Turn {
        answer: Some("etcd uses Raft to replicate its log. [1] ZooKeeper uses Zab. [2]".into()),
        titles: vec![
            "A Study of Key-Value Stores".into(),
            "ZooKeeper Internals".into(),
        ],
        ..turn("Which protocol does etcd use?")
    };
    let found = rewrite(
        "How does it elect a leader?",
        std::slice::from_ref(&answered),
        None,
    )
    .unwrap();
    assert_eq!(found.question, "How does Raft elect a leader?");
    assert_eq!(
        found.drawn_from,
        [0],
        "Raft is a word of the paper, not of a person"
    );

    let found = rewrite(
        "And in the second paper?",
        std::slice::from_ref(&answered),
        None,
    )
    .unwrap();
    assert_eq!(
        found.question,
        "Which protocol does etcd use in \"ZooKeeper Internals\"?"
    );
    assert_eq!(found.drawn_from, [0]);

    let one = Turn {
        titles: vec!["ZooKeeper Internals".into()],
        ..answered.clone()
    };
    let found = rewrite("Who are the authors of this paper?", &[one], None).unwrap();
    assert_eq!(
        found.question,
        "Who are the authors of \"ZooKeeper Internals\"?"
    );

    let typed = turn("How does Raft elect a leader?");
    let found = rewrite("What are its limits?", &[typed], None).unwrap();
    assert!(
        found.drawn_from.is_empty(),
        "all of it was typed: {found:?}"
    );

    let deleted = Turn {
        answer: None,
        ..turn("Which protocol does etcd use?")
    };
    let found = rewrite("How does it elect a leader?", &[deleted], None).unwrap();
    assert_eq!(found.question, "How does etcd elect a leader?");
}

#[test]
fn a_model_is_asked_where_the_rules_are_unsure_and_checked() {
    let history = [turn("Does Raft outperform Paxos on WAN links?")];
    let question = "Why is it slower?";
    let guess = rewrite(question, &history, None).unwrap().question;
    assert_eq!(guess, "Why is Raft slower?");
    for (written, expected) in [
        (
            "Why is Paxos slower on WAN links?",
            "Why is Paxos slower on WAN links?",
        ),
        (
            "Stand-alone question: \"Why is Paxos slower?\"\nBecause",
            "Why is Paxos slower?",
        ),
        ("Why is Zab slower?", guess.as_str()),
        ("Why does Paxos exist?", guess.as_str()),
        (
            "Paxos needs two round trips, so it is slower.",
            guess.as_str(),
        ),
        ("", guess.as_str()),
    ] {
        let model = Scripted::new(written);
        let found = rewrite(question, &history, Some(&model)).unwrap();
        assert_eq!(found.question, expected, "the model wrote {written:?}");
    }
    let model = Scripted::new("never asked");
    assert!(rewrite("How does photosynthesis work?", &history, Some(&model)).is_none());
    assert!(model.asked.lock().unwrap().is_empty(), "it stands alone");
}

proptest! {
    #[test]
    fn anything_can_be_asked(history in prop::collection::vec(".{0,60}", 0..4), question in ".{0,80}") {
        let history: Vec<Turn> = history.iter().map(|text| Turn {
            answer: Some(text.clone()),
            titles: vec![text.clone()],
            ..turn(text)
        }).collect();
        if let Some(found) = rewrite(&question, &history, None) {
            prop_assert!(!found.question.trim().is_empty());
            prop_assert!(found.drawn_from.iter().all(|index| *index < history.len()));
        }
    }

    #[test]
    fn any_words_of_questions_can_be_put_together(
        before in prop::collection::vec(prop::sample::select(WORDS), 1..9),
        question in prop::collection::vec(prop::sample::select(WORDS), 1..9),
    ) {
        let history = [turn(&before.join(" "))];
        if let Some(found) = rewrite(&question.join(" "), &history, None) {
            prop_assert!(!found.question.trim().is_empty());
        }
    }

    #[test]
    fn what_stands_alone_still_does_after_other_questions(
        before in prop::sample::subsequence(ALONE, 1..4),
        question in prop::sample::select(ALONE),
    ) {
        let history: Vec<Turn> = before.iter().map(|text| turn(text)).collect();
        prop_assert_eq!(rewrite(question, &history, None), None);
    }
}

const WORDS: &[&str] = &[
    "what", "is", "it", "the", "of", "Raft", "Paxos?", "and", "they", "its", "limits", "about",
    "why", "this", "method", "that", "which", "one", "does", "elect", "a", "leader,", "second",
    "paper", "in", "\"such", "as\"", "faster", "than", "it's", "former", "—", "(both)", "there",
    "’s", "how", "many",
];

const ALONE: &[&str] = &[
    "How does photosynthesis work?",
    "What is the capital of France?",
    "How does Raft elect a leader?",
    "Is it safe to drink tap water?",
    "What are the limitations of gradient descent?",
    "How does dropout prevent overfitting?",
    "Which enzymes degrade lignin?",
    "Who discovered penicillin?",
];
