//! How well probabilities foretell what is right, and from which probability on to answer.
//!
//! A probability is calibrated where, of the answers that have it, that share is right. [`bins`]
//! show it (a reliability diagram: DeGroot and Fienberg, 1983; Niculescu-Mizil and Caruana,
//! "Predicting good probabilities with supervised learning", 2005), [`expected_error`] sums it up
//! (Naeini et al., 2015), [`auroc`] says how well right and wrong are told apart whatever the
//! numbers mean (Hanley and McNeil, 1982). [`threshold`] turns the precision that a person wants
//! into a probability; with few questions it asks for more, since a share counted over few says
//! little (the lower end of Wilson's interval, 1927, has to reach what is wanted).

use anyhow::Result;
use finetune::score::auroc::Ranked;
use serde::{Deserialize, Serialize};

/// How sure a threshold is to keep its precision: quantile of the normal distribution, one side.
/// This one holds in 90 of 100 cases.
pub const SURE: f64 = 1.2816;

/// What a model of confidence learns from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair<F> {
    /// What is known of an answer before anybody has judged it.
    pub features: F,
    /// Whether it was right.
    pub is_right: bool,
}

/// Asks every question and pairs what is known of its answer with whether that was right. What
/// `features` or `is_right` give nothing for is left out.
///
/// # Errors
/// What `answer` fails with.
pub async fn collect<Q, A, F>(
    questions: &[Q],
    mut answer: impl AsyncFnMut(&Q) -> Result<A>,
    features: impl Fn(&Q, &A) -> Option<F>,
    is_right: impl Fn(&Q, &A) -> Option<bool>,
) -> Result<Vec<Pair<F>>> {
    let mut pairs = Vec::with_capacity(questions.len());
    for question in questions {
        let given = answer(question).await?;
        let pair = features(question, &given).zip(is_right(question, &given));
        pairs.extend(pair.map(|(features, is_right)| Pair { features, is_right }));
    }
    Ok(pairs)
}

/// A probability that comes true or does not.
pub type Forecast = Pair<f64>;

/// Probability that a right one has the higher score than a wrong one, ties counting half; `None`
/// where all are right or all wrong.
pub fn auroc(forecasts: &[&Forecast]) -> Option<f64> {
    let ranked: Vec<Ranked> = forecasts
        .iter()
        .map(|forecast| Ranked {
            score: forecast.features,
            is_positive: forecast.is_right,
        })
        .collect();
    finetune::score::auroc::auroc(&ranked)
}

/// From which probability on to answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Answers with at least this probability are given.
    pub threshold: f64,
    /// Share of those that were right.
    pub precision: f64,
    /// The lower end of what that share may be.
    pub at_least: f64,
    /// How many were given.
    pub given: usize,
    /// Share of all that were given.
    pub coverage: f64,
}

/// The lowest threshold whose precision, at the lower end of what it may be, reaches `precision`;
/// `sure` says how low that end is (see [`SURE`]; 0 takes the share as counted). `None` where no
/// threshold does: there are too few questions, or too few right answers.
pub fn threshold(forecasts: &[Forecast], precision: f64, sure: f64) -> Option<Threshold> {
    let mut sorted: Vec<(f64, bool)> = forecasts
        .iter()
        .filter(|forecast| forecast.features.is_finite())
        .map(|forecast| (forecast.features, forecast.is_right))
        .collect();
    sorted.sort_by(|left, right| right.0.total_cmp(&left.0));
    let (mut given, mut right, mut lowest) = (0usize, 0usize, None);
    for tied in sorted.chunk_by(|left, right| left.0 == right.0) {
        given += tied.len();
        right += tied.iter().filter(|(_, is_right)| *is_right).count();
        let (at_least, _) = wilson(right, given, sure);
        if at_least >= precision {
            lowest = Some(Threshold {
                threshold: tied[0].0,
                precision: right as f64 / given as f64,
                at_least,
                given,
                coverage: given as f64 / sorted.len() as f64,
            });
        }
    }
    lowest
}

/// Wilson's score interval of a share.
pub fn wilson(hits: usize, of: usize, z: f64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let n = of as f64;
    let share = hits as f64 / n;
    let middle = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    ((middle - half) / scale, (middle + half) / scale)
}

/// Forecasts of like probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lowest probability of the bin.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// Forecasts in it.
    pub n: usize,
    /// Their mean probability.
    pub foretold: f64,
    /// Share of them that came true.
    pub right: f64,
    /// 95 % interval of that share.
    pub interval: [f64; 2],
}

/// The forecasts in `count` bins of equal width, without the empty ones.
pub fn bins(forecasts: &[Forecast], count: usize) -> Vec<Bin> {
    let count = count.max(1);
    let bin_of = |probability: f64| ((probability * count as f64) as usize).min(count - 1);
    (0..count)
        .filter_map(|bin| {
            let inside: Vec<&Forecast> = forecasts
                .iter()
                .filter(|forecast| bin_of(forecast.features) == bin)
                .collect();
            let n = inside.len();
            if n == 0 {
                return None;
            }
            let hits = inside.iter().filter(|forecast| forecast.is_right).count();
            let (low, high) = wilson(hits, n, 1.96);
            Some(Bin {
                from: bin as f64 / count as f64,
                to: (bin + 1) as f64 / count as f64,
                n,
                foretold: inside.iter().map(|forecast| forecast.features).sum::<f64>() / n as f64,
                right: hits as f64 / n as f64,
                interval: [low, high],
            })
        })
        .collect()
}

/// Expected calibration error: the mean distance of foretold and true shares, over bins.
pub fn expected_error(bins: &[Bin]) -> Option<f64> {
    let n: usize = bins.iter().map(|bin| bin.n).sum();
    let distance: f64 = bins
        .iter()
        .map(|bin| bin.n as f64 * (bin.foretold - bin.right).abs())
        .sum();
    (n > 0).then(|| distance / n as f64)
}

/// The bins as a Markdown table.
pub fn table(bins: &[Bin]) -> String {
    let mut lines = vec![
        "| probability | n | foretold | came true | 95 % |".to_owned(),
        "|---|---:|---:|---:|---|".to_owned(),
    ];
    lines.extend(bins.iter().map(|bin| {
        format!(
            "| {:.1} to {:.1} | {} | {:.2} | {:.2} | {:.2} to {:.2} |",
            bin.from, bin.to, bin.n, bin.foretold, bin.right, bin.interval[0], bin.interval[1]
        )
    }));
    lines.join("\n") + "\n"
}

/// Bins that are drawn in one colour, with what they are the shares of.
pub type Series<'a> = (&'a str, &'a str, &'a [Bin]);

/// A reliability diagram in SVG: what came true over what was foretold, with intervals; on the
/// diagonal both are the same. The area of a point is the number of its forecasts. `series` are a
/// name, a colour and bins each.
pub fn diagram(series: &[Series]) -> String {
    const SIDE: f64 = 320.0;
    const MARGIN: f64 = 44.0;
    let x = |share: f64| MARGIN + share * SIDE;
    let y = |share: f64| MARGIN / 2.0 + (1.0 - share) * SIDE;
    let whole = SIDE + MARGIN * 1.5;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole:.0} {whole:.0}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <rect x=\"{MARGIN}\" y=\"{:.1}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#999\"/>\n\
         <path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#999\" stroke-dasharray=\"4 3\"/>\n",
        MARGIN / 2.0,
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        svg.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>\n",
            x(tick),
            y(0.0) + 15.0,
            MARGIN - 6.0,
            y(tick) + 4.0
        ));
    }
    for (row, (name, colour, bins)) in series.iter().enumerate() {
        let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1) as f64;
        for bin in *bins {
            svg.push_str(&format!(
                "<path d=\"M{0:.1} {1:.1}V{2:.1}\" stroke=\"{colour}\"/>\n\
                 <circle cx=\"{0:.1}\" cy=\"{3:.1}\" r=\"{4:.1}\" fill=\"{colour}\"><title>{5}</title></circle>\n",
                x(bin.foretold),
                y(bin.interval[0]),
                y(bin.interval[1]),
                y(bin.right),
                2.0 + 6.0 * (bin.n as f64 / most).sqrt(),
                bin.n
            ));
        }
        svg.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>\n",
            MARGIN + 8.0,
            MARGIN / 2.0 + 16.0 * (row + 1) as f64
        ));
    }
    svg.push_str(&format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">foretold probability</text>\n\
         <text transform=\"translate(12 {:.1}) rotate(-90)\" text-anchor=\"middle\">share that came true</text>\n</svg>\n",
        x(0.5),
        y(0.0) + 32.0,
        y(0.5)
    ));
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecasts(pairs: &[(f64, bool)]) -> Vec<Forecast> {
        pairs
            .iter()
            .map(|&(features, is_right)| Pair { features, is_right })
            .collect()
    }

    #[test]
    fn the_lowest_threshold_that_keeps_the_precision_is_taken() {
        let five = forecasts(&[
            (0.9, true),
            (0.8, true),
            (0.7, false),
            (0.6, true),
            (0.5, false),
        ]);
        let found = threshold(&five, 0.75, 0.0).unwrap();
        assert_eq!((found.threshold, found.given), (0.6, 4));
        assert_eq!((found.precision, found.coverage), (0.75, 0.8));
        assert_eq!(threshold(&five, 0.9, 0.0).unwrap().threshold, 0.8);
        assert_eq!(
            threshold(&five, 0.9, SURE),
            None,
            "two right ones prove little"
        );
        assert_eq!(threshold(&[], 0.5, 0.0), None);
        // Equal probabilities are given together or not at all.
        let tied = forecasts(&[(0.5, true), (0.5, false)]);
        assert_eq!(threshold(&tied, 0.9, 0.0), None);
        assert_eq!(threshold(&tied, 0.5, 0.0).unwrap().given, 2);
    }

    #[test]
    fn more_questions_need_a_smaller_margin() {
        let many = |n: usize| {
            let pairs: Vec<_> = (0..n).map(|at| (0.9, at % 20 != 0)).collect();
            threshold(&forecasts(&pairs), 0.9, SURE).is_some()
        };
        assert!(!many(20) && many(400));
        let (low, high) = wilson(90, 100, 1.96);
        assert!((low - 0.8256).abs() < 1e-3 && (high - 0.9448).abs() < 1e-3);
        assert_eq!(wilson(0, 0, 1.96), (0.0, 1.0));
    }

    #[test]
    fn bins_show_what_came_true() {
        let found = bins(
            &forecasts(&[
                (0.05, false),
                (0.95, true),
                (0.85, true),
                (0.85, false),
                (1.0, true),
            ]),
            10,
        );
        assert_eq!(found.iter().map(|bin| bin.n).collect::<Vec<_>>(), [1, 2, 2]);
        assert_eq!((found[1].foretold, found[1].right), (0.85, 0.5));
        // (0.05 + 2 * 0.35 + 2 * 0.025) / 5
        assert!((expected_error(&found).unwrap() - 0.16).abs() < 1e-9);
        assert_eq!(expected_error(&[]), None);
        assert!(table(&found).contains("| 0.8 to 0.9 | 2 | 0.85 | 0.50 | 0.09 to 0.91 |"));
        let svg = diagram(&[("right", "#36c", &found), ("known", "#c60", &found[..1])]);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains(">right</text>") && svg.contains(">known</text>"));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }

    #[tokio::test]
    async fn pairs_are_collected_question_by_question() {
        let asked = std::cell::RefCell::new(Vec::new());
        let pairs = collect(
            &[1, 2, 3],
            async |question| {
                asked.borrow_mut().push(*question);
                Ok(question * 10)
            },
            |_, answer| (*answer != 20).then_some(f64::from(*answer)),
            |question, _| Some(*question == 3),
        )
        .await
        .unwrap();
        assert_eq!(*asked.borrow(), [1, 2, 3]);
        assert_eq!(pairs, forecasts(&[(10.0, false), (30.0, true)]));
        let failed = collect(
            &[1],
            async |_| anyhow::bail!("no model"),
            |_, (): &()| Some(()),
            |_, _| Some(true),
        );
        assert!(failed.await.is_err());
    }
}
