//! Entries of a JATS reference list. A `mixed-citation` is printed text with its parts marked; an
//! `element-citation` has the parts only, so its text is written here in a plain style.

use super::front::person;
use crate::Reference;
use crate::formats::facts;
use crate::formats::tree::Element;

/// The entries of a `ref`, mostly one, with their text as printed.
pub(super) fn entries(reference: Element<'_>) -> Vec<(String, Reference)> {
    let label = reference.child("label").and_then(Element::some_text);
    let label = label.unwrap_or_default();
    let label = label.trim_matches(['[', ']', '.', '(', ')', ' ']);
    let mut found: Vec<(String, Reference)> = reference
        .elements()
        .filter_map(|part| match part.name() {
            "citation-alternatives" => ["mixed-citation", "element-citation", "nlm-citation"]
                .iter()
                .find_map(|name| part.child(name)),
            "mixed-citation" | "element-citation" | "nlm-citation" | "citation" => Some(part),
            _ => None,
        })
        .map(|citation| entry(citation, label))
        .filter(|(printed, _)| !printed.is_empty())
        .collect();
    if found.is_empty() {
        let text: Vec<String> = reference
            .elements()
            .filter(|part| part.name() != "label")
            .filter_map(Element::some_text)
            .collect();
        let text = text.join(" ");
        if !text.is_empty() {
            found.push((
                labelled(label, &text),
                Reference {
                    label: label.to_owned(),
                    ..facts::reference(&text)
                },
            ));
        }
    }
    found
}

fn entry(citation: Element<'_>, label: &str) -> (String, Reference) {
    let authors = authors(citation);
    let text_of = |name: &str| citation.find(name).and_then(Element::some_text);
    // A chapter's own title comes before its book's.
    let title = [
        "article-title",
        "chapter-title",
        "data-title",
        "part-title",
        "source",
    ]
    .iter()
    .find_map(|name| text_of(name));
    let own = citation.name() == "mixed-citation" || citation.children().any(|child| {
        matches!(child, crate::formats::tree::Child::Text(text) if text.chars().any(char::is_alphanumeric))
    });
    let text = if own {
        citation.text()
    } else {
        written(citation, &authors)
    };
    let guessed = facts::reference(&text);
    let id = citation
        .descendants()
        .find(|id| id.name() == "pub-id" && id.has("pub-id-type", &["doi"]))
        .map(Element::text);
    let year = text_of("year").and_then(|year| facts::year(&year));
    let found = Reference {
        label: label.to_owned(),
        authors,
        title: title.or(guessed.title),
        year: year.or(guessed.year),
        doi: id.and_then(|id| facts::doi(&id)).or(guessed.doi),
        ..Reference::default()
    };
    (labelled(label, &text), found)
}

/// The entry as the list shows it.
fn labelled(label: &str, text: &str) -> String {
    if label.is_empty() || text.starts_with(label) || text.starts_with('[') {
        text.to_owned()
    } else {
        format!("[{label}] {text}")
    }
}

fn authors(citation: Element<'_>) -> Vec<String> {
    let is_author = |group: &Element<'_>| {
        group
            .attr("person-group-type")
            .is_none_or(|kind| kind == "author")
    };
    let groups: Vec<Element<'_>> = citation
        .descendants()
        .filter(|group| group.name() == "person-group")
        .collect();
    let holders: Vec<Element<'_>> = match groups.iter().find(|group| is_author(group)) {
        Some(group) => vec![*group],
        None if groups.is_empty() => vec![citation],
        None => vec![groups[0]],
    };
    holders
        .iter()
        .flat_map(|holder| holder.elements())
        .filter_map(|name| match name.name() {
            "name" => person(name),
            "string-name" => person(name).or_else(|| name.some_text()),
            "collab" | "institution" => name.some_text(),
            _ => None,
        })
        .collect()
}

/// Parts without punctuation of their own, written as a reference list would print them.
fn written(citation: Element<'_>, authors: &[String]) -> String {
    let part = |name: &str| citation.find(name).and_then(Element::some_text);
    let mut text = authors.join(", ");
    if citation.find("etal").is_some() {
        text.push_str(" et al.");
    }
    if let Some(year) = part("year") {
        text = format!("{text} ({year})");
    }
    let sentence = |text: &mut String, part: Option<String>| {
        if let Some(part) = part {
            if !text.is_empty() {
                text.push_str(if text.ends_with(['.', '?', '!']) {
                    " "
                } else {
                    ". "
                });
            }
            text.push_str(&part);
        }
    };
    for name in [
        "article-title",
        "chapter-title",
        "data-title",
        "source",
        "conf-name",
    ] {
        sentence(&mut text, part(name));
    }
    // Of a journal nobody prints the publisher.
    if part("article-title").is_none() {
        sentence(&mut text, part("publisher-name"));
    }
    if let Some(volume) = part("volume") {
        text = format!("{text}, {volume}");
    }
    if let Some(issue) = part("issue") {
        text = format!("{text}({issue})");
    }
    match (part("fpage"), part("lpage")) {
        (Some(first), Some(last)) if first != last => {
            text = format!("{text}, {first}\u{2013}{last}")
        }
        (Some(first), _) => text = format!("{text}, {first}"),
        _ => {
            if let Some(id) = part("page-range").or_else(|| part("elocation-id")) {
                text = format!("{text}, {id}");
            }
        }
    }
    sentence(&mut text, part("pub-id"));
    sentence(&mut text, part("uri").or_else(|| part("ext-link")));
    text
}
