//! Keeps text of papers from being read as anything but text.
//!
//! Three things could let a paper speak for the system or the user: a model's own control tokens, a
//! chat format's markers that are plain text (Llama 2's `[INST]`), and characters that nobody sees.
//! All are taken out or broken up before a prompt is built, for every family at once, since a model
//! server renders its own template and may read any of them.
//!
//! Words that order a model about ("ignore previous instructions") cannot be taken out: a paper on
//! the subject is about them. They are told from other prose so that the prompt can quote them.

/// Marks of a turn or of its end in the chat formats of the models that Lectern knows.
const MARKS: [&str; 34] = [
    "<|im_start|>",
    "<|im_end|>",
    "<|im_sep|>",
    "<|endoftext|>",
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|python_tag|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "<|tool|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "<<SYS>>",
    "<</SYS>>",
    "### Instruction:",
    "### Response:",
    "### System:",
];

/// `text` without characters that nobody sees, and with chat formats' marks broken up by a space.
pub fn tame(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_hidden(*c)).collect();
    MARKS.iter().fold(seen, |text, mark| break_up(&text, mark))
}

/// Breaks up each of `special_tokens` in `text` with a space, so that the tokenizer reads it as
/// the plain text that it is.
pub fn neutralise(text: &str, special_tokens: &[String]) -> String {
    special_tokens
        .iter()
        .fold(text.to_owned(), |text, token| break_up(&text, token))
}

/// Puts a space after the first character of each `mark` in `text`, whatever its case.
fn break_up(text: &str, mark: &str) -> String {
    let Some(first) = mark.chars().next() else {
        return text.to_owned();
    };
    if mark.len() == first.len_utf8() {
        return text.replace(mark, " ");
    }
    let lower = text.to_ascii_lowercase();
    let wanted = mark.to_ascii_lowercase();
    let mut broken = String::with_capacity(text.len());
    let mut done = 0;
    // Upper and lower case ASCII have the same length, so places in `lower` are places in `text`.
    for (at, _) in lower.match_indices(&wanted) {
        let after_first = at + first.len_utf8();
        broken.push_str(&text[done..after_first]);
        broken.push(' ');
        done = after_first;
    }
    broken.push_str(&text[done..]);
    broken
}

/// True for what has no shape on paper: controls, zero widths, marks that turn the direction of
/// writing, variation selectors and tags. Line ends and tabs are seen.
pub fn is_hidden(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    is_control
        || matches!(c,
            '\u{00ad}'
            | '\u{034f}'
            | '\u{061c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// True for words that order a model about rather than tell a reader something.
pub fn is_instruction(text: &str) -> bool {
    /// Each is met where all its words stand in the text in this order, near each other.
    const ORDERS: [&[&str]; 13] = [
        &["ignore", "instructions"],
        &["ignore", "prompt"],
        &["ignore", "rules"],
        &["disregard", "instructions"],
        &["disregard", "above"],
        &["forget", "instructions"],
        &["override", "instructions"],
        &["reveal", "system", "prompt"],
        &["print", "system", "prompt"],
        &["new", "instructions:"],
        &["you", "are", "now"],
        &["do", "not", "answer", "question"],
        &["respond", "only", "with"],
    ];
    /// Words that may stand between two words of an order.
    const GAP: usize = 5;
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != ':'))
        .collect();
    ORDERS.iter().any(|order| {
        let mut starts = (0..words.len()).filter(|at| words[*at] == order[0]);
        starts.any(|start| {
            let mut at = start;
            order[1..].iter().all(|wanted| {
                let near =
                    (at + 1..words.len().min(at + 2 + GAP)).find(|place| words[*place] == *wanted);
                near.inspect(|place| at = *place).is_some()
            })
        })
    })
}
