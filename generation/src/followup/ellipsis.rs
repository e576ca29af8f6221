//! Fragments: "Why?", "How many?", "And for write-heavy workloads?", "What about Paxos?".
//!
//! A fragment has no predicate of its own and borrows that of the question before. What it names
//! takes the place of what that question has in the same role: a name that of the name, a phrase
//! with a preposition that of the phrase with the same one. Where there is no such place, both are
//! asked together: nothing is lost by that, and the search sees the words of both.

use super::anaphora;
use super::lexicon::{is_be, is_imperative, is_plural, is_relational_noun, is_wh};
use super::phrase::{Kind, Phrase, Token, phrases, tag};
use super::topic::{Asked, Topics};
use super::{Verdict, append, bare, join, replace};

/// Words that only tie a question to what was said.
const CONNECTIVES: &[&str] = &[
    "and", "but", "or", "so", "then", "also", "ok", "okay", "well", "now",
];

/// Questions that are nothing but a question word.
const BARE: &[&str] = &[
    "why",
    "why not",
    "how",
    "how so",
    "how come",
    "when",
    "where",
    "who",
    "by whom",
    "for whom",
    "since when",
    "until when",
    "how many",
    "how much",
    "how long",
    "how often",
    "how far",
    "how fast",
    "how large",
    "how big",
    "how small",
    "how high",
    "how old",
    "how exactly",
    "why exactly",
    "who else",
    "what else",
    "where else",
    "anything else",
    "in what sense",
    "in what way",
    "to what extent",
    "with what",
    "for what",
    "on what",
    "under what conditions",
    "for example",
    "for instance",
    "such as",
    "like what",
    "like which",
    "from where",
    "at what cost",
    "why is that",
    "why was that",
    "why is this",
    "why so",
    "how is that",
    "how is this",
    "is that so",
    "really",
    "compared to what",
    "which",
    "any others",
    "any other",
    "others",
];

/// What asks for more of the same.
const MORE: &[&str] = &[
    "tell",
    "elaborate",
    "explain",
    "detail",
    "details",
    "expand",
    "continue",
    "clarify",
    "say",
    "more",
    "further",
    "go",
];
const MORE_FILLERS: &[&str] = &[
    "please",
    "can",
    "could",
    "would",
    "you",
    "me",
    "a",
    "bit",
    "little",
    "on",
    "about",
    "that",
    "this",
    "it",
    "the",
    "in",
    "some",
    "us",
    "give",
    "i",
    "want",
    "with",
    "of",
    "describe",
    "information",
    "info",
    "depth",
    "any",
];

/// The question that a fragment asks; `None` where it is none.
pub(super) fn complete(question: &str, tokens: &[Token], topics: &Topics) -> Option<Verdict> {
    let last = topics.last();
    let lower: Vec<&str> = tokens.iter().map(|token| token.lower.as_str()).collect();
    if is_more(&lower) {
        return Some(Verdict::Sure(format!(
            "{}, in more detail?",
            bare(last.text)
        )));
    }

    let connectives = lower
        .iter()
        .take_while(|word| CONNECTIVES.contains(word))
        .count();
    let mut from = connectives;
    let about = lower.get(from + 1) == Some(&"about") && matches!(lower[from], "what" | "how")
        || lower.get(from) == Some(&"regarding");
    if about {
        from += if lower[from] == "regarding" { 1 } else { 2 };
    }
    let rest = tokens.get(from..).filter(|rest| !rest.is_empty())?;
    let fragment = &question[rest[0].range.start..rest[rest.len() - 1].range.end];
    if !about && BARE.contains(&lower[from..].join(" ").as_str()) {
        let fragment = match lower[from..].join(" ").as_str() {
            "how so" => "how".to_owned(),
            "why is that" | "why was that" | "why is this" | "why so" => "why".to_owned(),
            _ => fragment.to_owned(),
        };
        let joined = match rest[0].lower.as_str() {
            "for" | "such" | "like" if rest.len() == 2 => {
                format!("{}, {}?", bare(last.text), super::lower_first(&fragment))
            }
            _ => join(last.text, &fragment),
        };
        return Some(Verdict::Sure(joined));
    }
    if is_quantity(rest) {
        return Some(Verdict::Sure(join(last.text, fragment)));
    }

    let has_predicate = rest
        .iter()
        .any(|token| matches!(token.kind, Kind::Auxiliary | Kind::Verb | Kind::Wh));
    if has_predicate || is_imperative(&rest[0].lower) {
        return None;
    }
    let content = rest.iter().filter(|token| token.is_content()).count();
    let is_full = content >= 4 && rest.iter().any(|token| token.kind == Kind::Preposition);
    let is_marked = connectives > 0 || about;
    let asks = question.trim_end().ends_with('?');
    // One word of a language without spaces may be a whole question.
    let is_short = content <= 2 && asks && rest.len() <= 4 && question.is_ascii();
    let is_names_only = rest.iter().all(|token| token.kind == Kind::Name);
    if is_full || !is_marked && (!is_short || is_names_only && rest.len() > 1) {
        return None;
    }
    if !is_marked
        && content > 1
        && rest[0].kind != Kind::Preposition
        && rest.iter().any(|token| token.kind == Kind::Name)
    {
        // "BM25 parameters?" is typed to a search engine like this.
        return None;
    }

    // "And its cost?"
    let fragment = &super::lower_first(fragment);
    match anaphora::resolve(fragment, &tag(fragment), topics) {
        Some(Verdict::Sure(resolved)) => {
            let resolved = bare(&resolved);
            return Some(Verdict::Sure(match rest[0].kind {
                Kind::Preposition => append(last.text, resolved),
                _ => format!("What about {resolved}?"),
            }));
        }
        Some(unsure) => return Some(unsure),
        None => {}
    }
    Some(match rest[0].kind {
        Kind::Preposition => with_preposition(fragment, rest, last),
        _ => with_phrase(question, fragment, rest, !is_marked, topics),
    })
}

fn is_more(lower: &[&str]) -> bool {
    let mut asks = false;
    for word in lower {
        if MORE.contains(word) {
            asks = true;
        } else if !MORE_FILLERS.contains(word) {
            return false;
        }
    }
    asks && lower.len() <= 9 && lower != ["how", "more"]
}

/// "How many layers?", "Which dataset?": no predicate follows.
fn is_quantity(rest: &[Token]) -> bool {
    let lower: Vec<&str> = rest
        .iter()
        .take(2)
        .map(|token| token.lower.as_str())
        .collect();
    match lower[..] {
        ["how", "many" | "much"] => {
            rest.len() <= 4
                && rest.len() > 2
                && rest[2..].iter().all(|token| token.kind == Kind::Word)
        }
        ["which" | "what", _] => rest.len() == 2 && rest[1].kind == Kind::Word,
        ["in" | "on" | "at" | "for" | "with" | "by", "which" | "what"] => {
            rest.len() == 3 && rest[2].kind == Kind::Word
        }
        _ => false,
    }
}

/// "And for write-heavy workloads?"
fn with_preposition(fragment: &str, rest: &[Token], last: &Asked) -> Verdict {
    let preposition = rest[0].lower.as_str();
    let place = last.tokens.iter().enumerate().rev().find(|(index, token)| {
        token.kind == Kind::Preposition
            && token.lower == preposition
            && last
                .tokens
                .get(index + 1)
                .is_some_and(|next| next.is_nominal() || next.kind == Kind::Determiner)
    });
    let Some((index, token)) = place else {
        return Verdict::Sure(append(last.text, fragment));
    };
    let end = last.tokens[index + 1..]
        .iter()
        .position(|token| {
            !(token.is_nominal() || token.kind == Kind::Determiner || token.lower == "of")
        })
        .map_or(last.tokens.len(), |length| index + 1 + length);
    let range = token.range.start..last.tokens[end - 1].range.end;
    let with = super::lower_first(fragment);
    Verdict::Sure(replace(last.text, &[(range, with)]))
}

/// "What about Paxos?", "And the latency?"
fn with_phrase(
    question: &str,
    fragment: &str,
    rest: &[Token],
    unmarked: bool,
    topics: &Topics,
) -> Verdict {
    let last = topics.last();
    let asked = bare(fragment);
    let is_name = rest
        .iter()
        .all(|token| matches!(token.kind, Kind::Name | Kind::Conjunction) || token.lower == "the")
        || rest.len() == 1 && is_capital(rest[0].text) && !is_relational_noun(&rest[0].lower);
    let has_name = rest.iter().any(|token| token.kind == Kind::Name);
    let asked = &match is_name || has_name {
        true => asked.to_owned(),
        false => super::lower(asked),
    };
    let together = || {
        Verdict::Unsure(Some(join(
            last.text,
            &match question.to_lowercase().contains("about") {
                true => format!("what about {asked}"),
                false => asked.clone(),
            },
        )))
    };

    if is_name || rest.iter().all(|token| token.kind == Kind::Number) {
        let wanted = if is_name { Kind::Name } else { Kind::Number };
        let runs = runs(&last.tokens, wanted);
        return match &runs[..] {
            // "Photosynthesis?" may be a topic of its own.
            [_] if unmarked => together(),
            [run] => {
                let start = last.tokens[run.start].range.start;
                let end = last.tokens[run.end - 1].range.end;
                let whole = &last.text[start..end];
                let suffix = ["'s", "’s"]
                    .into_iter()
                    .find(|suffix| whole.ends_with(suffix));
                let with = format!("{asked}{}", suffix.unwrap_or_default());
                Verdict::Sure(replace(last.text, &[(start..end, with)]))
            }
            [] => match definition(last) {
                Some(phrase) => put(last, &phrase, asked, rest),
                None => together(),
            },
            _ => together(),
        };
    }

    let spoken = phrases(fragment, &tag(fragment));
    let is_plain = spoken.len() == 1
        && !has_name
        && rest.iter().all(|token| {
            token.is_nominal() || matches!(token.kind, Kind::Determiner | Kind::Adverb)
        });
    if is_plain {
        // "What is the latency of Raft?", "And the throughput?"
        let with_complement = last
            .phrases
            .iter()
            .find(|phrase| phrase.complement.is_some() && !phrase.is_asked_for);
        if let Some(phrase) = with_complement
            && let Some(complement) = &phrase.complement
        {
            let head = Phrase {
                tokens: phrase.tokens.start..complement.start - 1,
                ..phrase.clone()
            };
            return put(last, &head, asked, rest);
        }
        if topics.last().names().is_empty()
            && let Some(phrase) = definition(last)
        {
            return put(last, &phrase, asked, rest);
        }
    }
    match topics.subject() {
        Some((subject, true)) if !subject.eq_ignore_ascii_case(asked) && is_plain => {
            let determined = matches!(rest[0].kind, Kind::Determiner);
            // "what about paxos?": typed like this, a name looks like a noun.
            if !determined && rest.len() == 1 && !is_relational_noun(&rest[0].lower) {
                return together();
            }
            let article = if determined { "" } else { "the " };
            Verdict::Sure(format!("What about {article}{asked} of {subject}?"))
        }
        _ => together(),
    }
}

/// The only phrase of "What is X?".
fn definition(last: &Asked) -> Option<Phrase> {
    let [wh, be, ..] = &last.tokens[..] else {
        return None;
    };
    let asks = is_wh(&wh.lower) && is_be(&be.lower);
    match &last.phrases[..] {
        [phrase] if asks && phrase.tokens.end == last.tokens.len() => Some(phrase.clone()),
        _ => None,
    }
}

/// Puts another phrase in the place of one, with its article and the verb before it.
fn put(last: &Asked, phrase: &Phrase, with: &str, rest: &[Token]) -> Verdict {
    let tokens = &last.tokens[phrase.tokens.clone()];
    let range = tokens[0].range.start..tokens[tokens.len() - 1].range.end;
    let had_article = tokens[0].kind == Kind::Determiner && phrase.complement.is_some();
    let with = match had_article && rest[0].kind != Kind::Determiner && !is_capital(with) {
        true => format!("the {with}"),
        false => with.to_owned(),
    };
    let mut edits = vec![(range, with)];
    let plural = is_plural(&rest[rest.len() - 1].lower);
    if let Some(before) = phrase.tokens.start.checked_sub(1) {
        let verb = &last.tokens[before];
        let agreed = match (verb.lower.as_str(), plural) {
            ("is", true) => Some("are"),
            ("are", false) => Some("is"),
            ("was", true) => Some("were"),
            ("were", false) => Some("was"),
            _ => None,
        };
        edits.extend(agreed.map(|agreed| (verb.range.clone(), agreed.to_owned())));
    }
    Verdict::Sure(replace(last.text, &edits))
}

fn is_capital(text: &str) -> bool {
    text.chars().any(char::is_uppercase)
}

/// Where tokens of one kind stand next to each other.
fn runs(tokens: &[Token], kind: Kind) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != kind {
            continue;
        }
        match found.last_mut() {
            Some(run) if run.end == index && !tokens[index - 1].breaks => run.end += 1,
            _ => found.push(index..index + 1),
        }
    }
    found
}
