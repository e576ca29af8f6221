//! Writes answers out: as Markdown with a footnote a quote. The bibliography of their sources is
//! that of the documents that they cite.

use generation::{Answer, Outcome};

/// The answers as one Markdown text: a heading a question, each sentence with the footnotes of its
/// quotes. Footnotes are numbered through, so that what is pasted together stays right.
pub fn markdown<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> String {
    let mut text = String::new();
    let mut first_note = 1;
    for answer in answers {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("## {}\n\n", escaped(&answer.question)));
        if let Some(standalone) = &answer.standalone
            && *standalone != answer.question
        {
            text.push_str(&format!("*Read as: {}*\n\n", escaped(standalone)));
        }
        body(answer, first_note, &mut text);
        for citation in &answer.citations {
            let mut source: Vec<String> = Vec::new();
            if !citation.authors.is_empty() {
                source.push(escaped(&citation.authors.join(", ")));
            }
            let year = citation.year.map(|year| format!(" ({year})"));
            source.push(format!(
                "*{}*{}",
                escaped(&citation.title),
                year.unwrap_or_default()
            ));
            source.push(escaped(&citation.file));
            text.push_str(&format!(
                "[^{}]: {}, page {}: “{}”\n",
                note(first_note, citation.key),
                source.join(", "),
                citation.page,
                escaped(&citation.quote)
            ));
        }
        first_note += answer.citations.len();
    }
    text
}

fn body(answer: &Answer, first_note: usize, text: &mut String) {
    if answer.outcome == Outcome::InsufficientEvidence {
        text.push_str(&format!("{}\n\n", escaped(&answer.answer)));
        if !answer.citations.is_empty() {
            let notes: String = answer
                .citations
                .iter()
                .map(|citation| format!("[^{}]", note(first_note, citation.key)))
                .collect();
            text.push_str(&format!("The nearest passages:{notes}\n\n"));
        }
        return;
    }
    let mut sentences = answer.sentences.iter();
    let mut write = |count: usize, text: &mut String| {
        let written: Vec<String> = sentences
            .by_ref()
            .take(count)
            .map(|sentence| {
                let notes: String = sentence
                    .citations
                    .iter()
                    .map(|key| format!("[^{}]", note(first_note, *key)))
                    .collect();
                match sentence.supported {
                    true => format!("{}{notes}", escaped(&sentence.text)),
                    false => format!("{} *(not supported by any paper)*", escaped(&sentence.text)),
                }
            })
            .collect();
        if !written.is_empty() {
            text.push_str(&format!("{}\n\n", written.join(" ")));
        }
    };
    for part in &answer.parts {
        text.push_str(&format!("### {}\n\n", escaped(&part.heading)));
        write(part.sentences, text);
    }
    write(usize::MAX, text);
}

fn note(first: usize, key: u32) -> usize {
    first + (key as usize).saturating_sub(1)
}

/// On one line, with nothing in it that Markdown or HTML would read as more than text.
fn escaped(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut safe = String::with_capacity(text.len());
    for character in words.join(" ").chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '$' | '&' => {
                safe.push('\\');
                safe.push(character);
            }
            _ if character.is_control() => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            _ => safe.push(character),
        }
    }
    // "1. " and "- " at the beginning of a line make a list.
    match safe.find(['.', ')']) {
        Some(stop) if stop > 0 && safe[..stop].bytes().all(|byte| byte.is_ascii_digit()) => {
            safe.insert(stop, '\\');
        }
        _ if safe.starts_with(['-', '+', '=']) => safe.insert(0, '\\'),
        _ => {}
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use serde_json::json;

    fn answer(question: &str, file: &str) -> Answer {
        serde_json::from_value(json!({
            "id": "1", "question": question, "outcome": "answered",
            "answer": "It takes 35 ms. [1] It is nice.",
            "sentences": [
                {"text": "It takes 35 ms.", "supported": true, "support": 0.9, "citations": [1]},
                {"text": "It is nice.", "supported": false, "support": 0.1, "citations": []}
            ],
            "citations": [{
                "key": 1, "document_id": "d", "file": file, "title": "On *Raft*",
                "authors": ["Ann Lee", "Bo Ray"], "year": 2014, "page": 15,
                "quote": "it takes only 35ms\non average <b>", "rects": [], "chunk_id": 3, "score": 1.0
            }],
            "confidence": null, "model": {"id": "m", "adapter": null},
            "index": {"embedder": "e", "revision": 1}, "seed": null,
            "timings_ms": {"retrieve": null, "rerank": null, "prefill": null, "first_token": null, "total": null},
            "usage": {"prompt_tokens": 0, "completion_tokens": 0}
        }))
        .unwrap()
    }

    #[test]
    fn footnotes_are_numbered_through_and_text_stays_text() {
        let answers = [
            answer("How long?", "raft.pdf"),
            answer("1. [x](javascript:y)?", "b_c.pdf"),
        ];
        expect![[r#"
            ## How long?

            It takes 35 ms.[^1] It is nice. *(not supported by any paper)*

            [^1]: Ann Lee, Bo Ray, *On \*Raft\** (2014), raft.pdf, page 15: “it takes only 35ms on average \<b\>”

            ## 1\. \[x\](javascript:y)?

            It takes 35 ms.[^2] It is nice. *(not supported by any paper)*

            [^2]: Ann Lee, Bo Ray, *On \*Raft\** (2014), b\_c.pdf, page 15: “it takes only 35ms on average \<b\>”
        "#]]
        .assert_eq(&markdown(&answers));
    }

    #[test]
    fn parts_and_refusals_keep_their_shape() {
        let mut parted = answer("Compare", "a.pdf");
        parted.parts = serde_json::from_value(json!([
            {"heading": "First", "document_id": null, "sentences": 1},
            {"heading": "Second", "document_id": null, "sentences": 1}
        ]))
        .unwrap();
        let text = markdown([&parted]);
        assert!(text.contains("### First\n\nIt takes 35 ms.[^1]\n\n### Second\n\nIt is nice."));
        let mut refused = answer("Cheese?", "a.pdf");
        refused.outcome = Outcome::InsufficientEvidence;
        refused.answer = "The library does not answer this question.".to_owned();
        assert!(markdown([&refused]).contains("question.\n\nThe nearest passages:[^1]\n\n[^1]: "));
    }
}
