//! What JATS says of the article as a whole.

use crate::formats::facts;
use crate::formats::tree::Element;
use crate::{Field, Metadata, Source};

/// Title, authors, year and more, as the publisher marked them.
pub(super) fn metadata(article: Element<'_>, meta: Element<'_>) -> Metadata {
    let sure = |value| Field::new(value, Source::Markup, 0.99);
    let title = meta.path(&["title-group", "article-title"]).map(title_text);
    let subtitle = meta
        .path(&["title-group", "subtitle"])
        .and_then(Element::some_text);
    let title = match (title.filter(|title| !title.is_empty()), subtitle) {
        (Some(title), Some(subtitle)) => Some(format!("{title}: {subtitle}")),
        (title, _) => title,
    };
    let authors: Vec<String> = meta
        .children_named("contrib-group")
        .flat_map(Element::elements)
        .filter(|contrib| contrib.name() == "contrib")
        .filter(|contrib| {
            contrib
                .attr("contrib-type")
                .is_none_or(|kind| kind == "author")
        })
        .filter_map(contributor)
        .collect();
    let journal = article.path(&["front", "journal-meta"]);
    let venue = journal.and_then(|journal| {
        ["journal-title", "abbrev-journal-title"]
            .iter()
            .find_map(|name| journal.find(name).and_then(Element::some_text))
    });
    let id = |kinds: &[&str]| {
        meta.children_named("article-id")
            .find(|id| id.has("pub-id-type", kinds))
            .map(Element::text)
    };
    let abstract_text: Vec<String> = meta
        .children_named("abstract")
        .filter(|part| part.attr("abstract-type").is_none())
        .flat_map(paragraphs)
        .collect();
    let keywords: Vec<String> = meta
        .children_named("kwd-group")
        .filter(|group| !group.has("kwd-group-type", &["abbreviations", "abbr"]))
        .flat_map(Element::descendants)
        .filter(|keyword| keyword.name() == "kwd")
        .filter_map(Element::some_text)
        .collect();
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    Metadata {
        title: title.map(sure),
        authors: some(authors).map(|list| Field::new(list, Source::Markup, 0.99)),
        year: year(meta).map(|year| Field::new(year, Source::Markup, 0.99)),
        venue: venue.map(sure),
        doi: id(&["doi"]).and_then(|id| facts::doi(&id)).map(sure),
        arxiv_id: id(&["arxiv"]).and_then(|id| facts::arxiv_id(&id)).map(sure),
        abstract_text: some(abstract_text).map(|parts| sure(parts.join("\n\n"))),
        keywords: some(keywords).map(|list| Field::new(list, Source::Markup, 0.99)),
    }
}

/// A title without the marks of footnotes to it.
fn title_text(title: Element<'_>) -> String {
    let mut text = String::new();
    for child in title.children() {
        match child {
            crate::formats::tree::Child::Text(part) => text.push_str(part),
            crate::formats::tree::Child::Element(part) => match part.name() {
                "xref" | "fn" => {}
                "break" => text.push(' '),
                "inline-formula" => text.push_str(&crate::formats::math::text(part)),
                _ => text.push_str(&part.raw_text()),
            },
        }
    }
    facts::squeeze(&text)
}

fn contributor(contrib: Element<'_>) -> Option<String> {
    let name = contrib
        .child("name")
        .or_else(|| contrib.path(&["name-alternatives", "name"]));
    match name {
        Some(name) => person(name),
        None => ["string-name", "collab"].iter().find_map(|kind| {
            let element = contrib.find(kind)?;
            if element.child("surname").is_some() {
                return person(element);
            }
            // A group lists its members inside.
            let own = element
                .children()
                .filter_map(|child| match child {
                    crate::formats::tree::Child::Text(text) => Some(text.to_owned()),
                    crate::formats::tree::Child::Element(part) => {
                        (part.name() != "contrib-group").then(|| part.raw_text())
                    }
                })
                .collect::<String>();
            Some(facts::squeeze(&own)).filter(|own| !own.is_empty())
        }),
    }
}

/// A name in parts, given names first; Chinese, Japanese and Korean names as they are written.
pub(super) fn person(name: Element<'_>) -> Option<String> {
    let part = |part: &str| name.child(part).and_then(Element::some_text);
    let (given, family) = (part("given-names"), part("surname"));
    let (first, second) = if name.has("name-style", &["eastern"]) {
        (family, given)
    } else {
        (given, family)
    };
    let parts: Vec<String> = [first, second, part("suffix")]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The year of the version of record: printed, in a collection, or first online.
fn year(meta: Element<'_>) -> Option<i32> {
    let dates: Vec<Element<'_>> = meta.children_named("pub-date").collect();
    let of = |date: &Element<'_>| {
        let year = date.child("year").map(Element::text);
        facts::year(year.as_deref().or(date.attr("iso-8601-date"))?)
    };
    let best = [
        &["pub", "ppub"][..],
        &["collection"],
        &["epub", "epreprint"],
    ];
    best.iter()
        .find_map(|kinds| {
            dates
                .iter()
                .filter(|date| date.has("date-type", kinds) || date.has("pub-type", kinds))
                .find_map(of)
        })
        .or_else(|| dates.iter().find_map(of))
        .or_else(|| facts::year(&meta.path(&["permissions", "copyright-year"])?.text()))
}

/// The abstract's paragraphs, each part with its heading.
fn paragraphs(part: Element<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for child in part.elements() {
        match child.name() {
            "p" => found.extend(child.some_text()),
            "sec" => {
                let text = paragraphs(child).join(" ");
                match child.child("title").and_then(Element::some_text) {
                    Some(title) => found.push(format!("{title}: {text}")),
                    None => found.push(text),
                }
            }
            "title" | "label" => {}
            _ => found.extend(child.some_text()),
        }
    }
    found
}
