//! What stands before the text of a Markdown file: YAML between lines of dashes, or Pandoc's three
//! lines of title, authors and date behind percent signs.

use serde_json::Value;

use crate::formats::facts;
use crate::{Field, Metadata, Source};

/// Longest front matter in bytes.
const MAX_LENGTH: usize = 256 << 10;

/// What the front matter says, and the text after it.
pub(super) fn split(text: &str) -> (Metadata, &str) {
    if let Some((yaml, body)) = yaml_block(text) {
        // What is no YAML after all is a rule and a paragraph.
        return match serde_saphyr::from_str::<Value>(yaml) {
            Ok(value) if value.is_object() => (of_yaml(&value), body),
            Ok(Value::Null) => (Metadata::default(), body),
            _ => (Metadata::default(), text),
        };
    }
    if text.starts_with("% ") {
        return of_percent(text);
    }
    (Metadata::default(), text)
}

fn yaml_block(text: &str) -> Option<(&str, &str)> {
    let first = text.lines().next()?;
    if first.trim_end() != "---" {
        return None;
    }
    let start = text.find('\n')? + 1;
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        if at - start > MAX_LENGTH {
            return None;
        }
        if matches!(line.trim_end(), "---" | "...") {
            return Some((&text[start..at], &text[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

fn of_yaml(value: &Value) -> Metadata {
    let field = |value: String| Field::new(value, Source::Markup, 0.95);
    let first = |keys: &[&str]| keys.iter().find_map(|key| plain(value.get(key)?));
    let list = |keys: &[&str]| keys.iter().find_map(|key| value.get(key));
    let title = first(&["title"]).map(|title| match first(&["subtitle"]) {
        Some(subtitle) => format!("{title}: {subtitle}"),
        None => title,
    });
    let authors = list(&["authors", "author"]).map(people).unwrap_or_default();
    let keywords = list(&["keywords", "tags"]).map(|list| match list {
        Value::String(list) => crate::formats::wording::keywords(list),
        list => items(list).iter().filter_map(plain).collect(),
    });
    let arxiv = first(&["arxiv", "arxiv_id", "eprint"]);
    Metadata {
        title: title.map(field),
        authors: (!authors.is_empty()).then(|| Field::new(authors, Source::Markup, 0.95)),
        year: first(&["date", "year", "published"])
            .and_then(|date| facts::year(&date))
            .map(|year| Field::new(year, Source::Markup, 0.9)),
        venue: first(&["journal", "venue", "container-title", "publication"]).map(field),
        doi: first(&["doi", "DOI"])
            .and_then(|doi| facts::doi(&doi))
            .map(field),
        arxiv_id: arxiv.and_then(|id| facts::arxiv_id(&id)).map(field),
        abstract_text: value
            .get("abstract")
            .and_then(Value::as_str)
            .map(paragraphs)
            .filter(|text| !text.is_empty())
            .map(field),
        keywords: keywords
            .filter(|list| !list.is_empty())
            .map(|list| Field::new(list, Source::Markup, 0.9)),
    }
}

/// Paragraphs on one line each, apart by an empty line.
fn paragraphs(text: &str) -> String {
    let parts: Vec<String> = text
        .split("\n\n")
        .map(facts::squeeze)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("\n\n")
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(facts::squeeze(text)).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    }
}

/// Authors as a text, a list of names, or a list of maps with their names in many shapes.
fn people(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for person in items(value) {
        match &person {
            Value::String(names) if !value.is_array() => found.extend(facts::people(names)),
            Value::String(name) => found.extend(facts::person(name)),
            Value::Object(map) => {
                let part = |keys: &[&str]| keys.iter().find_map(|key| plain(map.get(*key)?));
                let given = part(&[
                    "given",
                    "given-names",
                    "given_name",
                    "first",
                    "firstname",
                    "first-name",
                ]);
                let family = part(&["family", "surname", "last", "lastname", "last-name"]);
                let name = match map.get("name") {
                    Some(name @ Value::Object(_)) => people(name).pop(),
                    _ => part(&["name", "literal"]).and_then(|name| facts::person(&name)),
                };
                let parts: Vec<String> = given.into_iter().chain(family).collect();
                // Bookdown writes the name as the key: "- Jane Doe: {affiliation: ...}".
                let as_key = || {
                    (map.len() == 1)
                        .then(|| map.keys().next().cloned())
                        .flatten()
                };
                found.extend(match (name, parts.is_empty()) {
                    (Some(name), _) => Some(name),
                    (None, false) => Some(parts.join(" ")),
                    (None, true) => as_key(),
                });
            }
            _ => {}
        }
    }
    found
}

/// Pandoc's title block: "% title", "% author; author", "% date".
fn of_percent(text: &str) -> (Metadata, &str) {
    let mut fields: Vec<String> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_more = line.starts_with(' ') && !line.trim().is_empty();
        match line.strip_prefix('%') {
            Some(rest) if fields.len() < 3 => fields.push(rest.trim().to_owned()),
            None if is_more && !fields.is_empty() => {
                // A second line of authors is another author.
                let mark = if fields.len() == 2 { "; " } else { " " };
                if let Some(field) = fields.last_mut() {
                    field.push_str(mark);
                    field.push_str(line.trim());
                }
            }
            _ => break,
        }
        at += line.len();
    }
    let get = |index: usize| fields.get(index).filter(|field| !field.is_empty());
    let authors = get(1).map(|list| facts::people(list)).unwrap_or_default();
    let metadata = Metadata {
        title: get(0).map(|title| Field::new(title.clone(), Source::Markup, 0.95)),
        authors: (!authors.is_empty()).then(|| Field::new(authors, Source::Markup, 0.95)),
        year: get(2)
            .and_then(|date| facts::year(date))
            .map(|year| Field::new(year, Source::Markup, 0.9)),
        ..Metadata::default()
    };
    (metadata, &text[at..])
}
