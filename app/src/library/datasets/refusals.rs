//! Which questions of a dataset are to be declined.

use finetune::data::{Kind, Source};

use super::build::Candidate;
use super::prepare::digest;

/// Which candidates become refusals, so that about the wanted share of each kind of source is.
///
/// Questions that files mark as unanswerable are close to what their paragraphs say, and files have
/// few or very many of them. They are half of the refusals at most: a model that has only seen the
/// hard ones has not learnt the easy ones, whose notes are about something else.
pub(super) struct Refusals {
    seed: u64,
    /// Of what is generated.
    share: f64,
    /// Of what files mark as unanswerable, the share that is kept.
    kept: f64,
    /// Of what files answer, the share whose evidence is taken away.
    turned: f64,
}

impl Refusals {
    /// For a wanted share of refusals among what is asked, drawn from a seed.
    pub(super) fn new(share: f64, seed: u64, asked: &[Candidate]) -> Self {
        let absent = asked.iter().filter(|one| one.answer.is_empty()).count() as f64;
        let answered = asked.len() as f64 - absent;
        // With no answers there is nothing to be in proportion to.
        let most = match answered > 0.0 {
            true => answered * (share / 2.0) / (1.0 - share / 2.0),
            false => absent,
        };
        let kept = absent.min(most);
        Self {
            seed,
            share,
            kept: kept / absent.max(1.0),
            turned: (share * (answered + kept) - kept) / answered.max(1.0),
        }
    }

    /// Whether it is asked at all.
    pub(super) fn keeps(&self, candidate: &Candidate) -> bool {
        !candidate.answer.is_empty() || share(self.seed, &candidate.id) < self.kept
    }

    /// What it teaches.
    pub(super) fn kind(&self, candidate: &Candidate) -> Kind {
        let turned = match candidate.source {
            Source::Imported => self.turned,
            _ => self.share,
        };
        let is_refusal = candidate.answer.is_empty() || share(self.seed, &candidate.id) < turned;
        match is_refusal {
            true => Kind::Refusal,
            false => Kind::Answer,
        }
    }
}

/// A number from 0 to 1 that the seed and the name decide.
fn share(seed: u64, id: &str) -> f64 {
    let digest = digest(seed, &format!("refusal {id}"));
    f64::from(u16::from_le_bytes([digest[0], digest[1]])) / 65_536.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(wanted: f64, answered: usize, absent: usize) -> (usize, usize) {
        let candidate = |number: usize| Candidate {
            id: number.to_string(),
            source: Source::Imported,
            question: "Who?".to_owned(),
            answer: if number < answered { "Ada" } else { "" }.to_owned(),
            sentence: String::new(),
            document: "paper".to_owned(),
        };
        let mut asked: Vec<Candidate> = (0..answered + absent).map(candidate).collect();
        let refusals = Refusals::new(wanted, 0, &asked);
        asked.retain(|one| refusals.keeps(one));
        let declined = |one: &&Candidate| refusals.kind(one) == Kind::Refusal;
        (asked.iter().filter(declined).count(), asked.len())
    }

    #[test]
    fn about_the_wanted_share_is_refused_whatever_files_hold() {
        for (wanted, answered, absent) in [
            (0.25, 2000, 0),
            (0.25, 2000, 100),
            (0.25, 2000, 3000),
            (0.5, 2000, 3000),
            (0.0, 2000, 3000),
        ] {
            let (refused, all) = refusals(wanted, answered, absent);
            let share = refused as f64 / all as f64;
            assert!(
                (share - wanted).abs() < 0.03,
                "{wanted}: {refused} of {all}"
            );
        }
        assert_eq!(refusals(0.25, 0, 10), (10, 10));
    }
}
