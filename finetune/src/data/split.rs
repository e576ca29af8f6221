//! Which examples are trained on, which choose between checkpoints, and which are kept for the test.
//!
//! Documents are put on a side, and examples follow their documents. Documents that share an example
//! are one group, found as connected components, and a group is never cut: else a paper that was
//! trained on would be asked about in the test. Groups are dealt out, the large first, each to the side
//! that lacks most of its share; the seed decides the order of the others. Each source is dealt out on
//! its own (stratified sampling): eleven long articles beside five hundred abstracts would all be trained
//! on otherwise, and the test would not ask about any.
//!
//! Sides are [assigned](assign) before examples are made, so that the distractors of an example can be
//! searched on its own side: distractors from anywhere would tie all papers into one group.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::check::{Dropped, Reason};
use super::{Example, folded};
use crate::random;

/// A part of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Learnt from.
    Train,
    /// Chooses between checkpoints.
    Validation,
    /// Seen by nobody before the end.
    Test,
}

impl Side {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name, and that of its file without the ending.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// How much of a dataset it should have.
    fn share(self) -> f64 {
        match self {
            Self::Train => 0.8,
            Self::Validation | Self::Test => 0.1,
        }
    }
}

/// Documents that have to be on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their ids.
    pub documents: Vec<String>,
    /// Examples that will be made of them, about.
    pub weight: usize,
    /// Which source they are of; each is split alike.
    pub stratum: String,
}

/// A group larger than this share of everything is dealt out before the others.
const LARGE: f64 = 0.05;

/// Puts each document on a side. Groups that share a document become one; one without documents has
/// nothing to put anywhere.
#[must_use]
pub fn assign(groups: &[Group], seed: u64) -> BTreeMap<String, Side> {
    let mut strata: BTreeMap<String, Vec<Group>> = BTreeMap::new();
    for component in components(groups) {
        let stratum = strata.entry(component.stratum.clone()).or_default();
        stratum.push(component);
    }
    let mut sides: BTreeMap<Side, Vec<Group>> = BTreeMap::new();
    for stratum in strata.into_values() {
        for (side, dealt) in deal(stratum, seed) {
            sides.entry(side).or_default().extend(dealt);
        }
    }
    // A few documents are worth less to training than something to test it with.
    for side in [Side::Test, Side::Validation] {
        if sides.contains_key(&side) {
            continue;
        }
        let Some(train) = sides.get_mut(&Side::Train).filter(|train| train.len() > 1) else {
            continue;
        };
        let lightest = (0..train.len()).min_by_key(|&index| train[index].weight);
        let moved = lightest.map(|index| train.remove(index));
        sides.entry(side).or_default().extend(moved);
    }
    sides
        .into_iter()
        .flat_map(|(side, groups)| {
            let documents = groups.into_iter().flat_map(|group| group.documents);
            documents.map(move |document| (document, side))
        })
        .collect()
}

/// Deals out the groups of one source.
fn deal(mut groups: Vec<Group>, seed: u64) -> BTreeMap<Side, Vec<Group>> {
    let total: usize = groups.iter().map(|one| one.weight).sum();
    // The order in which they came says nothing; that of their ids is the same each time.
    groups.sort_by(|a, b| a.documents.cmp(&b.documents));
    random::shuffle(&mut groups, seed);
    let is_large = |one: &Group| one.weight as f64 > LARGE * total as f64;
    groups.sort_by_key(|one| match is_large(one) {
        true => std::cmp::Reverse(one.weight),
        false => std::cmp::Reverse(0),
    });
    let mut sides: BTreeMap<Side, Vec<Group>> = BTreeMap::new();
    for group in groups {
        let lack = |side: Side| {
            let own = sides.get(&side).map_or(&[][..], Vec::as_slice);
            let weight: usize = own.iter().map(|one| one.weight).sum();
            side.share() * total as f64 - weight as f64
        };
        let side = Side::ALL
            .into_iter()
            .max_by(|a, b| lack(*a).total_cmp(&lack(*b)).then(b.cmp(a)))
            .unwrap_or(Side::Train);
        sides.entry(side).or_default().push(group);
    }
    sides
}

/// Joins groups that share a document. What is of several sources counts with the first by name.
fn components(groups: &[Group]) -> Vec<Group> {
    let mut parents: Vec<usize> = (0..groups.len()).collect();
    fn root(parents: &mut [usize], mut of: usize) -> usize {
        while parents[of] != of {
            parents[of] = parents[parents[of]];
            of = parents[of];
        }
        of
    }
    let mut owner: HashMap<&str, usize> = HashMap::new();
    for (index, group) in groups.iter().enumerate() {
        for document in &group.documents {
            let other = *owner.entry(document).or_insert(index);
            let (a, b) = (root(&mut parents, index), root(&mut parents, other));
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut joined: BTreeMap<usize, (BTreeSet<&str>, usize, &str)> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        if group.documents.is_empty() {
            continue;
        }
        let (documents, weight, stratum) =
            joined
                .entry(root(&mut parents, index))
                .or_insert((BTreeSet::new(), 0, &group.stratum));
        documents.extend(group.documents.iter().map(String::as_str));
        *weight += group.weight;
        *stratum = group.stratum.as_str().min(*stratum);
    }
    joined
        .into_values()
        .map(|(documents, weight, stratum)| Group {
            documents: documents.into_iter().map(str::to_owned).collect(),
            weight,
            stratum: stratum.to_owned(),
        })
        .collect()
}

/// Examples by side.
pub type Placed<T> = BTreeMap<Side, Vec<T>>;

/// Puts each example on the side of its documents. One whose documents are on two sides, or whose
/// question stands on a side that is kept for later, is left out.
pub fn place<T>(
    examples: Vec<T>,
    sides: &BTreeMap<String, Side>,
    of: impl Fn(&T) -> &Example,
) -> (Placed<T>, Vec<Dropped>) {
    let mut placed: Placed<T> = Side::ALL.map(|side| (side, Vec::new())).into();
    let mut dropped = Vec::new();
    let mut drop = |example: &Example, reason| {
        dropped.push(Dropped {
            id: example.about.id.clone(),
            reason,
        });
    };
    let mut last_side: HashMap<String, Side> = HashMap::new();
    let mut kept = Vec::new();
    for one in examples {
        let example = of(&one);
        let found: BTreeSet<Option<&Side>> = example
            .about
            .documents
            .iter()
            .map(|document| sides.get(document))
            .collect();
        let found: Vec<Option<&Side>> = found.into_iter().collect();
        let side = match found[..] {
            // It holds no document's text.
            [] => Side::Train,
            [Some(side)] => *side,
            _ => {
                drop(example, Reason::TwoSides);
                continue;
            }
        };
        let last = last_side
            .entry(folded(&example.about.question))
            .or_insert(side);
        *last = side.max(*last);
        kept.push((side, one));
    }
    for (side, one) in kept {
        let example = of(&one);
        match last_side.get(&folded(&example.about.question)) {
            Some(last) if *last != side => drop(example, Reason::QuestionElsewhere),
            _ => placed.entry(side).or_default().push(one),
        }
    }
    (placed, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::example;
    use proptest::prelude::*;

    fn groups() -> impl Strategy<Value = Vec<Group>> {
        let group = (prop::collection::btree_set(0..60_u32, 0..4), 0..30_usize);
        prop::collection::vec(group, 0..60).prop_map(|groups| {
            groups
                .into_iter()
                .map(|(documents, weight)| Group {
                    documents: documents.into_iter().map(|n| format!("d{n}")).collect(),
                    stratum: ["papers", "articles"][weight % 2].to_owned(),
                    weight,
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn no_document_is_on_two_sides_and_no_example_is_lost(groups in groups(), seed: u64) {
            let sides = assign(&groups, seed);
            prop_assert_eq!(&sides, &assign(&groups, seed));
            let mut reversed = groups.clone();
            reversed.reverse();
            prop_assert_eq!(&sides, &assign(&reversed, seed));
            for group in &groups {
                let on: BTreeSet<_> = group.documents.iter().map(|one| sides.get(one)).collect();
                prop_assert!(on.len() <= 1 && !on.contains(&None), "{:?}", group);
            }
            let examples: Vec<Example> = groups
                .iter()
                .enumerate()
                .map(|(index, group)| {
                    let documents: Vec<&str> = group.documents.iter().map(String::as_str).collect();
                    let question = format!("Question {}?", index % 40);
                    example(&index.to_string(), &documents, &[], &question, "x")
                })
                .collect();
            let (placed, dropped) = place(examples, &sides, |one| one);
            let mut ids: Vec<String> = dropped.iter().map(|one| one.id.clone()).collect();
            let mut on: HashMap<&str, Side> = HashMap::new();
            for (side, examples) in &placed {
                for one in examples {
                    ids.push(one.about.id.clone());
                    for key in one.about.documents.iter().chain([&one.about.question]) {
                        prop_assert_eq!(*on.entry(key).or_insert(*side), *side);
                    }
                }
            }
            ids.sort_by_key(|id| id.parse::<usize>().unwrap());
            let all: Vec<String> = (0..groups.len()).map(|index| index.to_string()).collect();
            prop_assert_eq!(ids, all);
            prop_assert!(dropped.iter().all(|one| one.reason == Reason::QuestionElsewhere));
        }

        #[test]
        fn many_small_groups_are_split_80_10_10(weights in prop::collection::vec(1..5_usize, 100..200), seed: u64) {
            let groups: Vec<Group> = weights
                .iter()
                .enumerate()
                .map(|(index, weight)| Group {
                    documents: vec![format!("d{index}")],
                    weight: *weight,
                    stratum: String::new(),
                })
                .collect();
            let sides = assign(&groups, seed);
            let total: usize = weights.iter().sum();
            for side in Side::ALL {
                let own: usize = groups
                    .iter()
                    .filter(|group| sides[&group.documents[0]] == side)
                    .map(|group| group.weight)
                    .sum();
                let off = own as f64 - side.share() * total as f64;
                prop_assert!(off.abs() <= 5.0, "{:?} is {} off", side, off);
            }
        }
    }

    #[test]
    fn few_documents_leave_something_to_test_with() {
        let singles = |count: usize| -> Vec<Group> {
            (0..count)
                .map(|index| Group {
                    documents: vec![index.to_string()],
                    weight: 10,
                    stratum: String::new(),
                })
                .collect()
        };
        for (count, wanted) in [
            (0, [0, 0, 0]),
            (1, [1, 0, 0]),
            (2, [1, 0, 1]),
            (3, [1, 1, 1]),
            (10, [8, 1, 1]),
        ] {
            let sides = assign(&singles(count), 1);
            let counts = Side::ALL.map(|side| sides.values().filter(|own| **own == side).count());
            assert_eq!(counts, wanted, "{count} documents");
        }
        let orders: BTreeSet<Vec<Side>> = (0..20)
            .map(|seed| assign(&singles(10), seed).into_values().collect())
            .collect();
        assert!(orders.len() > 1, "the seed decides");
    }

    #[test]
    fn each_source_is_on_each_side() {
        let of = |stratum: &str, count: usize, weight: usize| {
            let stratum = stratum.to_owned();
            (0..count).map(move |index| Group {
                documents: vec![format!("{stratum}{index}")],
                weight,
                stratum: stratum.clone(),
            })
        };
        let groups: Vec<Group> = of("article", 11, 400)
            .chain(of("abstract", 500, 1))
            .collect();
        for seed in 0..20 {
            let sides = assign(&groups, seed);
            for (source, wanted) in [("article", [9, 1, 1]), ("abstract", [400, 50, 50])] {
                let counts = Side::ALL.map(|side| {
                    let of_source =
                        |(one, own): &(&String, &Side)| one.starts_with(source) && **own == side;
                    sides.iter().filter(of_source).count()
                });
                assert_eq!(counts, wanted, "{source}, seed {seed}");
            }
        }
    }

    #[test]
    fn what_is_on_two_sides_is_left_out() {
        let sides = BTreeMap::from([("a".to_owned(), Side::Train), ("b".to_owned(), Side::Test)]);
        let examples = vec![
            example("1", &["a"], &[], "Why is it so?", "x"),
            example("2", &["b"], &[], "why is it so", "x"),
            example("3", &["a", "b"], &[], "How?", "x"),
            example("4", &["c"], &[], "Where?", "x"),
            example("5", &[], &[], "When?", "x"),
        ];
        let (placed, dropped) = place(examples, &sides, |one| one);
        let ids = |side: Side| -> Vec<&str> {
            placed[&side]
                .iter()
                .map(|one| one.about.id.as_str())
                .collect()
        };
        assert_eq!(ids(Side::Test), ["2"]);
        assert_eq!(ids(Side::Train), ["5"]);
        let reasons: Vec<(&str, Reason)> = dropped
            .iter()
            .map(|one| (one.id.as_str(), one.reason))
            .collect();
        assert_eq!(
            reasons,
            [
                ("3", Reason::TwoSides),
                ("4", Reason::TwoSides),
                ("1", Reason::QuestionElsewhere)
            ]
        );
    }
}
