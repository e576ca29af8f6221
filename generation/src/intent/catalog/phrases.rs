//! The open places of the grammar: names of people and venues, and what papers mention.
//!
//! Where such a place ends is told by the words that begin a constraint; what then stands in it
//! must look like what it should be, or the question is an ordinary one.

use super::super::tokens::{Cursor, Token};
use super::Reading;

/// Words that begin a constraint, or join two.
const STARTERS: [&str; 33] = [
    "from",
    "since",
    "before",
    "after",
    "between",
    "until",
    "till",
    "through",
    "by",
    "published",
    "written",
    "authored",
    "released",
    "in",
    "at",
    "that",
    "which",
    "do",
    "did",
    "are",
    "is",
    "was",
    "were",
    "have",
    "has",
    "mention",
    "mentions",
    "mentioning",
    "cite",
    "cites",
    "citing",
    "sorted",
    "i",
];
/// Words that stand in no name of a thing: with one of them a phrase is more than a phrase.
const NO_PHRASE: [&str; 83] = [
    "paper", "papers", "article", "articles", "not", "no", "without", "never", "except", "be",
    "been", "being", "am", "does", "had", "can", "could", "will", "would", "should", "may",
    "might", "must", "shall", "who", "whom", "whose", "what", "when", "where", "why", "how", "it",
    "they", "he", "she", "we", "you", "me", "my", "your", "our", "his", "her", "its", "their",
    "them", "us", "this", "these", "those", "there", "more", "most", "than", "least", "only",
    "both", "either", "neither", "any", "some", "all", "each", "every", "other", "but", "if",
    "because", "while", "about", "on", "with", "as", "such", "best", "first", "also", "too",
    "very", "into", "same", "per",
];
/// Verbs that people ask of papers: after a phrase they say something that is not understood.
const VERBS: [&str; 72] = [
    "achieve",
    "achieves",
    "achieved",
    "address",
    "addresses",
    "addressed",
    "apply",
    "applies",
    "applied",
    "argue",
    "argues",
    "claim",
    "claims",
    "compare",
    "compares",
    "compared",
    "consider",
    "considers",
    "define",
    "defines",
    "defined",
    "demonstrate",
    "demonstrates",
    "describe",
    "describes",
    "described",
    "evaluate",
    "evaluates",
    "evaluated",
    "find",
    "finds",
    "found",
    "give",
    "gives",
    "implement",
    "implements",
    "improve",
    "improves",
    "include",
    "includes",
    "included",
    "introduce",
    "introduces",
    "introduced",
    "invent",
    "invented",
    "outperform",
    "outperforms",
    "present",
    "presents",
    "propose",
    "proposes",
    "proposed",
    "prove",
    "proves",
    "provide",
    "provides",
    "report",
    "reports",
    "reported",
    "say",
    "says",
    "show",
    "shows",
    "showed",
    "solve",
    "solves",
    "suggest",
    "suggests",
    "use",
    "uses",
    "won",
];
/// Words that may stand within a phrase, a name or a venue, not at its ends.
const CONNECTORS: [&str; 8] = ["of", "the", "for", "to", "a", "an", "de", "vs"];
const PARTICLES: [&str; 20] = [
    "van", "von", "de", "der", "den", "del", "della", "di", "da", "dos", "du", "la", "le", "el",
    "al", "bin", "ibn", "ten", "ter", "st.",
];
/// What "in" is said of besides venues: no journal is meant by these.
const NO_VENUE: [&str; 47] = [
    "english",
    "german",
    "french",
    "spanish",
    "chinese",
    "japanese",
    "russian",
    "italian",
    "portuguese",
    "korean",
    "dutch",
    "arabic",
    "figure",
    "fig.",
    "table",
    "section",
    "chapter",
    "appendix",
    "part",
    "pubmed",
    "medline",
    "embase",
    "scopus",
    "cochrane",
    "cinahl",
    "psycinfo",
    "google",
    "wikipedia",
    "wikidata",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "europe",
    "africa",
    "asia",
    "america",
    "china",
    "web",
];
const LONGEST_PHRASE: usize = 6;
const LONGEST_NAME: usize = 5;
/// A name without capitals is a first name and a family name at most.
const LONGEST_LOWER_NAME: usize = 2;
const LONGEST_VENUE: usize = 14;

/// True where the next word begins a constraint.
pub(super) fn begins_constraint(cursor: &Cursor<'_>) -> bool {
    let word = cursor.lower(0);
    cursor.is_end() || STARTERS.contains(&word) || ["discuss", "discusses"].contains(&word)
}

/// A person's name.
pub(super) fn name(cursor: &mut Cursor<'_>) -> Option<String> {
    if let Some(token) = cursor.peek().filter(|token| token.is_quoted) {
        cursor.next();
        return Some(token.text.clone());
    }
    let mut words: Vec<&str> = Vec::new();
    let is_upper = cursor.peek()?.begins_upper()
        || PARTICLES.contains(&cursor.lower(0)) && !cursor.lower(1).is_empty();
    while let Some(token) = cursor.peek() {
        if cursor.eat_any(&["et al.", "et al"]) {
            break;
        }
        let word = token.lower.as_str();
        let is_particle = PARTICLES.contains(&word);
        let ends = token.is_comma()
            || token.is_quoted
            || [
                "and", "or", "&", "on", "about", "write", "publish", "author", "to", "with",
            ]
            .contains(&word)
            || STARTERS.contains(&word) && !(token.begins_upper() && word != "i")
            || ["co-author", "coauthor"].contains(&word);
        if ends {
            break;
        }
        let fits = match is_upper {
            true => is_particle || token.begins_upper() && is_name_word(&token.text),
            false => is_name_word(word) && !is_function_word(word),
        };
        if !fits {
            return None;
        }
        words.push(&token.text);
        cursor.next();
    }
    let most = if is_upper {
        LONGEST_NAME
    } else {
        LONGEST_LOWER_NAME
    };
    if words.is_empty() || words.len() > most || cursor.lower(0) == "or" {
        return None;
    }
    // A year or a title is what lists are sorted by, no author.
    if [
        "title",
        "topic",
        "venue",
        "relevance",
        "name",
        "author",
        "collection",
        "journal",
    ]
    .contains(&words[0].to_lowercase().as_str())
    {
        return None;
    }
    let mut found = words.join(" ");
    // "Smith, J."
    let mut ahead = *cursor;
    if ahead.eat(",")
        && let Some(initials) = ahead.next()
        && is_initials(&initials.text)
    {
        found = format!("{found}, {}", initials.text);
        *cursor = ahead;
    }
    Some(found)
}

fn is_name_word(word: &str) -> bool {
    word.chars().any(char::is_alphabetic)
        && word
            .chars()
            .all(|c| c.is_alphabetic() || ".'’-\u{2010}".contains(c))
}

fn is_initials(word: &str) -> bool {
    word.chars().count() <= 5
        && word.starts_with(char::is_uppercase)
        && word
            .chars()
            .all(|c| c.is_uppercase() || c == '.' || c == '-')
}

fn is_function_word(word: &str) -> bool {
    NO_PHRASE.contains(&word) || CONNECTORS.contains(&word) || VERBS.contains(&word)
}

/// A journal or conference: capitalised words, or what stands in quotation marks.
pub(super) fn venue(cursor: &mut Cursor<'_>) -> Option<String> {
    cursor.eat("the");
    let first = cursor.next()?;
    if first.is_quoted {
        return Some(first.text.clone());
    }
    if !first.begins_upper() || NO_VENUE.contains(&first.lower.as_str()) {
        return None;
    }
    let is_long_form = [
        "journal",
        "proceedings",
        "transactions",
        "annals",
        "advances",
    ]
    .contains(&first.lower.as_str())
        || ["ieee", "acm"].contains(&first.lower.as_str());
    let mut words = vec![first.text.as_str()];
    while let Some(token) = cursor.peek() {
        let links = ["of", "the", "on", "for", "&", "in"].contains(&token.lower.as_str())
            || is_long_form && token.lower == "and";
        let mut ahead = *cursor;
        if links && !token.is_quoted {
            ahead.next();
            if ahead.lower(0) == "the" {
                ahead.next();
            }
        }
        let next = ahead.peek().filter(|next| {
            next.begins_upper() && !next.is_quoted && next.text.chars().all(|c| !c.is_numeric())
        });
        if next.is_none() || words.len() >= LONGEST_VENUE {
            break;
        }
        while cursor.at <= ahead.at {
            words.push(&cursor.next()?.text);
        }
    }
    Some(words.join(" "))
}

/// "mention Paxos and Raft", "on “leader election”", "that cite LDA or LSA".
pub(super) fn mentions(cursor: &mut Cursor<'_>, reading: &mut Reading) -> Option<bool> {
    let mut ahead = *cursor;
    let verbs = [
        "mention|mentions|mentioning|mentioned",
        "cite|cites|citing|cited",
        "discuss|discusses|discussing",
        "refer|refers|referring to",
        "reference|references|referencing",
        "talk|talks|talking about",
        "contain|contains|containing",
        "have|has|with|using the word|words|term|phrase",
    ];
    let topics = [
        "deal|deals|dealing with",
        "cover|covers|covering",
        "on the topic|subject of",
        "on|about|regarding|concerning",
    ];
    if !ahead.eat_any(&verbs) {
        if !ahead.eat_any(&topics) {
            return Some(false);
        }
        reading.is_doubtful = true;
    }
    let question = &mut reading.question;
    if !question.mentions.is_empty() {
        return None;
    }
    ahead.eat("both|either");
    let (mut has_and, mut has_or) = (false, false);
    loop {
        question.mentions.push(phrase(&mut ahead)?);
        let mut more = ahead;
        let is_list = more.eat(",");
        let is_and = more.eat("and|&");
        let is_or = !is_and && more.eat("or");
        // A constraint may follow what joins; "or" must be followed by a phrase.
        if !(is_list || is_and || is_or) || !is_or && (begins_constraint(&more) || is_joiner(&more))
        {
            break;
        }
        has_and |= is_and;
        has_or |= is_or;
        ahead = more;
    }
    question.any_mention = has_or;
    *cursor = ahead;
    (!(has_and && has_or)).then_some(true)
}

fn is_joiner(cursor: &Cursor<'_>) -> bool {
    ["and", "about", "on", "also", "there"].contains(&cursor.lower(0))
}

/// Words that are to stand in a row.
fn phrase(cursor: &mut Cursor<'_>) -> Option<String> {
    cursor.eat_any(&[
        "the topic|subject of",
        "the word|words|term|terms|phrase|name|keyword|expression",
        "the|a|an",
    ]);
    if let Some(token) = cursor.peek().filter(|token| token.is_quoted) {
        cursor.next();
        return Some(token.text.clone());
    }
    let mut words: Vec<&Token> = Vec::new();
    while let Some(token) = cursor.peek() {
        let word = token.lower.as_str();
        let is_name = token.begins_upper() && !words.is_empty();
        if token.is_comma()
            || ["and", "or", "&", "also", "there", "here"].contains(&word)
            || STARTERS.contains(&word) && !is_name
        {
            break;
        }
        let is_verb = VERBS.contains(&word) && !words.is_empty();
        if token.is_quoted || NO_PHRASE.contains(&word) || is_verb {
            return None;
        }
        words.push(token);
        cursor.next();
    }
    let at_ends = [words.first()?, words.last()?];
    if at_ends
        .iter()
        .any(|word| CONNECTORS.contains(&word.lower.as_str()))
        || words.len() > LONGEST_PHRASE
        || !words
            .iter()
            .any(|word| word.text.contains(char::is_alphanumeric))
    {
        return None;
    }
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    Some(texts.join(" "))
}
