//! What a section is for, told by the wording of its heading and of those above it.
//!
//! Some words say it for certain ("Methods", "Discussion"), some only where nothing else does
//! ("model", "data", "performance"): below "Results", a heading with "data" stands over results.
//! In a heading that names several kinds ("Results and Discussion") the first one counts, since
//! readers look for a section under the name that it begins with.

/// What a section of a paper is for, told by its heading.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum SectionKind {
    /// Abstract or summary.
    Abstract,
    /// Introduction and motivation.
    Introduction,
    /// Background and related work.
    Background,
    /// Methods, materials, model, implementation.
    Methods,
    /// Results, experiments, evaluation.
    Results,
    /// Discussion and limitations.
    Discussion,
    /// Conclusion and future work.
    Conclusion,
    /// Acknowledgements, references, appendices.
    Back,
    /// Anything else, or no heading at all.
    Other,
}

use SectionKind::{
    Abstract, Back, Background, Conclusion, Discussion, Introduction, Methods, Results,
};

/// Openings of headings that say for certain, longest first where one opens another. A word ends
/// with the opening unless that ends in `*`.
const CERTAIN: &[(&str, SectionKind)] = &[
    // Back matter has words of the other kinds in it.
    ("data availability", Back),
    ("availability of", Back),
    ("data and code availability", Back),
    ("code availability", Back),
    ("data access", Back),
    ("data sharing", Back),
    ("supplement*", Back),
    ("supporting information", Back),
    ("additional information", Back),
    ("additional file*", Back),
    ("author contribution*", Back),
    ("authors contribution*", Back),
    ("author s contribution*", Back),
    ("contributor*", Back),
    ("credit authorship", Back),
    ("author information", Back),
    ("about the author*", Back),
    ("conflict* of interest*", Back),
    ("competing interest*", Back),
    ("competing financial", Back),
    ("declaration*", Back),
    ("disclosure*", Back),
    ("funding", Back),
    ("financial support", Back),
    ("ethic* statement*", Back),
    ("ethic* approval", Back),
    ("ethical approval", Back),
    ("reproducibility statement", Back),
    ("reproducibility checklist", Back),
    ("acknowledg*", Back),
    ("references", Back),
    ("reference list", Back),
    ("bibliograph*", Back),
    ("literature cited", Back),
    ("works cited", Back),
    ("appendi*", Back),
    ("annex", Back),
    ("abbreviation*", Back),
    ("glossary", Back),
    ("footnote*", Back),
    ("endnote*", Back),
    ("danksagung", Back),
    ("literaturverzeichnis", Back),
    ("anhang", Back),
    ("remerciements", Back),
    ("agradecimientos", Back),
    ("referencias", Back),
    ("abstract", Abstract),
    ("abstracts", Abstract),
    ("author summary", Abstract),
    ("lay summary", Abstract),
    ("plain language summary", Abstract),
    ("executive summary", Abstract),
    ("graphical abstract", Abstract),
    ("zusammenfassung", Abstract),
    ("résumé", Abstract),
    ("resumen", Abstract),
    ("resumo", Abstract),
    ("摘要*", Abstract),
    ("introduc*", Introduction),
    ("einleitung", Introduction),
    ("introducción", Introduction),
    ("motivation*", Introduction),
    ("引言*", Introduction),
    ("绪论*", Introduction),
    ("background*", Background),
    ("related work*", Background),
    ("related literature", Background),
    ("related research", Background),
    ("related stud*", Background),
    ("related approaches", Background),
    ("related methods", Background),
    ("other related", Background),
    ("previous work*", Background),
    ("previous research", Background),
    ("prior work*", Background),
    ("prior art", Background),
    ("preliminar*", Background),
    ("literature review", Background),
    ("literature survey", Background),
    ("review of literature", Background),
    ("review of the literature", Background),
    ("state of the art", Background),
    ("theoretical background", Background),
    ("theoretical framework", Background),
    ("conceptual framework", Background),
    ("hintergrund", Background),
    ("stand der", Background),
    ("相关工作*", Background),
    ("experimental setup", Methods),
    ("experimental set up", Methods),
    ("experimental settings", Methods),
    ("experimental setting", Methods),
    ("experimental design", Methods),
    ("experimental method*", Methods),
    ("experimental procedure*", Methods),
    ("experimental protocol*", Methods),
    ("experimental section", Methods),
    ("experimental details", Methods),
    ("experiment setup", Methods),
    ("experiment design", Methods),
    ("evaluation method*", Methods),
    ("evaluation metric*", Methods),
    ("evaluation setup", Methods),
    ("evaluation protocol*", Methods),
    ("evaluation criteria", Methods),
    ("implementation detail*", Methods),
    ("training detail*", Methods),
    ("study design", Methods),
    ("research design", Methods),
    ("statistical analys*", Methods),
    ("data analys*", Methods),
    ("data collection", Methods),
    ("method*", Methods),
    ("material* and method*", Methods),
    ("materials", Methods),
    ("methodik", Methods),
    ("méthode*", Methods),
    ("método*", Methods),
    ("metodología", Methods),
    ("方法*", Methods),
    ("proposed method*", Methods),
    ("proposed approach", Methods),
    ("proposed model*", Methods),
    ("proposed framework", Methods),
    ("our approach", Methods),
    ("our method*", Methods),
    ("our model*", Methods),
    ("patients and method*", Methods),
    ("subjects and method*", Methods),
    ("participants and method*", Methods),
    ("data and method*", Methods),
    ("result*", Results),
    ("main result*", Results),
    ("experimental result*", Results),
    ("empirical result*", Results),
    ("experimental evaluation", Results),
    ("empirical evaluation", Results),
    ("numerical result*", Results),
    ("simulation result*", Results),
    ("preliminary result*", Results),
    ("finding*", Results),
    ("experiment*", Results),
    ("evaluation*", Results),
    ("ablation*", Results),
    ("ergebnisse", Results),
    ("résultats", Results),
    ("resultados", Results),
    ("实验*", Results),
    ("结果*", Results),
    ("discussion*", Discussion),
    ("general discussion", Discussion),
    ("limitation*", Discussion),
    ("threats to validity", Discussion),
    ("ethical consideration*", Discussion),
    ("lessons learned", Discussion),
    ("broader impact*", Discussion),
    ("societal impact*", Discussion),
    ("implication*", Discussion),
    ("strengths and limitation*", Discussion),
    ("diskussion", Discussion),
    ("discusión", Discussion),
    ("讨论*", Discussion),
    ("conclu*", Conclusion),
    ("summary and conclu*", Conclusion),
    ("summary and outlook", Conclusion),
    ("summary and future", Conclusion),
    ("summary and discussion", Discussion),
    ("summary of result*", Results),
    ("summary of finding*", Results),
    ("future work", Conclusion),
    ("future direction*", Conclusion),
    ("new directions", Conclusion),
    ("follow up work", Conclusion),
    ("future research", Conclusion),
    ("future perspectives", Conclusion),
    ("outlook", Conclusion),
    ("final remarks", Conclusion),
    ("closing remarks", Conclusion),
    ("schlussfolgerung*", Conclusion),
    ("fazit", Conclusion),
    ("conclusión", Conclusion),
    ("结论*", Conclusion),
];

/// Words that tell where no heading of the path says it for certain.
const LIKELY: &[(&str, SectionKind)] = &[
    ("summary", Abstract),
    ("synopsis", Abstract),
    ("highlights", Abstract),
    ("overview", Introduction),
    ("outline of", Introduction),
    ("contribution*", Introduction),
    ("notation*", Background),
    ("definition*", Background),
    ("problem statement", Background),
    ("problem definition", Background),
    ("problem formulation", Background),
    ("history", Background),
    ("performance", Results),
    ("comparison*", Results),
    ("benchmark*", Results),
    ("case stud*", Results),
    ("experiences", Results),
    ("analys*", Results),
    ("approach*", Methods),
    ("model*", Methods),
    ("architecture*", Methods),
    ("algorithm*", Methods),
    ("implementation*", Methods),
    ("design", Methods),
    ("procedure*", Methods),
    ("protocol*", Methods),
    ("participants", Methods),
    ("patients", Methods),
    ("subjects", Methods),
    ("data", Methods),
    ("dataset*", Methods),
    ("training", Methods),
    ("preprocessing", Methods),
    ("setup", Methods),
    ("baselines", Methods),
];

impl SectionKind {
    /// Every kind, in the order in which papers have them.
    pub const ALL: [SectionKind; 9] = [
        SectionKind::Abstract,
        SectionKind::Introduction,
        SectionKind::Background,
        SectionKind::Methods,
        SectionKind::Results,
        SectionKind::Discussion,
        SectionKind::Conclusion,
        SectionKind::Back,
        SectionKind::Other,
    ];

    /// The kind of a section, from its path of headings: the innermost that says it for certain
    /// decides, so that "Appendix > Results" is a result; else the innermost that hints at it.
    pub fn of(path: &str) -> Self {
        let headings: Vec<Vec<String>> = path.rsplit(crate::SECTION_SEPARATOR).map(words).collect();
        let told = |phrases: &[(&str, SectionKind)]| {
            headings
                .iter()
                .find_map(|heading| first_of(heading, phrases))
        };
        told(CERTAIN)
            .or_else(|| told(LIKELY))
            .unwrap_or(SectionKind::Other)
    }

    /// Its name, as settings, filters and indexes write it.
    pub fn name(self) -> &'static str {
        match self {
            SectionKind::Abstract => "abstract",
            SectionKind::Introduction => "introduction",
            SectionKind::Background => "background",
            SectionKind::Methods => "methods",
            SectionKind::Results => "results",
            SectionKind::Discussion => "discussion",
            SectionKind::Conclusion => "conclusion",
            SectionKind::Back => "back",
            SectionKind::Other => "other",
        }
    }
}

/// The kind of the phrase that stands first in a heading; of two that begin together, the longer.
fn first_of(heading: &[String], phrases: &[(&str, SectionKind)]) -> Option<SectionKind> {
    (0..heading.len()).find_map(|start| {
        phrases
            .iter()
            .filter_map(|(phrase, kind)| Some((matched(&heading[start..], phrase)?, *kind)))
            .max_by_key(|(length, _)| *length)
            .map(|(_, kind)| kind)
    })
}

/// How many words of the heading's beginning a phrase takes up; none where it is another.
fn matched(heading: &[String], phrase: &str) -> Option<usize> {
    let mut length = 0;
    for wanted in phrase.split(' ') {
        let word = heading.get(length)?;
        let same = match wanted.strip_suffix('*') {
            Some(start) => word.starts_with(start),
            None => word == wanted,
        };
        if !same {
            return None;
        }
        length += 1;
    }
    Some(length)
}

/// The words of a heading in lower case, without its number.
fn words(heading: &str) -> Vec<String> {
    heading
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

impl std::str::FromStr for SectionKind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name.trim()))
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::SectionKind::{self, *};

    #[test]
    fn headings_as_papers_print_them() {
        for (kind, headings) in [
            (
                Abstract,
                &[
                    "Abstract",
                    "ABSTRACT",
                    "Author Summary",
                    "Abstract—",
                    "Summary",
                ][..],
            ),
            (
                Introduction,
                &[
                    "1 Introduction",
                    "I. INTRODUCTION",
                    "1. Introduction and Related Work",
                ],
            ),
            (
                Background,
                &[
                    "2 Related Work",
                    "Background and Motivation",
                    "2.1. Prior Work on Attention",
                    "State of the Art",
                    "II. PRELIMINARIES",
                ],
            ),
            (
                Methods,
                &[
                    "Materials and Methods",
                    "3 Proposed Method",
                    "Experimental Setup",
                    "4.1 Experimental Settings",
                    "Statistical Analysis",
                    "Implementation Details",
                    "3. Model Architecture",
                    "Study design and participants",
                    "Patients and Methods",
                    "Online Methods",
                    "5.2 Evaluation Metrics",
                    "Data",
                    "Optimizer > Training Data and Batching",
                ],
            ),
            (
                Results,
                &[
                    "4 Results",
                    "Results and Discussion",
                    "5. Experiments",
                    "Experimental Results",
                    "4.3 Ablation Studies",
                    "Evaluation",
                    "Performance comparison",
                    "Results > Effect of the model size",
                    "Results > Data from the second cohort",
                    "6.1 Main Results",
                ],
            ),
            (
                Discussion,
                &[
                    "Discussion",
                    "6 Discussion and Conclusions",
                    "Limitations",
                    "Threats to Validity",
                    "Broader Impact Statement",
                ],
            ),
            (
                Conclusion,
                &[
                    "7 Conclusion",
                    "Conclusions and Future Work",
                    "VI. CONCLUDING REMARKS",
                    "Summary and Conclusions",
                    "Future Directions",
                ],
            ),
            (
                Back,
                &[
                    "Acknowledgements",
                    "ACKNOWLEDGMENTS",
                    "References",
                    "Appendix A: Proofs of the Main Results",
                    "Data Availability Statement",
                    "Availability of data and materials",
                    "Conflict of Interest",
                    "Competing interests",
                    "Authors’ contributions",
                    "Supplementary Material",
                    "Funding",
                ],
            ),
            (
                Other,
                &[
                    "",
                    "3.2 The Zebra of the Savanna",
                    "Index terms",
                    "Mythology",
                    "2.4 Predicate Abstractions",
                ],
            ),
        ] {
            for heading in headings {
                assert_eq!(SectionKind::of(heading), kind, "{heading}");
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for kind in SectionKind::ALL {
            assert_eq!(kind.name().to_uppercase().parse(), Ok(kind));
        }
        assert_eq!("methodology".parse::<SectionKind>(), Err(()));
    }
}
