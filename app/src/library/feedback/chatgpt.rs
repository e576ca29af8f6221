//! ChatGPT's own export: `conversations.json`, a list of conversations. A conversation is a tree of
//! messages (`mapping`), because a message that was edited or answered again has several children;
//! what was on screen last is the path from the root to `current_node`.
//!
//! Each question of a person and what was answered to it become a pair. What was said before is left
//! out: a follow-up that cannot be read alone is for the reviewer to reject or mend.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// True for what has the shape of a conversation of that export.
pub(super) fn is_conversation(value: &Value) -> bool {
    value.get("mapping").is_some()
}

/// Questions and answers of a conversation, in order.
///
/// # Errors
/// What of its shape is wrong.
pub(super) fn pairs(conversation: &Value) -> Result<Vec<(String, String)>, String> {
    let Some(mapping) = conversation.get("mapping").and_then(Value::as_object) else {
        return Err("`mapping` is not an object".to_owned());
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut asked: Option<String> = None;
    let mut answered: Vec<String> = Vec::new();
    let mut finish = |asked: &mut Option<String>, answered: &mut Vec<String>| {
        if let Some(question) = asked.take()
            && !answered.is_empty()
        {
            pairs.push((question, answered.join("\n\n")));
        }
        answered.clear();
    };
    for message in path(mapping, conversation.get("current_node"))? {
        let Some((role, text)) = said(message) else {
            continue;
        };
        match (role, text) {
            ("user", text) => {
                finish(&mut asked, &mut answered);
                asked = text;
            }
            ("assistant", Some(text)) => answered.push(text),
            _ => {}
        }
    }
    finish(&mut asked, &mut answered);
    Ok(pairs)
}

/// The messages from the root to the node that was on screen last.
fn path<'a>(
    mapping: &'a Map<String, Value>,
    current: Option<&'a Value>,
) -> Result<Vec<&'a Value>, String> {
    let mut at = match current.and_then(Value::as_str) {
        Some(current) if mapping.contains_key(current) => Some(current),
        Some(current) => {
            let shown: String = current.chars().take(60).collect();
            return Err(format!("`current_node` {shown:?} is not in `mapping`"));
        }
        None => last_leaf(mapping),
    };
    let mut seen = HashSet::new();
    let mut messages = Vec::new();
    while let Some(id) = at {
        if !seen.insert(id) {
            return Err("`mapping` goes round in a circle".to_owned());
        }
        let Some(node) = mapping.get(id) else { break };
        if let Some(message) = node.get("message").filter(|message| message.is_object()) {
            messages.push(message);
        }
        at = node.get("parent").and_then(Value::as_str);
    }
    messages.reverse();
    Ok(messages)
}

/// The end of the branch that was written last, where the export does not say which was on screen.
fn last_leaf(mapping: &Map<String, Value>) -> Option<&str> {
    let is_leaf = |node: &Value| {
        node.get("children")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
    };
    let time = |node: &Value| node["message"]["create_time"].as_f64().unwrap_or(0.0);
    mapping
        .iter()
        .filter(|(_, node)| is_leaf(node))
        .max_by(|a, b| time(a.1).total_cmp(&time(b.1)))
        .map(|(id, _)| id.as_str())
}

/// Who said what; no text where it is a picture, a call of a tool or something hidden.
fn said(message: &Value) -> Option<(&str, Option<String>)> {
    let role = message["author"]["role"].as_str()?;
    if message["metadata"]["is_visually_hidden_from_conversation"] == true {
        return None;
    }
    // What an assistant says to a tool is no answer.
    if message["recipient"].as_str().is_some_and(|to| to != "all") {
        return None;
    }
    let content = &message["content"];
    let texts = match content["content_type"].as_str() {
        Some("text") => content["parts"].as_array()?,
        // A question with a picture cannot be answered without it.
        _ => return Some((role, None)),
    };
    let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
    let text = texts.join("\n").trim().to_owned();
    Some((role, (!text.is_empty()).then_some(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(parent: Option<&str>, role: &str, text: &str, children: &[&str]) -> Value {
        json!({
            "parent": parent, "children": children,
            "message": {
                "author": {"role": role}, "create_time": text.len(), "recipient": "all",
                "content": {"content_type": "text", "parts": [text]},
            },
        })
    }

    fn conversation() -> Value {
        json!({
            "title": "Fusion",
            "current_node": "a2",
            "mapping": {
                "root": {"parent": null, "children": ["s"], "message": null},
                "s": node(Some("root"), "system", "", &["q1"]),
                "q1": node(Some("s"), "user", "What is fusion?", &["a1", "a1b"]),
                "a1": node(Some("q1"), "assistant", "An answer that was thrown away.", &[]),
                "a1b": node(Some("q1"), "assistant", "Joining rankings.", &["a1c"]),
                "a1c": node(Some("a1b"), "assistant", "By rank.", &["q2"]),
                "q2": node(Some("a1c"), "user", "With which k?", &["t"]),
                "t": node(Some("q2"), "tool", "searching", &["a2"]),
                "a2": node(Some("t"), "assistant", "60.", &[]),
            },
        })
    }

    #[test]
    fn what_was_on_screen_becomes_pairs() {
        let wanted = [
            ("What is fusion?", "Joining rankings.\n\nBy rank."),
            ("With which k?", "60."),
        ];
        let wanted = wanted.map(|(q, a)| (q.to_owned(), a.to_owned()));
        let mut conversation = conversation();
        assert_eq!(pairs(&conversation).unwrap(), wanted);
        assert!(is_conversation(&conversation));
        conversation["current_node"] = Value::Null;
        let by_time = pairs(&conversation).unwrap();
        assert_eq!(by_time[0].1, "An answer that was thrown away.");
    }

    #[test]
    fn pictures_tools_and_broken_trees_are_no_pairs() {
        let mut with_picture = conversation();
        with_picture["mapping"]["q2"]["message"]["content"]["content_type"] =
            "multimodal_text".into();
        with_picture["mapping"]["a1c"]["message"]["recipient"] = "browser".into();
        let found = pairs(&with_picture).unwrap();
        assert_eq!(
            found,
            [("What is fusion?".into(), "Joining rankings.".into())]
        );

        let mut circle = conversation();
        circle["mapping"]["root"]["parent"] = "a2".into();
        assert!(pairs(&circle).unwrap_err().contains("circle"));
        let mut lost = conversation();
        lost["current_node"] = "nowhere".into();
        assert!(pairs(&lost).unwrap_err().contains("nowhere"));
        assert!(pairs(&json!({"mapping": 3})).is_err());
        assert!(
            pairs(&json!({"mapping": {"a": 3, "b": {"message": {"author": 1}}}}))
                .unwrap()
                .is_empty()
        );
    }
}
