//! Says to the model what to do, what the papers say, and what was asked, as a chat.
//!
//! [`crate::template`] renders a chat in the form that the model was trained on.
//!
//! Text from papers is data. It reaches the template only as the value of `content`, never as
//! template source, and [`crate::fence`] takes out of it whatever a model or a server would read as
//! the end of a message.

use retrieval::Passage;

use crate::Message;
use crate::evidence::Evidence;
use crate::fence::{is_instruction, tame};

/// What the model is told. Short and plain, because a model of 135M parameters follows one or two
/// rules, and talks about its rules if there are more.
const SYSTEM: &str = "You are a helpful assistant. Answer the question in one or two short \
sentences, with facts from the notes only. If the notes do not say, answer: The notes do not say.";

/// What [`messages`] tells the model to say where its notes do not answer.
pub const NO_ANSWER: &str = "The notes do not say.";

/// Text that ends the evidence in the prompt; taken out of the evidence itself.
const FENCE: &str = "\"\"\"";

/// The chat that asks the model to answer `question` from `evidence`.
pub fn messages(question: &str, passages: &[Passage], evidence: &[Evidence]) -> Vec<Message> {
    let message = |role: &str, content: String| Message {
        role: role.to_owned(),
        content,
    };
    let notes = notes(passages, evidence);
    let question = tame(&one_line(question));
    vec![
        message("system", SYSTEM.to_owned()),
        message(
            "user",
            format!("Notes:\n{FENCE}\n{notes}{FENCE}\n\nQuestion: {question}"),
        ),
    ]
}

/// The evidence as numbered notes under the titles of their papers, in the order of each paper's
/// best note. Sentences that are neighbours in a passage are one note.
fn notes(passages: &[Passage], evidence: &[Evidence]) -> String {
    let mut papers: Vec<&str> = Vec::new();
    for item in evidence {
        let document = passages[item.passage].document_id.as_str();
        if !papers.contains(&document) {
            papers.push(document);
        }
    }
    let mut text = String::new();
    let mut number = 0;
    for paper in papers {
        let mut items: Vec<&Evidence> = evidence
            .iter()
            .filter(|item| passages[item.passage].document_id == paper)
            .collect();
        items.sort_by_key(|item| (item.passage, item.range.start));
        let title = &passages[items[0].passage].title;
        text.push_str(&format!("From \"{}\":\n", quiet(title)));
        for (index, item) in items.iter().enumerate() {
            let passage = &passages[item.passage].text;
            let follows = index > 0 && {
                let before = items[index - 1];
                before.passage == item.passage
                    && passage[before.range.end..item.range.start]
                        .trim()
                        .is_empty()
            };
            if follows {
                text.pop();
                text.push(' ');
            } else {
                number += 1;
                text.push_str(&format!("{number}. "));
            }
            text.push_str(&note(&passage[item.range.clone()]));
            text.push('\n');
        }
    }
    text
}

/// On one line, and without what would end the fence around the notes or begin another message.
fn quiet(text: &str) -> String {
    tame(&one_line(text)).replace(FENCE, "\"")
}

/// As [`quiet`]; what reads as an order to the model is told as something that the paper prints.
fn note(text: &str) -> String {
    let text = quiet(text);
    if is_instruction(&text) {
        format!("The paper prints the words \u{201c}{text}\u{201d}")
    } else {
        text
    }
}

/// With all white space, line ends too, as single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
