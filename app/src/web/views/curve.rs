//! Loss over steps as a picture: an SVG that the server draws, so that a page shows it without a script
//! and a policy without inline styles lets it.

use crate::training::details::Series;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 32.0;
const BOTTOM: f64 = 46.0;

/// About so many lines are drawn across.
const LINES: f64 = 5.0;

/// The share of the mean so far in a smoothed curve's next point.
const SMOOTHING: f64 = 0.9;

/// Fewer points than this are not smoothed.
const MANY: usize = 30;

/// A line across, or a mark on the axis below.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tick {
    /// Where, in the picture's units.
    pub at: String,
    /// What is written there.
    pub label: String,
}

/// Curves of training and held-out loss with their axes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossCurve {
    /// Size of the picture.
    pub width: u32,
    /// Size of the picture.
    pub height: u32,
    /// Left end of the axis below.
    pub left: u32,
    /// Its right end.
    pub right: u32,
    /// Upper end of the axis on the left.
    pub top: u32,
    /// Its lower end.
    pub bottom: u32,
    /// Losses across.
    pub losses: Vec<Tick>,
    /// Steps below.
    pub steps: Vec<Tick>,
    /// Loss of training at each point, `x,y x,y ...`; faint where there is a smooth one.
    pub train: String,
    /// The same, smoothed; empty where there are few.
    pub smooth: String,
    /// Loss on held-out data.
    pub eval: String,
    /// Its points.
    pub dots: Vec<(String, String)>,
    /// The same in words.
    pub description: String,
}

impl LossCurve {
    /// The picture of a run of `steps` steps in all; none before there are two points.
    #[must_use]
    pub fn of(series: &Series, steps: usize) -> Option<Self> {
        let train: Vec<(f64, f64)> = series
            .train
            .iter()
            .map(|point| (point.step as f64, point.loss))
            .collect();
        let eval: Vec<(f64, f64)> = series
            .eval
            .iter()
            .map(|point| (point.step as f64, point.loss))
            .collect();
        let losses = || train.iter().chain(&eval).map(|(_, loss)| *loss);
        if losses().count() < 2 || !losses().all(f64::is_finite) {
            return None;
        }
        let last = train.iter().chain(&eval).map(|(step, _)| *step);
        let last = last.fold(steps.max(1) as f64, f64::max);
        let (low, high) = (
            losses().fold(f64::INFINITY, f64::min),
            losses().fold(f64::NEG_INFINITY, f64::max),
        );
        let across = nice(low, high);
        let (low, high) = (across[0], across[across.len() - 1]);
        let x = |step: f64| LEFT + (WIDTH - LEFT - RIGHT) * step / last;
        let y = |loss: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - loss) / (high - low);
        let line = |points: &[(f64, f64)]| -> String {
            let points: Vec<String> = points
                .iter()
                .map(|(step, loss)| format!("{:.1},{:.1}", x(*step), y(*loss)))
                .collect();
            points.join(" ")
        };
        Some(Self {
            width: WIDTH as u32,
            height: HEIGHT as u32,
            left: LEFT as u32,
            right: (WIDTH - RIGHT) as u32,
            top: TOP as u32,
            bottom: (HEIGHT - BOTTOM) as u32,
            losses: across
                .iter()
                .map(|loss| Tick {
                    at: format!("{:.1}", y(*loss)),
                    label: label(*loss, across[1] - across[0]),
                })
                .collect(),
            steps: whole(last)
                .iter()
                .map(|step| Tick {
                    at: format!("{:.1}", x(*step)),
                    label: format!("{step:.0}"),
                })
                .collect(),
            train: line(&train),
            smooth: match train.len() >= MANY {
                true => line(&smoothed(&train)),
                false => String::new(),
            },
            eval: line(&eval),
            dots: eval
                .iter()
                .map(|(step, loss)| (format!("{:.1}", x(*step)), format!("{:.1}", y(*loss))))
                .collect(),
            description: description(&train, &eval),
        })
    }
}

/// A running mean.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut mean = points.first().map_or(0.0, |(_, loss)| *loss);
    points
        .iter()
        .map(|(step, loss)| {
            mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
            (*step, mean)
        })
        .collect()
}

fn description(train: &[(f64, f64)], eval: &[(f64, f64)]) -> String {
    let part = |what: &str, points: &[(f64, f64)]| {
        let ((_, first), (step, last)) = (points.first()?, points.last()?);
        Some(format!(
            "{what} loss from {first:.2} to {last:.2} at step {step}"
        ))
    };
    let parts = [part("training", train), part("held-out", eval)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

/// Round numbers, about [`LINES`] of them, that `low` and `high` lie between.
fn nice(low: f64, high: f64) -> Vec<f64> {
    let step = round_step((high - low).max(high.abs() * 0.02).max(1e-6) / LINES);
    let first = (low / step).floor();
    // One more where all is on one line, since something has to be above it.
    let last = (high / step).ceil().max(first + 1.0);
    let count = (last - first).round() as usize;
    (0..=count)
        .map(|number| (first + number as f64) * step)
        .collect()
}

/// Whole round steps from 0 to at most `last`.
fn whole(last: f64) -> Vec<f64> {
    let step = round_step(last / LINES).max(1.0);
    let count = (last / step).floor() as usize;
    (0..=count).map(|number| number as f64 * step).collect()
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(at_least: f64) -> f64 {
    let power = 10f64.powf(at_least.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0];
    let times = times.into_iter().find(|times| times * power >= at_least);
    times.unwrap_or(10.0) * power
}

/// A number with as many decimals as tell it from the next.
fn label(number: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::details::{EvalPoint, StepPoint};
    use expect_test::expect;

    fn series(losses: &[f64], eval: &[(usize, f64)]) -> Series {
        Series {
            train: (1..)
                .zip(losses)
                .map(|(step, loss)| StepPoint {
                    step,
                    loss: *loss,
                    learning_rate: 0.0,
                    gradient_norm: 0.0,
                    tokens_per_second: 0.0,
                })
                .collect(),
            eval: eval
                .iter()
                .map(|(step, loss)| EvalPoint {
                    step: *step,
                    loss: *loss,
                    perplexity: loss.exp(),
                })
                .collect(),
        }
    }

    #[test]
    fn axes_are_round_and_points_lie_within() {
        let curve = LossCurve::of(&series(&[3.12, 2.4, 1.87], &[(0, 3.3), (3, 1.9)]), 10).unwrap();
        let labels = |ticks: &[Tick]| -> Vec<String> {
            ticks.iter().map(|tick| tick.label.clone()).collect()
        };
        expect![[r#"(["1.5", "2.0", "2.5", "3.0", "3.5"], ["0", "2", "4", "6", "8", "10"])"#]]
            .assert_eq(&format!(
                "{:?}",
                (labels(&curve.losses), labels(&curve.steps))
            ));
        assert_eq!(curve.dots[0], ("58.0".to_owned(), "54.2".to_owned()));
        assert!(curve.smooth.is_empty());
        assert_eq!(
            curve.description,
            "training loss from 3.12 to 1.87 at step 3, held-out loss from 3.30 to 1.90 at step 3"
        );
    }

    #[test]
    fn odd_series_draw_or_do_not_but_never_divide_by_nothing() {
        for losses in [&[][..], &[1.0], &[f64::NAN, 1.0], &[1.0, f64::INFINITY]] {
            assert_eq!(LossCurve::of(&series(losses, &[]), 0), None);
        }
        for losses in [[0.0; 40], [2.5; 40], [-1e-9; 40], [1e12; 40]] {
            let curve = LossCurve::of(&series(&losses, &[]), 0).unwrap();
            let all = format!("{} {}", curve.train, curve.smooth);
            assert!(!all.contains("NaN") && !all.contains("inf"), "{all}");
            assert!(curve.losses.len() < 20, "{losses:?}: {:?}", curve.losses);
            for point in all.split_whitespace() {
                let (x, y) = point.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y));
            }
        }
    }
}
