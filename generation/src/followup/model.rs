//! Asks a language model for the stand-alone question, and takes no more of it than can be checked.
//!
//! A rewrite that loses a word of the question asks something else, and one that brings a word in
//! that nobody said makes something up. Both can be seen from the words alone, so both are refused.

use std::collections::HashSet;

use super::Turn;
use crate::sampling::Sampling;
use crate::words::{content_stems, words};
use crate::{Generator, Message};

const SYSTEM: &str = "You rewrite the last question of a conversation so that it can be understood \
without the conversation. Keep all of its words that carry meaning. Replace pronouns and add what it \
leaves out, with words of the conversation only. Reply with the question and nothing else.";

/// Turns that the model is shown.
const TURNS: usize = 4;
/// Characters of an answer that it is shown.
const ANSWER_CHARACTERS: usize = 300;
/// A rewrite may have so many words more than the question.
const MORE_WORDS: usize = 25;

/// What the model makes of the question, where that holds what it must.
pub(super) fn ask(model: &dyn Generator, question: &str, history: &[Turn]) -> Option<String> {
    let shown = &history[history.len().saturating_sub(TURNS)..];
    let mut conversation = String::new();
    for turn in shown {
        conversation.push_str(&format!("Question: {}\n", turn.asked()));
        if let Some(answer) = &turn.answer {
            let answer: String = crate::align::strip_markers(answer)
                .chars()
                .take(ANSWER_CHARACTERS)
                .collect();
            conversation.push_str(&format!("Answer: {}\n", crate::prompt::one_line(&answer)));
        }
    }
    let message = |role: &str, content: String| Message {
        role: role.to_owned(),
        content,
    };
    let chat = [
        message("system", SYSTEM.to_owned()),
        message(
            "user",
            format!(
                "Conversation:\n{conversation}\nLast question: {question}\nStand-alone question:"
            ),
        ),
    ];
    let sampling = Sampling {
        max_tokens: 80,
        repeat_penalty: 1.0,
        ..Sampling::default()
    };
    let mut lines = 0;
    let completion = model.generate(&chat, &sampling, &mut |text| {
        lines += text.trim_start().matches('\n').count();
        lines == 0
    });
    match completion {
        Ok(completion) => checked(&completion.text, question, shown),
        // The question can be searched for as it is; the answer will meet the same failure.
        Err(_) => None,
    }
}

/// The rewrite, if it keeps the question's words and adds only words that were said.
fn checked(text: &str, question: &str, history: &[Turn]) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line
        .trim_start_matches("Stand-alone question:")
        .trim()
        .trim_matches(['"', '“', '”'])
        .trim();
    let (Some(first), true) = (
        line.chars().next(),
        line.ends_with('?') || !question.ends_with('?'),
    ) else {
        return None;
    };
    let added = words(line).len().saturating_sub(words(question).len());
    if first.is_lowercase() && question.starts_with(char::is_uppercase) || added > MORE_WORDS {
        return None;
    }
    let asked: HashSet<String> = content_stems(question).into_iter().collect();
    let written: HashSet<String> = content_stems(line).into_iter().collect();
    let mut said = asked.clone();
    for turn in history {
        said.extend(content_stems(turn.asked()));
        said.extend(content_stems(turn.answer.as_deref().unwrap_or_default()));
        said.extend(turn.titles.iter().flat_map(|title| content_stems(title)));
    }
    (asked.is_subset(&written) && written.is_subset(&said)).then(|| line.to_owned())
}
