//! What a question asks for, read from its words.
//!
//! "How many", "when" and "why" want a sentence with a number, a year, a cause in it; most sentences
//! of a page lack it, so this tells near misses apart that share all their words with the question.
//! The classes are those of question answering over text (Li and Roth, "Learning Question
//! Classifiers", 2002) as far as a sentence shows them on its face.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::words::words;

/// Words of questions that name little by themselves.
const GENERIC: [&str; 76] = [
    "name",
    "named",
    "type",
    "types",
    "kind",
    "kinds",
    "many",
    "long",
    "often",
    "happen",
    "happened",
    "occur",
    "occurred",
    "mean",
    "means",
    "meant",
    "refer",
    "refers",
    "referred",
    "called",
    "known",
    "term",
    "considered",
    "describe",
    "described",
    "example",
    "examples",
    "give",
    "given",
    "state",
    "stated",
    "people",
    "person",
    "thing",
    "things",
    "way",
    "ways",
    "several",
    "well",
    "main",
    "important",
    "different",
    "various",
    "based",
    "include",
    "includes",
    "including",
    "like",
    "make",
    "makes",
    "made",
    "first",
    "number",
    "year",
    "time",
    "part",
    "show",
    "shows",
    "shown",
    "study",
    "studied",
    "find",
    "found",
    "paper",
    "papers",
    "author",
    "authors",
    "according",
    "report",
    "reported",
    "much",
    "use",
    "used",
    "uses",
    "using",
    "work",
];
/// How much one counts, where others count up to 1.
const GENERIC_WEIGHT: f32 = 0.35;

/// What would answer a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A number of things, or an amount.
    Number,
    /// A span of time, or a speed.
    Duration,
    /// A percentage, a ratio or a rate.
    Share,
    /// A year or a date.
    Date,
    /// A person, a group or an organisation.
    Who,
    /// A place.
    Where,
    /// A cause or a purpose.
    Why,
    /// What a word means.
    Definition,
    /// A way of doing something.
    How,
    /// Anything else.
    Other,
}

/// A question, taken apart.
#[derive(Debug, Clone)]
pub struct Question {
    /// As it was asked.
    pub text: String,
    /// What would answer it.
    pub wanted: Wanted,
    /// Stems of its content words, each once, in order.
    pub stems: Vec<String>,
    /// The same words as they are written.
    pub words: Vec<String>,
    /// Where they stand, in bytes.
    pub places: Vec<usize>,
    /// Stems of all its words.
    all_stems: HashSet<String>,
    /// Numbers in it, as they are written.
    numbers: HashSet<String>,
    /// Numbers in it that are written as words.
    number_words: HashSet<String>,
}

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a pattern of ours is valid"));
    };
}

/// A noun that stands for a quantity, asked for by name.
const QUANTITY: &str = r"\b(?:what|which)(?:'s| is| was| are| were)?(?: the| an?)? ?(?:[\w\-]+ ){0,2}(?:percentage|percent|proportion|share|fraction|number|rate|throughput|latency|speed|size|amount|accuracy|overhead|ratio|frequency|incidence|prevalence|population|length|duration|period|cost|price|score|temperature|distance|height|age|dose|average|median|probability|improvement|gain|density|capacity|threshold)\b";

pattern!(
    WHY,
    r"\bwhy\b|what (?:is the |was the |were the |are the |might |may |could )?(?:main |primary |major |likely )?(?:reasons?|causes?|caused|explains?|justifies|stopped|motivat\w+)\b|\bfor what\b|\bhow come\b"
);
pattern!(
    MEANING,
    r#"\bwhat (?:does|do|did) .{1,80} (?:mean|stand for|refer to)\b|meant by|\bdefine\b|definition of|^ ?what(?:'s| is| are| was| were) (?:a |an |the )?(?:[\w\-"'’]+ ?){1,4}(?:in .{1,60})?\?? *$"#
);
pattern!(
    HOW_MUCH,
    r"\bhow (?:many|much|long|often|frequent\w*|fast|quickly|large|big|high|old|far|deep|tall|slow|small|wide|heavy|accurate|few|late|early|common|likely|expensive)\b"
);
pattern!(AMOUNT, QUANTITY);
pattern!(
    HOW_LONG,
    r"\bhow (?:long|fast|quickly|old|often|soon|late|early)\b|duration|period|latency|\bage\b|what (?:training |running |run |response |incubation )?time"
);
pattern!(
    HOW_BIG_A_SHARE,
    r"percent|proportion|share|fraction|how much (?:slower|faster|more|less|higher|lower|better|worse)|\brate\b|overhead|incidence|prevalence|accuracy|ratio|probability|likely"
);
pattern!(
    WHEN,
    r"^ ?(?:in |on |by |since |until |during )?(?:when|what year|which year|what date|what day|what month|what century|what decade)\b|\b(?:what|which) (?:year|date|day|month|century|decade)\b"
);
pattern!(
    WHO,
    r"^ ?(?:by |to |with |from |of )?(?:who|whom|whose)\b|\b(?:and|,) who\b|what (?:person|author|scientist|king|president)\b"
);
pattern!(
    WHERE,
    r"^ ?(?:from |to |in )?where\b|^ ?(?:in |on |from |to )?(?:what|which) (?:city|country|state|place|region|location|area|continent)\b"
);
pattern!(HOW, r"\bhow\b");

pattern!(
    CAUSE,
    r"(?i)\b(?:because|due to|since|so that|in order to|thus|therefore|as a result|caused? by|causes?|reason|attribut|ensure|to avoid|leads? to|led to|result(?:s|ed)? (?:in|from)|owing|explain|thereby|hence|so as to|prevent)"
);
pattern!(
    DEFINING,
    r"(?i)\b(?:is|are|was|were) (?:a|an|the|called|defined|known|termed|said|referred)\b|\brefers? to\b|\bcalled\b|\bdefined? (?:as|by|to)\b|\bknown as\b|\bmeans?\b|\bstands? for\b|\bi\.e\.|\btermed\b|\bdenotes?\b|\bdefinition\b|\bconsists? of\b"
);
pattern!(
    MONTH,
    r"(?i)\b(?:january|february|march|april|may|june|july|august|september|october|november|december|century|decade)\b"
);
pattern!(YEAR, r"(?:^|[^\d.,])(1[0-9]{3}|20[0-9]{2})s?(?:$|[^\d])");
pattern!(
    NUMBER_WORD,
    r"(?i)\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundreds?|thousands?|millions?|billions?|half|third|quarter|dozen|once|twice|double|triple|none|single|one)\b"
);
pattern!(DIGITS, r"\d+(?:[.,]\d+)*");
pattern!(
    TIME_UNIT,
    r"(?i)\d\s*-?(?:ms|µs|ns|s|sec|seconds?|milliseconds?|microseconds?|min|minutes?|h|hours?|hrs?|days?|weeks?|months?|years?|yrs?)\b|\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies))\b"
);
pattern!(
    SHARE_UNIT,
    r"(?i)\d\s*(?:%|percent|per cent|percentage)|\b(?:half|third|quarter|fold|times|twice)\b|\d\s*[x×]"
);

impl Question {
    /// Reads a question.
    pub fn read(text: &str) -> Self {
        let (mut stems, mut written, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for word in words(text).into_iter().filter(|word| !word.is_stop) {
            if !stems.contains(&word.stem) {
                stems.push(word.stem);
                written.push(word.text.to_owned());
                places.push(word.start);
            }
        }
        Self {
            wanted: wanted(text),
            stems,
            words: written,
            places,
            all_stems: words(text).into_iter().map(|word| word.stem).collect(),
            numbers: numbers(text).map(str::to_owned).collect(),
            number_words: number_words(text).collect(),
            text: text.to_owned(),
        }
    }

    /// How much each of the stems counts, 0 to 1: less for words that name little. `rank` says how
    /// common a word is in the embedder's vocabulary, from 0 for the commonest to 1; `None` where it
    /// is not one of its words. So it depends on no library.
    pub(crate) fn weights(&self, rank: impl Fn(&str) -> Option<f32>) -> Vec<f32> {
        self.words
            .iter()
            .zip(&self.stems)
            .map(|(word, stem)| {
                let lower = word.to_lowercase();
                let rarity = match lower.starts_with(|c: char| c.is_ascii_digit()) {
                    true => 0.8,
                    false => rank(&lower).or_else(|| rank(stem)).unwrap_or(1.0),
                };
                match GENERIC.contains(&lower.as_str()) {
                    true => GENERIC_WEIGHT * rarity,
                    false => rarity,
                }
            })
            .collect()
    }

    /// How many words it has that name something; the others count in part.
    pub(crate) fn weighty_words(&self) -> f32 {
        self.words
            .iter()
            .map(
                |word| match GENERIC.contains(&word.to_lowercase().as_str()) {
                    true => GENERIC_WEIGHT,
                    false => 1.0,
                },
            )
            .sum()
    }

    /// True where the question already has this stem.
    pub(crate) fn says(&self, stem: &str) -> bool {
        self.all_stems.contains(stem)
    }

    /// True where `sentence` has a number that the question does not.
    pub(crate) fn brings_number(&self, sentence: &str) -> bool {
        numbers(sentence).any(|number| !self.numbers.contains(number))
    }

    /// How far `sentence` shows on its face something of the kind that is wanted, 0 to 1.
    pub fn fits(&self, sentence: &str) -> f32 {
        let share = |part: bool, whole: bool| match (whole, part) {
            (false, _) => 0.0,
            (true, false) => 0.5,
            (true, true) => 1.0,
        };
        let has_number = || {
            self.brings_number(sentence)
                || number_words(sentence).any(|word| {
                    !self.number_words.contains(&word) && word != "one" && word != "single"
                })
        };
        match self.wanted {
            Wanted::Number => f32::from(u8::from(has_number())),
            Wanted::Duration => share(TIME_UNIT.is_match(sentence), has_number()),
            Wanted::Share => share(SHARE_UNIT.is_match(sentence), has_number()),
            Wanted::Date => {
                let has_year = YEAR
                    .captures_iter(sentence)
                    .any(|found| !self.numbers.contains(&found[1]));
                let has_month = MONTH.is_match(sentence);
                0.7 * f32::from(u8::from(has_year)) + 0.3 * f32::from(u8::from(has_month))
            }
            Wanted::Who | Wanted::Where => {
                let has_name = words(sentence).iter().skip(1).any(|word| {
                    let is_capital = word.text.chars().next().is_some_and(char::is_uppercase);
                    is_capital && word.text.chars().count() > 1 && !self.says(&word.stem)
                });
                f32::from(u8::from(has_name))
            }
            Wanted::Why => f32::from(u8::from(CAUSE.is_match(sentence))),
            Wanted::Definition => f32::from(u8::from(DEFINING.is_match(sentence))),
            Wanted::How | Wanted::Other => 0.0,
        }
    }
}

fn wanted(text: &str) -> Wanted {
    let lower = text.to_lowercase();
    let lower = lower.trim();
    let is_amount = AMOUNT.is_match(lower);
    if WHY.is_match(lower) {
        Wanted::Why
    } else if MEANING.is_match(lower) && !is_amount {
        Wanted::Definition
    } else if HOW_MUCH.is_match(lower) || is_amount {
        if HOW_LONG.is_match(lower) {
            Wanted::Duration
        } else if HOW_BIG_A_SHARE.is_match(lower) {
            Wanted::Share
        } else {
            Wanted::Number
        }
    } else if WHEN.is_match(lower) {
        Wanted::Date
    } else if WHO.is_match(lower) {
        Wanted::Who
    } else if WHERE.is_match(lower) {
        Wanted::Where
    } else if HOW.is_match(lower) {
        Wanted::How
    } else {
        Wanted::Other
    }
}

fn numbers(text: &str) -> impl Iterator<Item = &str> {
    DIGITS.find_iter(text).map(|found| found.as_str())
}

fn number_words(text: &str) -> impl Iterator<Item = String> {
    NUMBER_WORD
        .find_iter(text)
        .map(|found| found.as_str().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_from_the_words() {
        let cases = [
            ("How many nodes does a cluster have?", Wanted::Number),
            ("What is the size of the training set?", Wanted::Number),
            ("How long does an election take?", Wanted::Duration),
            ("What was the median response latency?", Wanted::Duration),
            ("What percentage of patients recovered?", Wanted::Share),
            ("How much slower is the sort?", Wanted::Share),
            ("When was the virus first isolated?", Wanted::Date),
            ("In what year did the war end?", Wanted::Date),
            ("Who proposed the algorithm?", Wanted::Who),
            ("Where did the outbreak begin?", Wanted::Where),
            ("Which city was studied?", Wanted::Where),
            ("Why are logs compacted?", Wanted::Why),
            ("What is the main reason for the delay?", Wanted::Why),
            ("What is a straggler?", Wanted::Definition),
            ("What does LDA stand for?", Wanted::Definition),
            ("How are leaders elected?", Wanted::How),
            ("Which optimiser did they use?", Wanted::Other),
            ("", Wanted::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(Question::read(text).wanted, expected, "{text}");
        }
    }

    #[test]
    fn a_sentence_fits_where_it_shows_what_is_wanted() {
        let cases = [
            ("How long does it take?", "It takes 35 ms.", 1.0),
            ("How long does it take?", "It has 35 nodes.", 0.5),
            ("How long does it take?", "It takes a while.", 0.0),
            (
                "How many of the 300 were right?",
                "We drew 300 at random.",
                0.0,
            ),
            ("How many of the 300 were right?", "Of 300, 207 were.", 1.0),
            ("When was it founded?", "It was founded in March 1952.", 1.0),
            ("When was it founded?", "It was founded by Smith.", 0.0),
            ("Who found it?", "It was found by Maria Smith.", 1.0),
            ("Who found Maria Smith?", "There lives Maria Smith.", 0.0),
            ("Why is it slow?", "It waits because of the disk.", 1.0),
            ("What is a log?", "A log is a list of entries.", 1.0),
        ];
        for (question, sentence, expected) in cases {
            let fits = Question::read(question).fits(sentence);
            assert!(
                (fits - expected).abs() < 1e-6,
                "{question} {sentence}: {fits}"
            );
        }
    }
}
