//! Whether a reranker is better than the ranking that it adds to, on lists that it was not trained on.
//!
//! Both order the same lists, so what is compared is paired: nDCG@10 of each question with and without
//! it, and the interval of the mean difference by bootstrap over questions.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Result;
use finetune::reranker::lists::List;
use retrieval::cross_encoder::residual;
use serde::{Deserialize, Serialize};

use crate::eval::ranking::{Estimate, estimate, score};
use crate::models::reranker::LoadedReranker;

/// Held-out questions that it takes to tell.
pub const ENOUGH: usize = 100;

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval of the difference lies above 0.
    Better,
    /// It does not.
    NotBetter,
    /// There are too few held-out questions to tell.
    NotEnoughEvidence,
}

/// What was measured on held-out questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Held-out questions.
    pub questions: usize,
    /// Mean nDCG@10 of the search with late interaction (MaxSim).
    pub before: f64,
    /// The same, with the reranker.
    pub after: f64,
    /// Mean difference and its 95 % interval.
    pub difference: Estimate,
    /// Passages that it reads for a question.
    pub depth: usize,
    /// Median time in which it reads them, in milliseconds.
    pub ms_per_query: f64,
    /// What follows.
    pub verdict: Verdict,
    /// Held-out questions that are lacking.
    pub lacking: usize,
}

/// Orders each list again and compares. Blocking.
///
/// # Errors
/// Where the model fails.
pub fn judge(lists: &[List], reranker: &LoadedReranker) -> Result<Judgement> {
    let (mut before, mut after, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        let read = list.passages.len().min(reranker.depth());
        let texts: Vec<&str> = list.passages[..read]
            .iter()
            .map(|it| it.text.as_str())
            .collect();
        let scores: Vec<f32> = list.passages[..read].iter().map(|it| it.score).collect();
        let started = Instant::now();
        let logits = reranker.encoder.score(&list.question, &texts)?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        let order = residual::order(&scores, &logits, reranker.residual.as_ref());
        before.push(ndcg(list, 0..list.passages.len()));
        after.push(ndcg(
            list,
            order.into_iter().chain(read..list.passages.len()),
        ));
    }
    times.sort_by(f64::total_cmp);
    let pairs: Vec<f64> = after
        .iter()
        .zip(&before)
        .map(|(one, other)| one - other)
        .collect();
    let difference = estimate(&pairs);
    let lacking = ENOUGH.saturating_sub(lists.len());
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    Ok(Judgement {
        questions: lists.len(),
        before: mean(&before),
        after: mean(&after),
        difference,
        depth: reranker.depth(),
        ms_per_query: times.get(times.len() / 2).copied().unwrap_or(0.0),
        verdict: match (lacking, difference.low > 0.0) {
            (0, true) => Verdict::Better,
            (0, false) => Verdict::NotBetter,
            _ => Verdict::NotEnoughEvidence,
        },
        lacking,
    })
}

/// nDCG@10 of a list in an order, by the same count as `lectern eval retrieval`.
fn ndcg(list: &List, order: impl Iterator<Item = usize>) -> f64 {
    let found = list
        .passages
        .iter()
        .map(|it| it.grade)
        .chain(list.missed.iter().copied());
    let grades: HashMap<String, u32> = (0..)
        .zip(found)
        .map(|(at, grade): (usize, u32)| (at.to_string(), grade))
        .collect();
    let ranking: Vec<String> = order.map(|at| at.to_string()).collect();
    score(&ranking, &grades).ndcg_at_10
}

#[cfg(test)]
mod tests {
    use super::*;
    use finetune::reranker::lists::Candidate;
    use retrieval::cross_encoder::{CrossEncoder, Residual};

    /// Reads the answer off the text.
    struct Oracle(f32);

    impl CrossEncoder for Oracle {
        fn score(&self, _: &str, texts: &[&str]) -> retrieval::Result<Vec<f32>> {
            let logit = |text: &&str| if text.contains("right") { self.0 } else { 0.0 };
            Ok(texts.iter().map(logit).collect())
        }
    }

    fn judged(count: usize, logit: f32) -> Judgement {
        let passage = |text: &str, score, grade| Candidate {
            text: text.to_owned(),
            score,
            grade,
        };
        let list = List {
            question: "which?".to_owned(),
            passages: vec![passage("wrong", 0.9, 0), passage("right", 0.8, 1)],
            missed: vec![1],
            ..List::default()
        };
        let reranker = LoadedReranker {
            encoder: Box::new(Oracle(logit)),
            residual: Some(Residual {
                scale: 10.0,
                depth: 20,
                max_length: 192,
            }),
            warnings: Vec::new(),
        };
        judge(&vec![list; count], &reranker).unwrap()
    }

    #[test]
    fn it_is_better_only_where_held_out_questions_show_it() {
        let better = judged(100, 2.0);
        let ideal = 1.0 + 1.0 / 3f64.log2();
        assert!((better.before - 1.0 / 3f64.log2() / ideal).abs() < 1e-9);
        assert!((better.after - 1.0 / ideal).abs() < 1e-9);
        assert_eq!((better.verdict, better.lacking), (Verdict::Better, 0));
        assert_eq!(judged(100, 0.5).verdict, Verdict::NotBetter);
        let few = judged(60, 2.0);
        assert_eq!((few.verdict, few.lacking), (Verdict::NotEnoughEvidence, 40));
        assert_eq!(judged(0, 2.0).verdict, Verdict::NotEnoughEvidence);
    }
}
