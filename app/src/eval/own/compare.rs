//! One evaluation against the one before: what has changed, and whether it made a difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SEED, SelfEvaluation, Served};
use crate::eval::interval::{Figure, figure, mean};

/// An evaluation held against another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The other's id.
    pub with: String,
    /// When that was made.
    pub at: String,
    /// What has changed since, in words.
    pub changed: Vec<String>,
    /// Questions that both were asked.
    pub questions: usize,
    /// How much more each figure is, with the 95 % interval of a paired bootstrap over questions: a
    /// difference is sure where the interval does not hold 0.
    #[schema(value_type = Object)]
    pub differences: BTreeMap<String, Figure>,
}

/// Holds `values`, as `served` now answers, against an evaluation.
pub(super) fn with(
    before: &SelfEvaluation,
    served: &Served,
    values: &BTreeMap<String, BTreeMap<String, f64>>,
) -> Comparison {
    let mut pairs: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
    let mut questions = 0;
    for (id, now) in values {
        let Some(then) = before.values.get(id) else {
            continue;
        };
        questions += 1;
        for (name, value) in now {
            if let Some(then) = then.get(name) {
                pairs.entry(name).or_default().push(value - then);
            }
        }
    }
    Comparison {
        with: before.id.clone(),
        at: before.at.clone(),
        changed: changes(&before.served, served),
        questions,
        differences: pairs
            .into_iter()
            .filter_map(|(name, pairs)| {
                let found = figure(&pairs, SEED, |all| mean(all.iter().map(|value| **value)))?;
                Some((name.clone(), found))
            })
            .collect(),
    }
}

/// What is not the same, in words.
pub(super) fn changes(before: &Served, now: &Served) -> Vec<String> {
    let mut changes = Vec::new();
    let mut note = |what: &str, before: String, now: String| {
        if before != now {
            changes.push(format!("{what}: {before} -> {now}"));
        }
    };
    let adapter = |served: &Served| served.adapter.clone().unwrap_or_else(|| "none".to_owned());
    note("model", before.models.join(", "), now.models.join(", "));
    note("adapter", adapter(before), adapter(now));
    note("embedder", before.embedder.clone(), now.embedder.clone());
    note(
        "documents",
        before.documents.to_string(),
        now.documents.to_string(),
    );
    if before.documents == now.documents {
        note(
            "index",
            before.revision.to_string(),
            now.revision.to_string(),
        );
    }
    let value = |served: &Served, key: &str| match served.settings.get(key) {
        Some(value) if !value.is_empty() => value.clone(),
        _ => "not set".to_owned(),
    };
    let keys: std::collections::BTreeSet<&String> =
        before.settings.keys().chain(now.settings.keys()).collect();
    for key in keys {
        note(key, value(before, key), value(now, key));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: &[(&str, &str, f64)]) -> BTreeMap<String, BTreeMap<String, f64>> {
        let mut values: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
        for (id, name, value) in of {
            let figures = values.entry((*id).to_owned()).or_default();
            figures.insert((*name).to_owned(), *value);
        }
        values
    }

    #[test]
    fn only_questions_that_both_were_asked_are_compared() {
        let before = SelfEvaluation {
            id: "before".to_owned(),
            at: "2026-01-01T00:00:00Z".to_owned(),
            reason: String::new(),
            extractive: true,
            served: Served {
                documents: 3,
                ..Served::default()
            },
            answerable: 2,
            absent: 0,
            figures: BTreeMap::new(),
            comparison: None,
            values: values(&[("a", "f1", 0.2), ("b", "f1", 0.4), ("gone", "f1", 1.0)]),
        };
        let mut served = before.served.clone();
        served
            .settings
            .insert("answer.precision".to_owned(), "0.9".to_owned());
        let now = values(&[("a", "f1", 0.5), ("b", "f1", 0.7), ("new", "f1", 0.0)]);
        let found = with(&before, &served, &now);
        assert_eq!(found.questions, 2);
        assert!((found.differences["f1"].value - 0.3).abs() < 1e-9);
        assert!(found.differences["f1"].low > 0.0, "sure");
        assert_eq!(found.changed, ["answer.precision: not set -> 0.9"]);
        assert_eq!(changes(&before.served, &before.served), [""; 0]);
    }
}
