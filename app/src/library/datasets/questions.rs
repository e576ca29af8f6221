//! Questions made of sentences by rules, of the kinds that people ask of papers: what is it, how many,
//! why, what came out. A sentence that no rule reads gives none: a wrong question teaches the model
//! to answer another one than it was asked.
//!
//! Cloze ("fill in the blank") is left out on purpose: nobody asks like that. The idea of turning a
//! sentence round is Heilman and Smith's, "Good Question! Statistical Ranking for Question Generation",
//! 2010, with few rules that are mostly right in place of many that are ranked.

/// Words of a subject, at most; a longer one is likely half a sentence.
const LONGEST_SUBJECT: usize = 9;

/// Words of a sentence.
const SENTENCE_WORDS: std::ops::RangeInclusive<usize> = 7..=45;

/// Verbs that tell what is found, third person and plain.
const RESULTS: [(&str, &str); 12] = [
    ("outperforms", "outperform"),
    ("achieves", "achieve"),
    ("improves", "improve"),
    ("reduces", "reduce"),
    ("increases", "increase"),
    ("decreases", "decrease"),
    ("requires", "require"),
    ("predicts", "predict"),
    ("inhibits", "inhibit"),
    ("supports", "support"),
    ("prevents", "prevent"),
    ("enables", "enable"),
];

/// Verbs that tell how much there is of something.
const HOLDS: [(&str, &str); 6] = [
    ("contains", "contain"),
    ("comprises", "comprise"),
    ("includes", "include"),
    ("has", "have"),
    ("uses", "use"),
    ("consists of", "consist of"),
];

/// What a question cannot be about, as it points at something else.
const POINTERS: [&str; 26] = [
    "it", "this", "that", "these", "those", "they", "he", "she", "we", "i", "our", "their", "its",
    "his", "her", "there", "here", "such", "which", "who", "one", "both", "each", "another",
    "some", "what",
];

/// The question that `sentence` answers, where a rule can read it.
#[must_use]
pub fn ask(sentence: &str) -> Option<String> {
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = sentence.split(' ').count();
    let body = sentence.strip_suffix('.')?;
    let reads_well = SENTENCE_WORDS.contains(&words)
        && sentence.starts_with(char::is_uppercase)
        && !body.contains(['?', ';', '"', '[', ']', '=', '{', '|'])
        && !names_a_figure(body);
    if !reads_well {
        return None;
    }
    cause(body)
        .or_else(|| number(body))
        .or_else(|| result(body))
        .or_else(|| definition(body))
}

/// A sentence that leads to a figure, a table or a section is about the paper and not its matter.
fn names_a_figure(body: &str) -> bool {
    const LEADS: [&str; 8] = [
        "figure", "fig", "table", "section", "appendix", "equation", "et", "chapter",
    ];
    let mut words = body.split(|c: char| !c.is_alphanumeric());
    words.any(|word| LEADS.contains(&word.to_lowercase().as_str()))
}

/// "X is Y because Z": "Why is X Y?"; "X is caused by Z": "What causes X?".
fn cause(body: &str) -> Option<String> {
    for verb in [" is caused by ", " are caused by "] {
        if let Some((before, _)) = body.split_once(verb) {
            return Some(format!("What causes {}?", subject(before)?));
        }
    }
    let (claim, reason) = body.split_once(" because ")?;
    if reason.starts_with("of ") {
        return None;
    }
    let claim = claim.trim_end_matches(',');
    for verb in [
        "is", "are", "was", "were", "can", "cannot", "must", "should",
    ] {
        if let Some((before, rest)) = claim.split_once(&format!(" {verb} ")) {
            if rest.is_empty() || rest.contains(',') {
                return None;
            }
            return Some(match verb {
                "cannot" => format!("Why can {} not {rest}?", subject(before)?),
                _ => format!("Why {verb} {} {rest}?", subject(before)?),
            });
        }
    }
    None
}

/// "X contains 5,000 images": "How many images does X contain?".
fn number(body: &str) -> Option<String> {
    for (verb, plain) in HOLDS {
        let Some((before, after)) = body.split_once(&format!(" {verb} ")) else {
            continue;
        };
        let mut words = after.split(' ').skip_while(|word| {
            [
                "about",
                "approximately",
                "over",
                "around",
                "nearly",
                "exactly",
            ]
            .contains(word)
        });
        let is_number = words
            .next()
            .is_some_and(|word| word.chars().all(|c| c.is_ascii_digit() || c == ','));
        let counted: Vec<&str> = words
            .take_while(|word| {
                let ends = [
                    "in", "of", "with", "and", "from", "that", "for", "on", "at", "which",
                ];
                !ends.contains(word)
            })
            .collect();
        let last = counted.last()?;
        let is_plural = last.trim_end_matches(',').ends_with('s');
        if !is_number || !is_plural || counted.len() > 4 {
            return None;
        }
        let counted = counted.join(" ");
        let counted = counted.split(',').next().unwrap_or_default();
        return Some(match plain.split_once(' ') {
            Some((plain, particle)) => format!(
                "How many {counted} does {} {plain} {particle}?",
                subject(before)?
            ),
            None => format!("How many {counted} does {} {plain}?", subject(before)?),
        });
    }
    None
}

/// "X reduces Y by 30%": "By how much does X reduce Y?"; "X outperforms Y": "What does X outperform?".
fn result(body: &str) -> Option<String> {
    for (verb, plain) in RESULTS {
        let Some((before, after)) = body.split_once(&format!(" {verb} ")) else {
            continue;
        };
        let who = subject(before)?;
        if let Some((what, much)) = after.split_once(" by ") {
            let is_amount = much.starts_with(|c: char| c.is_ascii_digit());
            if is_amount && what.split(' ').count() <= LONGEST_SUBJECT && !what.contains(',') {
                return Some(format!("By how much does {who} {plain} {what}?"));
            }
        }
        return Some(format!("What does {who} {plain}?"));
    }
    None
}

/// "X is a Y": "What is X?"; "X refers to Y": "What does X refer to?".
fn definition(body: &str) -> Option<String> {
    if let Some((before, _)) = body.split_once(" refers to ") {
        return Some(format!("What does {} refer to?", subject(before)?));
    }
    for (verb, asked) in [(" is defined as ", "is"), (" are defined as ", "are")] {
        if let Some((before, _)) = body.split_once(verb) {
            return Some(format!("What {asked} {}?", subject(before)?));
        }
    }
    let articles = [" is a ", " is an ", " is the "];
    let (place, _) = articles
        .iter()
        .filter_map(|verb| Some((body.find(verb)?, verb)))
        .min()?;
    let before = &body[..place];
    // "The result is a surprise" defines nothing.
    let names_something = !before.starts_with("The ") && before.split(' ').count() <= 4;
    if !names_something {
        return None;
    }
    Some(format!("What is {}?", subject(before)?))
}

/// What stands before the verb, as it stands in a question; none where it is more than a thing, or
/// points at something else.
fn subject(before: &str) -> Option<String> {
    let words: Vec<&str> = before.split(' ').collect();
    let first = words.first()?.to_lowercase();
    let is_thing = words.len() <= LONGEST_SUBJECT
        && !before.contains([',', '(', ':'])
        && words.iter().all(|word| !POINTERS.contains(&word.to_lowercase().as_str()))
        // "In the experiments the model".
        && !["in", "on", "at", "as", "for", "with", "by", "when", "while", "if", "although", "since",
             "however", "thus", "therefore", "because", "after", "from", "to", "not", "also"]
            .contains(&first.as_str())
        // "The method": of which paper?
        && !(["the", "a", "an"].contains(&first.as_str()) && words.len() < 3);
    if !is_thing {
        return None;
    }
    let mut shown = before.to_owned();
    if ["the", "a", "an"].contains(&first.as_str()) {
        shown = format!("{first}{}", &before[first.len()..]);
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_become_questions_that_people_ask() {
        let cases = [
            (
                "Latent semantic indexing is a method that maps documents to a space of few dimensions.",
                Some("What is Latent semantic indexing?"),
            ),
            (
                "The training corpus of Wikipedia articles contains about 5,000 labelled images in ten classes.",
                Some(
                    "How many labelled images does the training corpus of Wikipedia articles contain?",
                ),
            ),
            (
                "Double quantisation reduces the memory of each parameter by 0.37 bits on average.",
                Some("By how much does Double quantisation reduce the memory of each parameter?"),
            ),
            (
                "Gradient clipping is necessary in deep networks because gradients of early layers explode.",
                Some("Why is Gradient clipping necessary in deep networks?"),
            ),
            (
                "Malaria is caused by parasites of the genus Plasmodium that mosquitoes carry.",
                Some("What causes Malaria?"),
            ),
            (
                "Hybrid retrieval outperforms dense retrieval on all but two of the tasks.",
                Some("What does Hybrid retrieval outperform?"),
            ),
            // What points at something else, or leads elsewhere, is not asked.
            (
                "It is a method that maps documents to a space of few dimensions.",
                None,
            ),
            (
                "The model contains 12 layers and is trained for three days.",
                None,
            ),
            (
                "Table 2 contains 12 rows that show what each of the models reached.",
                None,
            ),
            (
                "In our experiments LoRA outperforms full training on all of the tasks.",
                None,
            ),
            (
                "We train for three days on eight cards and report the mean.",
                None,
            ),
            ("BERT is a model.", None),
            ("", None),
        ];
        for (sentence, wanted) in cases {
            assert_eq!(ask(sentence).as_deref(), wanted, "{sentence}");
        }
    }
}
