//! Summaries: the paper's own sentences, by section, none twice.

use std::collections::HashSet;

use generation::parts::{Asked, Composer};
use generation::summary::{Length, Section, summarise};
use generation::{IndexInfo, Origin, Outcome};
use proptest::prelude::*;
use retrieval::Passage;

use crate::fakes::{passage, passage_on};

const TITLE: &str = "An Understandable Consensus Algorithm";

fn in_section(section: Option<&str>, text: &str) -> Passage {
    Passage {
        section: section.map(str::to_owned),
        ..passage("raft", TITLE, text)
    }
}

fn paper() -> Vec<Passage> {
    vec![
        in_section(
            None,
            "An Understandable Consensus Algorithm\n\nD. Ongaro, Stanford University, ongaro@example.org\n\n\
             Permission to make digital copies of this work is granted to everyone who asks for it.\n\n\
             In this paper we present Raft, a consensus algorithm for managing a replicated log. \
             Raft separates leader election from log replication to be easier to understand.",
        ),
        in_section(
            Some("1 Introduction"),
            "Consensus algorithms allow a collection of machines to work as a coherent group. \
             It is hard to understand. We present Raft, a consensus algorithm that is easy to understand.",
        ),
        in_section(
            Some("2 Design > 2.1 Elections"),
            "Raft elects a leader by votes of a majority of the servers. \
             Elections begin after a random timeout, so that split votes are rare. \
             Figure 3: Servers change their state as shown in this figure of the paper.",
        ),
        // Chunks overlap.
        in_section(
            Some("2 Design > 2.2 Logs"),
            "Elections begin after a random timeout, so that split votes are rare. \
             The leader copies entries of its log to the other servers and tells them when they are safe.",
        ),
        in_section(
            Some("3 Evaluation"),
            "Our results show that Raft elects a leader in 35 ms on average.\n\nw = x + y = z = v for all of the servers that there are.",
        ),
        in_section(
            Some("References"),
            "[1] L. Lamport. The part-time parliament. We show that consensus is solved by Paxos in this paper.",
        ),
        in_section(
            Some("Acknowledgments"),
            "We thank the many people of the laboratory who read this paper and helped us with it.",
        ),
    ]
}

const ABSTRACT: &str = "In this paper we present Raft, a consensus algorithm for managing a replicated log. \
                        Raft separates leader election from log replication to be easier to understand.";

fn texts<'p>(passages: &'p [Passage], sections: &[Section]) -> Vec<(String, Vec<&'p str>)> {
    sections
        .iter()
        .map(|section| {
            let sentences = section.sentences.iter();
            let sentences =
                sentences.map(|(passage, range)| &passages[*passage].text[range.clone()]);
            (section.heading.clone(), sentences.collect())
        })
        .collect()
}

#[test]
fn a_summary_goes_by_sections_and_leaves_out_what_is_not_the_matter() {
    let passages = paper();
    let sections = summarise(&passages, Some(ABSTRACT), Length::default());
    let found = texts(&passages, &sections);
    let headings: Vec<&str> = found.iter().map(|(heading, _)| heading.as_str()).collect();
    assert_eq!(
        headings,
        ["Abstract", "1 Introduction", "2 Design", "3 Evaluation"]
    );
    assert!(found[0].1[0].starts_with("In this paper we present Raft"));
    let all: Vec<&str> = found
        .iter()
        .flat_map(|(_, sentences)| sentences.clone())
        .collect();
    let distinct: HashSet<&str> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len(), "{all:#?}");
    for absent in [
        "Permission",
        "Stanford",
        "Figure 3",
        "Lamport",
        "thank",
        "w = x",
    ] {
        assert!(!all.iter().any(|text| text.contains(absent)), "{absent}");
    }
    assert!(all.iter().any(|text| text.contains("35 ms")));
}

#[test]
fn a_summary_keeps_its_length() {
    let passages = paper();
    let length = Length {
        sentences: 3,
        per_section: 1,
    };
    let sections = summarise(&passages, None, length);
    let count: usize = sections.iter().map(|section| section.sentences.len()).sum();
    assert_eq!(count, 3);
    assert!(summarise(&[], None, length).is_empty());
    let references = [in_section(Some("References"), "[1] A. B. C, et al., 2001.")];
    assert!(summarise(&references, None, length).is_empty());
}

#[test]
fn a_title_over_all_sections_is_no_section() {
    let passages: Vec<Passage> = [
        ("Design", "elects a leader by votes"),
        ("Results", "takes 35 ms to do so"),
    ]
    .map(|(heading, what)| {
        let text = format!("Raft is an algorithm that {what} of the majority of servers.");
        in_section(Some(&format!("{TITLE} > {heading}")), &text)
    })
    .to_vec();
    let sections = summarise(&passages, None, Length::default());
    let headings: Vec<&str> = sections.iter().map(|one| one.heading.as_str()).collect();
    assert_eq!(headings, ["Design", "Results"]);
}

fn asked() -> Asked {
    Asked {
        id: "a".to_owned(),
        question: "Compare these papers.".to_owned(),
        index: IndexInfo {
            embedder: "e".to_owned(),
            revision: 1,
        },
        started: std::time::Instant::now(),
        retrieve_ms: None,
    }
}

#[test]
fn parts_say_what_stands_under_which_heading() {
    let long = passage_on(
        "raft",
        TITLE,
        &[(3, "Raft elects\na leader"), (4, "by votes.")],
    );
    let mut composer = Composer::default();
    composer.state("2 papers are compared.");
    composer.begin("Raft", Some("raft"), Some("election"));
    composer.quote(&long, 0..long.text.len());
    composer.quote(&long, 0..long.text.len());
    composer.begin("Raft", Some("raft"), Some("cost"));
    let answered = composer.finish(asked(), Origin::Extractive);
    let answer = answered.answer;
    assert_eq!(answer.outcome, Outcome::Answered);
    assert_eq!(
        answer.answer,
        "2 papers are compared.\n\nRaft: election\nRaft elects a leader [1] Raft elects a leader [1]\n\n\
         Raft: cost\n(nothing found)"
    );
    let counts: Vec<usize> = answer.parts.iter().map(|part| part.sentences).collect();
    assert_eq!(counts, [1, 2, 0]);
    assert_eq!(answer.citations.len(), 1);
    assert_eq!(answer.citations[0].quote, "Raft elects\na leader");
    assert_eq!(answer.citations[0].page, 3);
    assert_eq!(answer.citations[0].rects.len(), 2);
    assert_eq!(answered.trace.evidence.len(), 2);

    let none = Composer::nothing(asked(), Origin::Catalog, "No paper mentions “Zab”.").answer;
    assert_eq!(none.outcome, Outcome::InsufficientEvidence);
    assert_eq!(none.answer, "No paper mentions “Zab”.");
    assert!(none.sentences.is_empty() && none.parts.is_empty());
}

proptest! {
    #[test]
    fn any_text_can_be_summarised(
        texts in prop::collection::vec(("\\PC{0,200}", prop::option::of("\\PC{0,30}")), 0..8),
        sentences in 0_usize..6,
    ) {
        let passages: Vec<Passage> = texts
            .iter()
            .map(|(text, section)| in_section(section.as_deref(), text))
            .collect();
        let length = Length { sentences, per_section: 2 };
        let sections = summarise(&passages, None, length);
        let chosen: Vec<_> = sections.iter().flat_map(|section| &section.sentences).collect();
        prop_assert!(chosen.len() <= sentences);
        for (passage, range) in chosen {
            prop_assert!(passages[*passage].text.get(range.clone()).is_some());
        }
    }
}
