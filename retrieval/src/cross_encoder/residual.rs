//! A cross-encoder that was trained on top of a ranking, not in its place.
//!
//! A small model that was trained on a few hundred questions knows less than the ranking it is to
//! improve. So it learns what is to be added: passages are ordered by `scale * score + logit`, where
//! `score` is what the search gave and `scale` was fitted together with the model. One whose logits
//! are all the same leaves every ranking as it is.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How such a model is put together with the ranking; `reranker.json` in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Residual {
    /// What a score of the ranking counts beside a logit.
    pub scale: f32,
    /// Passages of a ranking that are read.
    pub depth: usize,
    /// Tokens of question and passage together; what is longer is cut.
    pub max_length: usize,
}

impl Residual {
    /// Its file in a model's folder.
    pub const FILE: &'static str = "reranker.json";

    /// That of the model in `folder`; `None` for a model that ranks by itself.
    ///
    /// # Errors
    /// [`Error::Model`] where the file is damaged or says what cannot be.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let broken = |reason: String| Error::Model {
            folder: folder.display().to_string(),
            reason: format!("{}: {reason}", Self::FILE),
        };
        let text = match std::fs::read(folder.join(Self::FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(broken(error.to_string())),
        };
        let found: Self =
            serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
        let is_sound = found.scale.is_finite()
            && (1..=1000).contains(&found.depth)
            && (8..=512).contains(&found.max_length);
        match is_sound {
            true => Ok(Some(found)),
            false => Err(broken(
                "its depth must be 1 to 1000, its max_length 8 to 512, and its scale a number"
                    .to_owned(),
            )),
        }
    }
}

/// The order, best first, in which passages stand that a ranking gave `scores` and a cross-encoder
/// `logits`. Without `residual` the logits alone decide.
pub fn order(scores: &[f32], logits: &[f32], residual: Option<&Residual>) -> Vec<usize> {
    let total = |at: usize| match residual {
        Some(residual) => residual.scale * scores[at] + logits[at],
        None => logits[at],
    };
    let mut order: Vec<usize> = (0..scores.len().min(logits.len())).collect();
    order.sort_by(|a, b| total(*b).total_cmp(&total(*a)).then(a.cmp(b)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_that_are_alike_leave_a_ranking_and_strong_ones_turn_it() {
        let residual = Residual {
            scale: 10.0,
            depth: 20,
            max_length: 192,
        };
        let scores = [0.9, 0.8, 0.7];
        assert_eq!(order(&scores, &[1.0; 3], Some(&residual)), [0, 1, 2]);
        assert_eq!(order(&scores, &[0.0, 0.0, 1.5], Some(&residual)), [0, 2, 1]);
        assert_eq!(order(&scores, &[0.0, 0.0, 1.5], None), [2, 0, 1]);
    }

    #[test]
    fn what_it_says_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Residual::read(folder.path()).unwrap(), None);
        for text in [
            "",
            "{\"scale\":1,\"depth\":0,\"max_length\":192}",
            "{\"scale\":1,\"depth\":20,\"max_length\":4}",
        ] {
            std::fs::write(folder.path().join(Residual::FILE), text).unwrap();
            let error = Residual::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(Residual::FILE), "{error}");
        }
    }
}
