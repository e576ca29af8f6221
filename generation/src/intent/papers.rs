//! Questions about given papers: "compare these papers on X and Y", "how do a.pdf and b.pdf
//! differ?", "summarise the Raft paper", "what is this paper about?".

use super::tokens::{Cursor, Token};
use super::{Comparison, Papers};

const ONE: &str = "paper|document|article|publication|preprint|manuscript|pdf|file";
const SEVERAL: &str = "papers|documents|articles|publications|preprints|manuscripts|pdfs|files";
const EXTENSIONS: [&str; 10] = [
    ".pdf",
    ".md",
    ".markdown",
    ".txt",
    ".html",
    ".htm",
    ".docx",
    ".xml",
    ".tei",
    ".rst",
];
const LONGEST_NAME: usize = 12;
const MOST_ASPECTS: usize = 6;
const LONGEST_ASPECT: usize = 12;

/// The papers that are to be summarised.
pub(super) fn summary(tokens: &[Token]) -> Option<Papers> {
    let mut cursor = Cursor::new(tokens);
    let named = |cursor: &mut Cursor<'_>| one(cursor).or_else(|| several(cursor));
    let found = if cursor.eat_any(&["summarise|summarize|summarizing|summarising", "sum up"])
        || short_form(&mut cursor)
    {
        match brief(&mut cursor) {
            true => Some(Papers::Asked),
            false => named(&mut cursor),
        }
    } else if cursor.eat_any(&["what is", "what's", "what are"]) {
        let is_points = cursor.eat_any(&[
            "the key|main points|takeaways|messages of|in|from",
            "the gist|upshot of",
        ]);
        let found = named(&mut cursor);
        match found {
            Some(papers) if is_points || cursor.eat_any(&["all about", "about"]) => Some(papers),
            _ => None,
        }
    } else if cursor.eat("what does|do") {
        named(&mut cursor).filter(|_| cursor.eat("say"))
    } else {
        None
    }?;
    brief(&mut cursor).then_some(found)
}

/// "give me a short summary of", "tl;dr of", "overview of".
fn short_form(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    ahead.eat("give|write|show|make|provide|create|get|i");
    ahead.eat("want|need");
    ahead.eat("me|us");
    ahead.eat("a|an|the");
    ahead.eat("short|brief|quick|concise|one-page|section-by-section|detailed");
    let is_form = ahead.eat_any(&["summary", "overview", "tl;dr", "tldr", "tl ; dr"]);
    if !is_form {
        return false;
    }
    ahead.eat(",");
    ahead.eat("of|for");
    *cursor = ahead;
    true
}

/// True where nothing is left but how long it is to be.
fn brief(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    while ahead.eat_any(&[
        "for me",
        "briefly",
        "shortly",
        "please",
        "in short|brief|detail",
        "in a few|couple sentences|words|lines",
        "in a few|couple of sentences|words|lines",
        "by section",
        "section by section",
        "per section",
        ",",
    ]) {}
    ahead.is_end()
}

/// The papers that are to be compared, and on what.
pub(super) fn comparison(tokens: &[Token]) -> Option<Comparison> {
    const ON: [&str; 12] = [
        "in terms of",
        "with respect|regard|regards to",
        "in regard to",
        "when it comes to",
        "based on",
        "w.r.t.",
        "wrt",
        "regarding",
        "concerning",
        "along",
        "on",
        "in",
    ];
    let mut cursor = Cursor::new(tokens);
    let each_other = [
        "with|to|from each other",
        "with|to|from one another",
        "side by side",
        "in|as a table",
    ];
    let papers;
    if cursor.eat_any(&["compare and contrast", "compare|contrast"]) || compares(&mut cursor) {
        papers = compared(&mut cursor)?;
        cursor.eat_any(&each_other);
    } else if cursor.eat("how do|does") {
        papers = compared(&mut cursor)?;
        if !cursor.eat("differ|compare|diverge|disagree") {
            return None;
        }
        cursor.eat_any(&each_other);
    } else if cursor.eat("what do|does") {
        papers = compared(&mut cursor)?;
        if !(cursor.eat("say|report|write|tell|conclude|find|claim")
            && cursor.eat("about|on|regarding|concerning"))
        {
            return None;
        }
        let aspects = aspects(cursor.rest())?;
        return (!aspects.is_empty()).then_some(Comparison { papers, aspects });
    } else {
        return None;
    }
    cursor.eat(",");
    if cursor.is_end() {
        return Some(Comparison {
            papers,
            aspects: Vec::new(),
        });
    }
    if !cursor.eat_any(&ON) {
        return None;
    }
    let aspects = aspects(cursor.rest())?;
    (!aspects.is_empty()).then_some(Comparison { papers, aspects })
}

/// "a comparison of", "what are the main differences between".
fn compares(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    ahead.eat_any(&[
        "give|show|make me",
        "give|show|make",
        "what is|are",
        "what's",
    ]);
    ahead.eat("a|the");
    ahead.eat("main|key|biggest|important");
    let found = ahead.eat_any(&[
        "comparison of|between",
        "difference|differences between",
        "similarities and differences between|of",
    ]);
    if found {
        *cursor = ahead;
    }
    found
}

/// Several papers; one alone can't be compared.
fn compared(cursor: &mut Cursor<'_>) -> Option<Papers> {
    let mut ahead = *cursor;
    if ahead.eat_any(&["them", "each of them", "all of them", "both of them"]) {
        *cursor = ahead;
        return Some(Papers::Asked);
    }
    if let Some(papers) = several(&mut ahead) {
        *cursor = ahead;
        return Some(papers);
    }
    if ahead.eat_any(&["each of the|these|those|my", "each|every"])
        && ahead.eat_any(&[ONE, SEVERAL])
    {
        *cursor = ahead;
        return Some(Papers::Asked);
    }
    None
}

/// "this paper", "it", "raft.pdf", "the Raft paper", a title in quotation marks.
fn one(cursor: &mut Cursor<'_>) -> Option<Papers> {
    let mut ahead = *cursor;
    let asked = ahead.eat("this|the|my|that") && ahead.eat(ONE) && names_no_file(&ahead);
    if asked {
        *cursor = ahead;
        return Some(Papers::Asked);
    }
    let mut ahead = *cursor;
    if ahead.eat("it|this") && (ahead.is_end() || ["about", "for", "in"].contains(&ahead.lower(0)))
    {
        *cursor = ahead;
        return Some(Papers::Asked);
    }
    let mut ahead = *cursor;
    let name = named(&mut ahead)?;
    // A second name makes several.
    if separator(&mut { ahead }) {
        return None;
    }
    *cursor = ahead;
    Some(Papers::Named(vec![name]))
}

fn names_no_file(cursor: &Cursor<'_>) -> bool {
    cursor
        .peek()
        .is_none_or(|token| !is_file(&token.lower) && !token.is_quoted)
}

/// "these papers", "a.pdf and b.pdf", "the Raft and Paxos papers".
fn several(cursor: &mut Cursor<'_>) -> Option<Papers> {
    let mut ahead = *cursor;
    while ahead.eat("the|these|those|my|our|all|of|both|two|three|four|five|six") {}
    if ahead.eat(SEVERAL) && names_no_file(&ahead) {
        *cursor = ahead;
        return Some(Papers::Asked);
    }
    if let Some(names) = names_before_noun(cursor) {
        return Some(Papers::Named(names));
    }
    let mut ahead = *cursor;
    if !(ahead.eat("the") && ahead.eat(SEVERAL)) {
        ahead = *cursor;
        ahead.eat(SEVERAL);
    }
    let mut names = vec![named(&mut ahead)?];
    loop {
        let mut more = ahead;
        if !separator(&mut more) {
            break;
        }
        let Some(name) = named(&mut more) else { break };
        names.push(name);
        ahead = more;
    }
    if names.len() < 2 {
        return None;
    }
    *cursor = ahead;
    Some(Papers::Named(names))
}

fn separator(cursor: &mut Cursor<'_>) -> bool {
    cursor.eat_any(&[", and", ",", "and|&|with|to|from|vs|vs.|versus|against"])
}

/// "the Raft and Paxos papers": the noun speaks for all names.
fn names_before_noun(cursor: &mut Cursor<'_>) -> Option<Vec<String>> {
    let mut ahead = *cursor;
    if !ahead.eat("the") {
        return None;
    }
    let mut names: Vec<Vec<&str>> = vec![Vec::new()];
    for _ in 0..LONGEST_NAME {
        if ahead.eat(SEVERAL) {
            let names: Vec<String> = names.iter().map(|words| words.join(" ")).collect();
            let is_names = names.len() > 1 && names.iter().all(|name| !name.is_empty());
            *cursor = if is_names { ahead } else { *cursor };
            return is_names.then_some(names);
        }
        if ahead.eat_any(&[", and", ",", "and|&"]) {
            names.push(Vec::new());
            continue;
        }
        let token = ahead.next()?;
        if !is_name_part(token) {
            return None;
        }
        names.last_mut()?.push(&token.text);
    }
    None
}

/// A file, an id, a title in quotation marks, or "the ... paper".
fn named(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut ahead = *cursor;
    ahead.eat("the|this");
    ahead.eat(ONE);
    let first = ahead.peek()?;
    if first.is_quoted || is_file(&first.lower) || is_id(&first.lower) {
        ahead.next();
        let name = first.text.clone();
        ahead.eat(ONE);
        *cursor = ahead;
        return Some(name);
    }
    let mut ahead = *cursor;
    if !ahead.eat("the") {
        return None;
    }
    let mut words: Vec<&str> = Vec::new();
    while words.len() < LONGEST_NAME {
        if ahead.eat(ONE) {
            *cursor = ahead;
            return (!words.is_empty()).then(|| words.join(" "));
        }
        let token = ahead.next().filter(|token| is_name_part(token))?;
        words.push(&token.text);
    }
    None
}

/// A word that a paper may be called by.
fn is_name_part(token: &Token) -> bool {
    const NEVER: [&str; 24] = [
        "of", "in", "that", "which", "this", "these", "is", "are", "about", "between", "by",
        "from", "with", "two", "three", "first", "second", "last", "other", "same", "next", "best",
        "and", "or",
    ];
    !token.is_comma() && !NEVER.contains(&token.lower.as_str())
}

fn is_file(word: &str) -> bool {
    EXTENSIONS
        .iter()
        .any(|extension| word.len() > extension.len() && word.ends_with(extension))
}

/// The start of a document's id, long enough not to be a word or a number.
fn is_id(word: &str) -> bool {
    word.len() >= 8
        && word.contains('-')
        && word.contains(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// What is asked of each paper: parts of the list that `tokens` are.
fn aspects(tokens: &[Token]) -> Option<Vec<String>> {
    let mut found: Vec<Vec<&str>> = vec![Vec::new()];
    for token in tokens {
        let parts =
            token.is_comma() || !token.is_quoted && ["and", "&"].contains(&token.lower.as_str());
        if parts {
            found.push(Vec::new());
        } else {
            found.last_mut()?.push(&token.text);
        }
    }
    let mut aspects: Vec<String> = Vec::new();
    for words in &mut found {
        let is_lead = |word: &str| {
            ["the", "their", "its", "a", "an", "in", "on"].contains(&word.to_lowercase().as_str())
        };
        while words.first().is_some_and(|word| is_lead(word)) {
            words.remove(0);
        }
        if words.len() > LONGEST_ASPECT {
            return None;
        }
        let aspect = words.join(" ");
        if !aspect.is_empty() && !aspects.contains(&aspect) {
            aspects.push(aspect);
        }
    }
    (aspects.len() <= MOST_ASPECTS).then_some(aspects)
}
