//! The report of `lectern eval answers` as people read it: text on a terminal, a row of a table in
//! the docs.

use std::path::Path;

use anyhow::Result;

use super::report::{Calibration, Figures, OF_ALL, OF_ANSWERS, Report};
use crate::eval::calibration;
use crate::eval::interval::Figure;
use crate::eval::report::write_between;

impl Report {
    /// The report as plain text.
    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "{}: {} questions ({} answerable, {} absent, {} adversarial), {}",
            self.questions,
            self.n,
            self.answerable,
            self.absent,
            self.adversarial,
            match self.extractive {
                true => "quotes only".to_owned(),
                false => self.models.join(", "),
            }
        )];
        lines.push(format!("\n{:<24}{:>7}  {:<18}{:>5}", "", "", "95 %", "n"));
        let row = |name: &str, figure: &Figure| {
            format!(
                "{name:<24}{:>7.3}  {:<18}{:>5}",
                figure.value,
                format!("{:.3} to {:.3}", figure.low, figure.high),
                figure.n
            )
        };
        let names = OF_ANSWERS.iter().chain(&OF_ALL).map(|(name, _)| *name);
        for name in names {
            match self.figures.get(name) {
                Some(figure) => lines.push(row(name, figure)),
                None if name.starts_with("auroc") && self.calibration.is_none() => {
                    lines.push(format!("{name:<24}      -  answers have no confidence"));
                }
                None => {}
            }
        }
        let columns = [
            "contains",
            "f1",
            "rougeL",
            "right_page",
            "citation_recall",
            "gold_shown",
        ];
        let head: String = columns.iter().map(|name| format!("{name:>16}")).collect();
        let cells = |figures: &Figures| -> String {
            let cell = |name: &&str| match figures.get(*name) {
                Some(figure) => format!("{:>16.3}", figure.value),
                None => format!("{:>16}", "-"),
            };
            columns.iter().map(cell).collect()
        };
        lines.push(format!("\n{:<14}{:>8}{head}", "by origin", "share"));
        for (origin, score) in &self.by_origin {
            let share = score.share.value;
            lines.push(format!("{origin:<14}{share:>8.3}{}", cells(&score.figures)));
        }
        lines.push(format!("\n{:<14}{:>8}{head}", "by kind", "n"));
        for (kind, figures) in &self.by_kind {
            let n = figures.values().next().map_or(0, |figure| figure.n);
            lines.push(format!("{kind:<14}{n:>8}{}", cells(figures)));
        }
        lines.push(format!(
            "\n{:<14}{:>10}{:>10}{:>10}",
            "milliseconds", "p50", "p95", "max"
        ));
        for (stage, times) in &self.latency_ms {
            lines.push(format!(
                "{stage:<14}{:>10.0}{:>10.0}{:>10.0}",
                times.p50, times.p95, times.max
            ));
        }
        if let Some(calibration) = &self.calibration {
            lines.push(String::new());
            lines.extend(calibration.lines());
        }
        for fault in &self.faults {
            lines.push(format!("\nFAULT {fault}"));
        }
        lines.join("\n") + "\n"
    }

    /// Its row of the table in the docs.
    fn row(&self) -> String {
        let cell = |name: &str| {
            self.figures.get(name).map_or(String::new(), |figure| {
                format!("{:.2} ({:.2}–{:.2})", figure.value, figure.low, figure.high)
            })
        };
        let cells: Vec<String> = COLUMNS.iter().map(|(_, name)| cell(name)).collect();
        let shares: Vec<String> = self
            .by_origin
            .iter()
            .map(|(origin, score)| format!("{origin} {:.0} %", 100.0 * score.share.value))
            .collect();
        format!(
            "| {}{} | {} + {} + {} | {} | {} |",
            self.questions,
            if self.extractive { ", quotes only" } else { "" },
            self.answerable,
            self.absent,
            self.adversarial,
            cells.join(" | "),
            shares.join(", ")
        )
    }
}

impl Calibration {
    /// The calibration as plain text.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![match &self.threshold {
            Some(found) => format!(
                "confidence: {} answers; answering from {:.3} on, {:.0} % of these are given and \
                 {:.0} % of those right (at least {:.0} %)",
                self.n,
                found.threshold,
                100.0 * found.coverage,
                100.0 * found.precision,
                100.0 * found.at_least
            ),
            None => format!(
                "confidence: {} answers; from no confidence on are {:.0} % surely right",
                self.n,
                100.0 * self.precision
            ),
        }];
        for (what, error, bins) in [
            ("answers that are right", self.expected_error, &self.bins),
            (
                "questions that the library can answer",
                self.answerable_error,
                &self.answerable,
            ),
        ] {
            let Some(error) = error else { continue };
            lines.push(format!("\n{what}: expected calibration error {error:.3}"));
            lines.extend(calibration::table(bins).lines().map(str::to_owned));
        }
        lines
    }
}

/// Columns of the table in the docs.
const COLUMNS: [(&str, &str); 8] = [
    ("right page", "right_page"),
    ("evidence shown", "gold_shown"),
    ("evidence cited", "citation_recall"),
    ("has the answer", "contains"),
    ("F1", "f1"),
    ("answered", "answered_of_answerable"),
    ("refused: absent", "refused_of_absent"),
    ("refused: adversarial", "refused_of_adversarial"),
];

const TABLE_START: &str = "<!-- lectern eval answers: start -->";
const TABLE_END: &str = "<!-- lectern eval answers: end -->";

/// Writes the reports as a table between the markers of a Markdown file.
///
/// # Errors
/// A problem `table_markers_missing` where the file has no markers.
pub fn write_table(file: &Path, reports: &[Report]) -> Result<()> {
    let names: Vec<&str> = COLUMNS.iter().map(|(title, _)| *title).collect();
    let mut table = vec![
        format!(
            "| questions | answerable + absent + adversarial | {} | origin |",
            names.join(" | ")
        ),
        format!("|---|---|{}---|", "---|".repeat(names.len())),
    ];
    table.extend(reports.iter().map(Report::row));
    write_between(file, TABLE_START, TABLE_END, &table.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_readable_and_its_table_goes_between_the_markers() {
        let report = super::super::report::tests::report();
        let text = report.text();
        for part in [
            "4 answerable",
            "refusal_recall",
            "by origin",
            "fallback",
            "p95",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            format!("# A\n{TABLE_START}\nold\n{TABLE_END}\nZ\n"),
        )
        .unwrap();
        write_table(file.path(), &[report.clone(), report]).unwrap();
        let written = std::fs::read_to_string(file.path()).unwrap();
        assert!(written.starts_with("# A\n") && written.ends_with("\nZ\n"));
        assert!(!written.contains("old") && written.matches("| mine |").count() == 2);
        std::fs::write(file.path(), "no place").unwrap();
        assert!(write_table(file.path(), &[]).is_err());
    }
}
