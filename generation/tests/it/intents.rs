//! What kind of answer a question wants: what people type, and what only looks like it.

use expect_test::{Expect, expect};
use generation::intent::{self, Intent, Order, Papers};
use proptest::prelude::*;

fn papers(papers: &Papers) -> String {
    match papers {
        Papers::Asked => "those asked".to_owned(),
        Papers::Named(names) => names.join(" + "),
    }
}

/// An intent on one line.
fn shown(question: &str) -> String {
    match intent::read(question) {
        Intent::Answer => "-".to_owned(),
        Intent::Summarise(of) => format!("summary of {}", papers(&of)),
        Intent::Compare(comparison) => format!(
            "compare {} on {}",
            papers(&comparison.papers),
            comparison.aspects.join(" | ")
        ),
        Intent::Catalog(asked) => {
            let mut said = vec![if asked.is_count { "count" } else { "list" }.to_owned()];
            if !asked.authors.is_empty() {
                said.push(format!("by {}", asked.authors.join(" + ")));
            }
            if let Some(years) = &asked.years {
                let year = |year: i32| match year {
                    i32::MIN | i32::MAX => String::new(),
                    year => year.to_string(),
                };
                said.push(format!(
                    "years {}..{}",
                    year(*years.start()),
                    year(*years.end())
                ));
            }
            said.extend(asked.venue.iter().map(|venue| format!("in {venue}")));
            if !asked.mentions.is_empty() {
                let join = if asked.any_mention { " or " } else { " + " };
                said.push(format!("with {}", asked.mentions.join(join)));
            }
            match (asked.limit, asked.order) {
                (None, Order::NewestFirst) => {}
                (limit, order) => said.push(format!("{order:?} {limit:?}")),
            }
            if !asked.is_certain {
                said.push("?".to_owned());
            }
            said.join(", ")
        }
    }
}

fn check(questions: &[&str], expected: Expect) {
    let found: Vec<String> = questions
        .iter()
        .map(|question| format!("{question} => {}\n", shown(question)))
        .collect();
    expected.assert_eq(&found.concat());
}

#[test]
fn questions_after_papers() {
    check(
        &[
            "Which papers from 2012 mention Paxos?",
            "which papers mention paxos",
            "how many papers do I have by Ongaro?",
            "How many papers by D. Ongaro and J. Ousterhout are in my library?",
            "list my papers on consensus from 2010 to 2014 in JMLR",
            "How many documents are in the library?",
            "how many papers are there?",
            "how many papers do I have",
            "papers by Smith since 2015 that cite LDA",
            "What is my newest paper?",
            "what's the oldest paper on Paxos",
            "Show me the three newest papers by Leslie Lamport.",
            "Which of my papers are from the 1990s?",
            "Please list all papers published in Nature Communications between 2015 and 2020",
            "list papers in the Journal of Machine Learning Research",
            "Find papers that mention “leader election” and Raft but",
            "Find papers that mention “leader election” and Raft",
            "Which papers mention Paxos, Raft or Zab?",
            "which papers mention Paxos and are by Lamport",
            "How many of Ongaro's papers mention Paxos?",
            "Which papers did Lamport write before 2000?",
            "How many papers has Smith, J. published after 2010?",
            "do I have any papers by van der Berg",
            "Are there any papers about zebra stripes?",
            "Which papers cite BERT and were published in 2019?",
            "How many papers mention the word “WHO”?",
            "which articles discuss state of the art, from 2019",
            "list my papers sorted by year",
            "all papers since 2015",
            "my papers",
            "Could you list every article by Müller, please?",
            "which papers were published at NeurIPS in 2017?",
            "papers by ongaro",
            "List papers from 2010-2014.",
            "which papers are about reinforcement learning for robots?",
        ],
        expect![[r#"
            Which papers from 2012 mention Paxos? => list, years 2012..2012, with Paxos
            which papers mention paxos => list, with paxos
            how many papers do I have by Ongaro? => count, by Ongaro
            How many papers by D. Ongaro and J. Ousterhout are in my library? => count, by D. Ongaro + J. Ousterhout
            list my papers on consensus from 2010 to 2014 in JMLR => list, years 2010..2014, in JMLR, with consensus
            How many documents are in the library? => count
            how many papers are there? => count
            how many papers do I have => count
            papers by Smith since 2015 that cite LDA => list, by Smith, years 2015.., with LDA
            What is my newest paper? => list, NewestFirst Some(1)
            what's the oldest paper on Paxos => list, with Paxos, OldestFirst Some(1), ?
            Show me the three newest papers by Leslie Lamport. => list, by Leslie Lamport, NewestFirst Some(3)
            Which of my papers are from the 1990s? => list, years 1990..1999
            Please list all papers published in Nature Communications between 2015 and 2020 => list, years 2015..2020, in Nature Communications
            list papers in the Journal of Machine Learning Research => list, in Journal of Machine Learning Research, ?
            Find papers that mention “leader election” and Raft but => -
            Find papers that mention “leader election” and Raft => list, with leader election + Raft
            Which papers mention Paxos, Raft or Zab? => list, with Paxos or Raft or Zab
            which papers mention Paxos and are by Lamport => list, by Lamport, with Paxos
            How many of Ongaro's papers mention Paxos? => count, by Ongaro, with Paxos
            Which papers did Lamport write before 2000? => list, by Lamport, years ..1999, ?
            How many papers has Smith, J. published after 2010? => count, by Smith, J., years 2011.., ?
            do I have any papers by van der Berg => list, by van der Berg
            Are there any papers about zebra stripes? => list, with zebra stripes, ?
            Which papers cite BERT and were published in 2019? => list, years 2019..2019, with BERT
            How many papers mention the word “WHO”? => count, with WHO
            which articles discuss state of the art, from 2019 => list, years 2019..2019, with state of the art
            list my papers sorted by year => list
            all papers since 2015 => list, years 2015..
            my papers => list
            Could you list every article by Müller, please? => list, by Müller
            which papers were published at NeurIPS in 2017? => list, years 2017..2017, in NeurIPS
            papers by ongaro => list, by ongaro
            List papers from 2010-2014. => list, years 2010..2014
            which papers are about reinforcement learning for robots? => list, with reinforcement learning for robots, ?
        "#]],
    );
}

#[test]
fn questions_that_papers_answer() {
    let plain = [
        "How many papers were included in the meta-analysis?",
        "Which paper introduced the Transformer?",
        "What is the summary statistic?",
        "How does compare-and-swap work?",
        "How many articles were retrieved from PubMed?",
        "How many articles in PubMed mention COVID?",
        "How many documents are in the TREC collection?",
        "How many documents are in the collection?",
        "how many documents does the corpus contain",
        "Which papers report a significant effect?",
        "Which papers on attention introduced multi-head attention?",
        "Which papers mention that attention is quadratic?",
        "Which paper won the best paper award?",
        "Which articles of the GDPR mention consent?",
        "How many papers did the authors review?",
        "What papers does the author cite in support of this?",
        "Which documents are required for admission?",
        "What is the most cited paper on consensus?",
        "What was the first paper to use dropout?",
        "What is the latest paper on Raft about?",
        "Which papers do not mention Paxos?",
        "which papers by Lamport or Ongaro mention Paxos",
        "list papers by title",
        "papers",
        "paper",
        "What papers?",
        "How many?",
        "How many pages does the paper have?",
        "Which papers from last year mention Paxos?",
        "Which papers mention both?",
        "Which papers cite the Raft paper?",
        "Who wrote the paper on Paxos?",
        "When was the paper published?",
        "What does the paper say about leader election?",
        "Compare the results in Table 2.",
        "Compare the performance of the two methods",
        "How does Raft differ from Paxos?",
        "What is the difference between Raft and Paxos?",
        "How do the two groups differ in age?",
        "Compare Raft and Paxos on safety",
        "Contrast sensitivity in zebras",
        "Summarise the related work on consensus",
        "Summarize the differences between the methods",
        "What is attention about?",
        "What is the main idea of the paper about Raft?",
        "How is the summary token computed?",
        "What are the key points of leader election?",
        "What is the overview of the system?",
        "Give me a summary of the experimental results.",
        "What is the paper by Ongaro about?",
        "Which papers in English mention Paxos?",
        "count the number of neurons",
        "show that the algorithm is correct",
        "Name the authors",
        "Find the minimum of the function",
        "List the hyperparameters",
        "What are the papers' limitations?",
        "Which papers use BERT?",
        "Welche Arbeiten erwähnen Paxos?",
        "哪些论文提到了Paxos?",
        "",
        "???",
        "“Paxos”",
    ];
    let taken: Vec<String> = plain
        .iter()
        .filter(|question| intent::read(question) != Intent::Answer)
        .map(|question| format!("{question} => {}", shown(question)))
        .collect();
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn questions_about_given_papers() {
    check(
        &[
            "Compare these papers on leader election, log replication and safety.",
            "compare the papers",
            "How do raft.pdf and paxos.md differ in fault tolerance?",
            "Compare raft.pdf with paxos.pdf",
            "Compare the Raft paper and the Paxos paper in terms of latency",
            "Compare the Raft and Paxos papers on the cost of a round trip",
            "What do the papers say about stripes?",
            "what does each paper say about sample size and dropout",
            "What are the main differences between these papers?",
            "How do they differ?",
            "Compare “In Search of an Understandable Consensus Algorithm” and “Paxos Made Simple” on proofs",
            "summarise this paper",
            "Summarize raft-consensus.pdf in a few sentences.",
            "Can you summarise the Raft paper for me?",
            "tl;dr",
            "TL;DR of raft.pdf",
            "Give me a short summary of the paper",
            "What is this paper about?",
            "what's the Raft paper about?",
            "What are the key points of this article?",
            "summarise raft.pdf and paxos.pdf",
            "Summarise these papers briefly",
            "What does this paper say?",
            "summary",
        ],
        expect![[r#"
            Compare these papers on leader election, log replication and safety. => compare those asked on leader election | log replication | safety
            compare the papers => compare those asked on 
            How do raft.pdf and paxos.md differ in fault tolerance? => compare raft.pdf + paxos.md on fault tolerance
            Compare raft.pdf with paxos.pdf => compare raft.pdf + paxos.pdf on 
            Compare the Raft paper and the Paxos paper in terms of latency => compare Raft + Paxos on latency
            Compare the Raft and Paxos papers on the cost of a round trip => compare Raft + Paxos on cost of a round trip
            What do the papers say about stripes? => compare those asked on stripes
            what does each paper say about sample size and dropout => compare those asked on sample size | dropout
            What are the main differences between these papers? => compare those asked on 
            How do they differ? => -
            Compare “In Search of an Understandable Consensus Algorithm” and “Paxos Made Simple” on proofs => compare In Search of an Understandable Consensus Algorithm + Paxos Made Simple on proofs
            summarise this paper => summary of those asked
            Summarize raft-consensus.pdf in a few sentences. => summary of raft-consensus.pdf
            Can you summarise the Raft paper for me? => summary of Raft
            tl;dr => summary of those asked
            TL;DR of raft.pdf => summary of raft.pdf
            Give me a short summary of the paper => summary of those asked
            What is this paper about? => summary of those asked
            what's the Raft paper about? => summary of Raft
            What are the key points of this article? => summary of those asked
            summarise raft.pdf and paxos.pdf => summary of raft.pdf + paxos.pdf
            Summarise these papers briefly => summary of those asked
            What does this paper say? => summary of those asked
            summary => summary of those asked
        "#]],
    );
}

proptest! {
    #[test]
    fn every_text_has_a_reading(question in "\\PC{0,80}") {
        intent::read(&question);
    }

    #[test]
    fn words_in_any_order_have_a_reading(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "which", "papers", "how", "many", "by", "from", "2012", "to", "and", "or", ",",
                "mention", "Paxos", "the", "in", "JMLR", "newest", "my", "compare", "summarise",
                "raft.pdf", "these", "paper", "on", "\"leader", "election\"", "Smith", "J.", "since",
            ]),
            0..14,
        )
    ) {
        intent::read(&words.join(" "));
    }
}
