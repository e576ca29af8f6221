//! What a dataset holds and what was left out of it, for people (`card.md`) and programs (`card.json`),
//! after Gebru et al., "Datasheets for Datasets", 2018, <https://arxiv.org/abs/1803.09010>.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::check::{Dropped, Reason};
use super::{Example, Kind, Side, Source};

/// Bounds of the histogram of lengths, in tokens.
const BOUNDS: [usize; 8] = [128, 256, 384, 512, 768, 1024, 1536, 2048];

/// How many examples of a kind come from a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Examples.
    pub examples: usize,
    /// By source.
    pub sources: BTreeMap<Source, usize>,
    /// By kind.
    pub kinds: BTreeMap<Kind, usize>,
    /// Documents.
    pub documents: usize,
}

/// Examples of about one length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Tokens, at most; none for all that are longer.
    pub up_to: Option<usize>,
    /// Examples.
    pub examples: usize,
}

/// What a dataset holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// The seed of its sides and choices.
    pub seed: u64,
    /// SHA-256 of its three files, in hexadecimal.
    pub sha256: String,
    /// Whose tokens the lengths are counted in.
    pub tokens_of: String,
    /// What is on each side.
    pub sides: BTreeMap<Side, Counts>,
    /// How many were left out, and why.
    pub dropped: BTreeMap<Reason, usize>,
    /// The first of those by name.
    pub dropped_examples: Vec<Dropped>,
    /// Lengths of what was kept, when it was prepared.
    pub lengths: Vec<Bucket>,
    /// What to know before training.
    pub warnings: Vec<String>,
    /// Examples that were taken out since, as their documents were deleted.
    #[serde(default)]
    pub erased: usize,
}

/// Left-out examples that a card names, at most.
const NAMED: usize = 200;

/// Fewer examples to test with than this tell little.
const FEWEST_HELD_OUT: usize = 100;

impl Counts {
    /// Counts examples.
    pub(crate) fn of(examples: &[Example]) -> Self {
        let mut counts = Self {
            examples: examples.len(),
            ..Self::default()
        };
        let mut documents = std::collections::BTreeSet::new();
        for example in examples {
            *counts.sources.entry(example.about.source).or_default() += 1;
            *counts.kinds.entry(example.about.kind).or_default() += 1;
            documents.extend(&example.about.documents);
        }
        counts.documents = documents.len();
        counts
    }
}

impl Card {
    /// The card of a dataset that is to be written.
    pub fn new(
        name: &str,
        seed: u64,
        tokens_of: &str,
        sets: &BTreeMap<Side, Vec<(Example, usize)>>,
        dropped: Vec<Dropped>,
    ) -> Self {
        let mut reasons = BTreeMap::new();
        for one in &dropped {
            *reasons.entry(one.reason).or_default() += 1;
        }
        let mut card = Self {
            name: name.to_owned(),
            seed,
            sha256: String::new(),
            tokens_of: tokens_of.to_owned(),
            sides: BTreeMap::new(),
            dropped: reasons,
            dropped_examples: dropped.into_iter().take(NAMED).collect(),
            lengths: histogram(sets.values().flatten().map(|(_, tokens)| *tokens)),
            warnings: Vec::new(),
            erased: 0,
        };
        card.sides = Side::ALL
            .into_iter()
            .map(|side| {
                let examples: Vec<Example> = sets
                    .get(&side)
                    .into_iter()
                    .flatten()
                    .map(|(example, _)| example.clone())
                    .collect();
                (side, Counts::of(&examples))
            })
            .collect();
        card.warnings = card.doubts();
        card
    }

    /// Examples in all.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.sides.values().map(|side| side.examples).sum()
    }

    pub(crate) fn doubts(&self) -> Vec<String> {
        let count = |side: Side| self.sides.get(&side).map_or(0, |side| side.examples);
        let mut doubts = Vec::new();
        let test = count(Side::Test);
        if test < FEWEST_HELD_OUT {
            doubts.push(format!(
                "{test} examples to test with; {} more are needed to tell whether a trained model is \
                 better: add papers, generate more, or import a file of questions",
                FEWEST_HELD_OUT - test
            ));
        }
        if count(Side::Validation) == 0 {
            doubts.push(
                "nothing to choose between checkpoints with: the examples come from too few documents"
                    .to_owned(),
            );
        }
        let refusals: usize = self
            .sides
            .values()
            .filter_map(|side| side.kinds.get(&Kind::Refusal))
            .sum();
        if refusals == 0 {
            doubts.push(
                "no refusals: a model trained on this learns to answer whatever its notes say"
                    .to_owned(),
            );
        }
        doubts
    }

    /// For people.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# {}\n\n{} examples, seed {}, SHA-256 `{}`.\n",
            self.name,
            self.examples(),
            self.seed,
            self.sha256
        );
        for warning in &self.warnings {
            let _ = write!(text, "\n**Note:** {warning}.\n");
        }
        text.push_str(
            "\n| side | examples | documents | answers | refusals | feedback | generated | distilled | imported |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        );
        for (side, counts) in &self.sides {
            let kind = |kind| counts.kinds.get(&kind).copied().unwrap_or_default();
            let source = |source| counts.sources.get(&source).copied().unwrap_or_default();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                side.as_str(),
                counts.examples,
                counts.documents,
                kind(Kind::Answer),
                kind(Kind::Refusal),
                source(Source::Feedback),
                source(Source::Generated),
                source(Source::Distilled),
                source(Source::Imported),
            );
        }
        let dropped: usize = self.dropped.values().sum();
        let _ = write!(text, "\n## Left out: {dropped}\n\n");
        for (reason, count) in &self.dropped {
            let _ = writeln!(text, "- {}: {count}", reason.as_str());
        }
        if self.erased > 0 {
            let _ = writeln!(
                text,
                "- taken out since, with documents that were deleted: {}",
                self.erased
            );
        }
        let _ = write!(
            text,
            "\n## Lengths\n\nTokens of prompt and answer, as {} counts them.\n\n| up to | examples |\n|---|---|\n",
            self.tokens_of
        );
        for bucket in &self.lengths {
            let bound = bucket
                .up_to
                .map_or_else(|| "longer".to_owned(), |bound| bound.to_string());
            let _ = writeln!(text, "| {bound} | {} |", bucket.examples);
        }
        text
    }
}

fn histogram(lengths: impl Iterator<Item = usize>) -> Vec<Bucket> {
    let mut counts = [0; BOUNDS.len() + 1];
    for length in lengths {
        counts[BOUNDS.partition_point(|bound| *bound < length)] += 1;
    }
    let bounds = BOUNDS.into_iter().map(Some).chain([None]);
    bounds
        .zip(counts)
        .map(|(up_to, examples)| Bucket { up_to, examples })
        .collect()
}
