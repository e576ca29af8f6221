//! The learning rate over a run: up in a straight line, then down.

use crate::config::{Decay, TrainConfig};

/// A learning rate for each step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    decay: Decay,
    peak: f64,
    least: f64,
    warm_up: usize,
    steps: usize,
}

impl Schedule {
    /// For a run of `steps` steps.
    pub fn new(config: &TrainConfig, steps: usize) -> Self {
        Self {
            decay: config.schedule,
            peak: config.learning_rate,
            least: config.min_learning_rate,
            warm_up: (config.warmup_ratio * steps as f64).ceil() as usize,
            steps,
        }
    }

    /// The learning rate of a step, from 1.
    pub fn at(&self, step: usize) -> f64 {
        if step <= self.warm_up {
            return self.peak * step as f64 / self.warm_up as f64;
        }
        let falling = self.steps.saturating_sub(self.warm_up).max(1);
        // The last step still learns: it is one short of the end.
        let done = ((step - self.warm_up - 1) as f64 / falling as f64).min(1.0);
        let height = match self.decay {
            Decay::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            Decay::Linear => 1.0 - done,
            Decay::Constant => 1.0,
        };
        self.least + (self.peak - self.least) * height
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Recipe;

    fn rates(decay: Decay) -> Vec<f64> {
        let config = TrainConfig {
            schedule: decay,
            learning_rate: 1.0,
            min_learning_rate: 0.2,
            warmup_ratio: 0.2,
            ..TrainConfig::new(Recipe::Lora)
        };
        let schedule = Schedule::new(&config, 10);
        (1..=11).map(|step| schedule.at(step)).collect()
    }

    #[test]
    fn it_rises_peaks_and_falls_to_its_least() {
        assert_eq!(rates(Decay::Constant)[..3], [0.5, 1.0, 1.0]);
        assert_eq!(rates(Decay::Constant)[10], 1.0);
        let linear = rates(Decay::Linear);
        assert_eq!(linear[2], 1.0);
        assert!((linear[6] - 0.6).abs() < 1e-12 && (linear[10] - 0.2).abs() < 1e-12);
        let cosine = rates(Decay::Cosine);
        assert!((cosine[6] - 0.6).abs() < 1e-12 && (cosine[10] - 0.2).abs() < 1e-12);
        assert!(cosine[3] > linear[3] && cosine[9] < linear[9]);
    }
}
