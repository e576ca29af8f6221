//! Turns a follow-up ("How does it elect a leader?", "And for writes?") into a question that can be
//! searched for by itself.
//!
//! Rules come first, because they are right where they fire and cost nothing: [`ellipsis`] completes
//! fragments with the question before, [`anaphora`] puts what was spoken of in the place of pronouns
//! and "this method", [`relation`] completes "the limitations" and "which is faster". Precision comes
//! before recall: a question that can be read alone is left as it is, so that a change of topic does
//! not drag the old one along. Where the rules know that something is missing but not what, a model
//! that is able may be asked; what it writes is taken only if it keeps every word of the question and
//! adds only words of the conversation ([`model`]). Choi et al., "Decontextualization: Making
//! Sentences Stand-Alone" (2021, <https://arxiv.org/abs/2102.05169>), name the cases.
//!
//! The rules know English; in other languages they find no cause to change anything.

mod anaphora;
mod antecedent;
mod ellipsis;
mod lexicon;
mod model;
mod phrase;
mod relation;
mod topic;

use crate::Generator;
use crate::words::{content_stems, words};
use topic::Topics;

/// Longer questions carry what they need, in words.
const LONGEST: usize = 40;

/// A question that was asked before, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// The question as asked.
    pub question: String,
    /// The question as it was searched for, where it was a follow-up.
    pub standalone: Option<String>,
    /// The answer's text; `None` where it is not known any more.
    pub answer: Option<String>,
    /// Titles of the papers that the answer cites, in the order of its citations, each once.
    pub titles: Vec<String>,
}

impl Turn {
    /// The question as it can be read alone.
    fn asked(&self) -> &str {
        self.standalone.as_deref().unwrap_or(&self.question)
    }
}

/// A follow-up as it can be read alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standalone {
    /// The question.
    pub question: String,
    /// Which turns it has words of that no person typed: they come from papers, and go with them.
    pub drawn_from: Vec<usize>,
}

/// What the rules say of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// It is this.
    Sure(String),
    /// Something is missing; it may be this.
    Unsure(Option<String>),
}

/// `question` as it can be read alone, given what was said before, oldest first; `None` where it
/// can be read alone as it is, or where nobody knows what it means.
///
/// `model` is asked only where the rules are unsure; leave it out where it is too small to follow
/// such an instruction.
pub fn rewrite(
    question: &str,
    history: &[Turn],
    model: Option<&dyn Generator>,
) -> Option<Standalone> {
    let question = crate::prompt::one_line(question);
    let topics = Topics::of(history)?;
    let verdict = judge(&question, &topics)?;
    let rewritten = match verdict {
        Verdict::Sure(rewritten) => rewritten,
        Verdict::Unsure(guess) => model
            .and_then(|model| model::ask(model, &question, history))
            .or(guess)?,
    };
    let rewritten = crate::prompt::one_line(&rewritten);
    if rewritten.is_empty() || rewritten == question {
        return None;
    }
    let drawn_from = drawn_from(&question, &rewritten, history);
    Some(Standalone {
        question: rewritten,
        drawn_from,
    })
}

fn judge(question: &str, topics: &Topics) -> Option<Verdict> {
    let tokens = phrase::tag(question);
    if tokens.is_empty() || tokens.len() > LONGEST {
        return None;
    }
    ellipsis::complete(question, &tokens, topics)
        .or_else(|| anaphora::resolve(question, &tokens, topics))
        .or_else(|| relation::complete(question, &tokens, topics))
}

/// The turns whose answers, titles or rewritten questions have words of `rewritten` that neither
/// `question` nor an earlier question as it was typed has.
fn drawn_from(question: &str, rewritten: &str, history: &[Turn]) -> Vec<usize> {
    let mut typed = content_stems(question);
    for turn in history {
        typed.extend(content_stems(&turn.question));
    }
    let foreign: Vec<String> = content_stems(rewritten)
        .into_iter()
        .filter(|stem| !typed.contains(stem))
        .collect();
    if foreign.is_empty() {
        return Vec::new();
    }
    let has = |text: &str| words(text).iter().any(|word| foreign.contains(&word.stem));
    (0..history.len())
        .filter(|&index| {
            let turn = &history[index];
            turn.answer.as_deref().is_some_and(has)
                || turn.standalone.as_deref().is_some_and(has)
                || turn.titles.iter().any(|title| has(title))
        })
        .collect()
}

/// The question before and a fragment, as one question.
fn join(before: &str, fragment: &str) -> String {
    let fragment = bare(fragment);
    format!("{}, and {}?", bare(before), lower_first(fragment))
}

/// Without what ends a sentence.
fn bare(text: &str) -> &str {
    text.trim_end_matches(['?', '.', '!', ' '])
}

/// Without the capital of a sentence's first word, where that is no noun: a noun may be a name.
fn lower_first(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default().to_lowercase();
    match lexicon::is_function_word(&first) {
        true => lower(text),
        false => text.to_owned(),
    }
}

fn lower(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(c) => c.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(c) => c.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// `text` with parts replaced; the ranges do not overlap.
fn replace(text: &str, edits: &[(std::ops::Range<usize>, String)]) -> String {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|(range, _)| range.start);
    let mut replaced = String::with_capacity(text.len());
    let mut done = 0;
    for (range, with) in edits {
        if range.start < done {
            continue;
        }
        replaced.push_str(&text[done..range.start]);
        let begins = range.start == 0 && text.starts_with(char::is_uppercase);
        match begins {
            true => replaced.push_str(&upper_first(&with)),
            false => replaced.push_str(&with),
        }
        done = range.end;
    }
    replaced.push_str(&text[done..]);
    replaced
}

/// `text`, a question, with something more said at its end.
fn append(text: &str, more: &str) -> String {
    let bare = bare(text);
    let end = &text[bare.len()..];
    let end = if end.trim().is_empty() {
        "?"
    } else {
        end.trim()
    };
    format!("{bare} {more}{end}")
}
