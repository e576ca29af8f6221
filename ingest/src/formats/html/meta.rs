//! What a web page says of its paper in its head: the `citation_*` elements that Google Scholar
//! asks publishers for (Highwire Press), Dublin Core, PRISM, JSON-LD of schema.org, Open Graph.

use serde_json::Value;

use crate::formats::facts;
use crate::formats::tree::{Child, Element};
use crate::{Field, Metadata, Source};

/// Reads the head of a page.
pub(super) fn metadata(root: Element<'_>) -> Metadata {
    let mut page = Page::default();
    for element in root.descendants() {
        match element.name() {
            "meta" => page.add(element),
            _ if element.has("class", &["ltx_personname"]) => {
                page.people.extend(people_in(element))
            }
            "title" if page.title.is_none() => page.title = element.some_text(),
            "script" if element.has("type", &["application/ld+json"]) => {
                page.add_json(&element.raw_text())
            }
            _ => {}
        }
    }
    page.metadata()
}

/// Names and values, in the page's order.
#[derive(Default)]
struct Page {
    tags: Vec<(String, String)>,
    title: Option<String>,
    article: Option<Value>,
    /// Authors named below the title, as LaTeXML marks them.
    people: Vec<String>,
}

impl Page {
    fn add(&mut self, meta: Element<'_>) {
        let name = meta
            .attr("name")
            .or(meta.attr("property"))
            .or(meta.attr("itemprop"));
        let (Some(name), Some(content)) = (name, meta.attr("content")) else {
            return;
        };
        let content = facts::squeeze(content);
        if !content.is_empty() && self.tags.len() < 10_000 {
            self.tags.push((name.trim().to_ascii_lowercase(), content));
        }
    }

    fn add_json(&mut self, json: &str) {
        if self.article.is_some() {
            return;
        }
        let Ok(value) = serde_json::from_str::<Value>(json) else {
            return;
        };
        let graph = value.get("@graph").cloned();
        let mut things = match graph.unwrap_or(value) {
            Value::Array(things) => things,
            thing => vec![thing],
        };
        for thing in &mut things {
            if let Some(main) = thing.get_mut("mainEntity").map(Value::take)
                && main.is_object()
                && is_article(&main)
            {
                *thing = main;
            }
        }
        self.article = things.into_iter().find(is_article);
    }

    fn all(&self, names: &[&str]) -> Vec<&str> {
        names
            .iter()
            .map(|name| {
                let of_name = self.tags.iter().filter(|(tag, _)| tag == name);
                of_name
                    .map(|(_, content)| content.as_str())
                    .collect::<Vec<_>>()
            })
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    fn first(&self, names: &[&str]) -> Option<&str> {
        self.all(names).first().copied()
    }

    fn json(&self, name: &str) -> Option<&Value> {
        self.article.as_ref()?.get(name)
    }

    fn metadata(&self) -> Metadata {
        const GIVEN: f32 = 0.97;
        const SAID: f32 = 0.85;
        let field =
            |value: &str, confidence| Field::new(value.to_owned(), Source::Markup, confidence);
        let tag =
            |names: &[&str], confidence| self.first(names).map(|value| field(value, confidence));
        let json = |name: &str| {
            self.json(name)
                .and_then(name_of)
                .map(|value| field(&value, SAID))
        };

        let title = tag(&["citation_title"], GIVEN)
            .or_else(|| json("headline"))
            .or_else(|| json("name"))
            .or_else(|| {
                tag(
                    &[
                        "dc.title",
                        "dcterms.title",
                        "eprints.title",
                        "bepress_citation_title",
                    ],
                    SAID,
                )
            })
            .or_else(|| tag(&["og:title", "twitter:title"], 0.7))
            .or_else(|| {
                self.title
                    .as_deref()
                    .map(|title| field(without_site(title), 0.5))
            });

        let mut authors: Vec<String> = Vec::new();
        let mut trust = GIVEN;
        for (names, confidence) in [
            (
                &[
                    "citation_author",
                    "citation_authors",
                    "bepress_citation_author",
                ][..],
                GIVEN,
            ),
            (
                &[
                    "dc.creator",
                    "dcterms.creator",
                    "dc.contributor",
                    "eprints.creators_name",
                ],
                SAID,
            ),
        ] {
            if authors.is_empty() {
                authors = self.people(names);
                trust = confidence;
            }
        }
        if authors.is_empty() {
            authors = self.json("author").map(names_of).unwrap_or_default();
            trust = SAID;
        }
        if authors.is_empty() {
            authors = self.people.clone();
        }
        if authors.is_empty() {
            authors = self.people(&["author", "article:author"]);
            authors.retain(|name| !name.contains("://"));
            trust = 0.6;
        }

        let date = self
            .first(&[
                "citation_publication_date",
                "citation_date",
                "citation_year",
                "prism.publicationdate",
            ])
            .map(|date| (date, GIVEN))
            .or_else(|| {
                let said = [
                    "citation_online_date",
                    "dc.date",
                    "dcterms.issued",
                    "dcterms.date",
                    "dc.date.issued",
                    "article:published_time",
                ];
                self.first(&said).map(|date| (date, SAID))
            })
            .or_else(|| {
                self.json("datePublished")
                    .and_then(Value::as_str)
                    .map(|date| (date, SAID))
            });
        let venue = tag(
            &[
                "citation_journal_title",
                "citation_conference_title",
                "citation_conference",
                "citation_inbook_title",
                "prism.publicationname",
            ],
            GIVEN,
        )
        .or_else(|| tag(&["dc.source", "dcterms.ispartof"], 0.6))
        .or_else(|| json("isPartOf"));
        let doi = [
            "citation_doi",
            "prism.doi",
            "dc.identifier",
            "dcterms.identifier",
            "bepress_citation_doi",
            "doi",
        ]
        .iter()
        .flat_map(|name| self.all(&[name]))
        .find_map(facts::doi)
        .or_else(|| {
            self.json("sameAs")
                .and_then(Value::as_str)
                .and_then(facts::doi)
        })
        .or_else(|| {
            self.json("@id")
                .and_then(Value::as_str)
                .and_then(facts::doi)
        });
        let keywords: Vec<String> = self
            .all(&[
                "citation_keywords",
                "citation_keyword",
                "dc.subject",
                "keywords",
            ])
            .into_iter()
            .flat_map(crate::formats::wording::keywords)
            .collect();
        Metadata {
            title,
            authors: (!authors.is_empty()).then(|| Field::new(authors, Source::Markup, trust)),
            year: date.and_then(|(date, trust)| {
                facts::year(date).map(|year| Field::new(year, Source::Markup, trust))
            }),
            venue,
            doi: doi.map(|doi| Field::new(doi, Source::Markup, GIVEN)),
            arxiv_id: self
                .first(&["citation_arxiv_id"])
                .and_then(facts::arxiv_id)
                .map(|id| Field::new(id, Source::Markup, GIVEN)),
            abstract_text: tag(
                &[
                    "citation_abstract",
                    "dcterms.abstract",
                    "dc.description.abstract",
                ],
                SAID,
            )
            .or_else(|| json("abstract")),
            keywords: (!keywords.is_empty()).then(|| Field::new(keywords, Source::Markup, 0.8)),
        }
    }

    /// One name a tag, or all in one.
    fn people(&self, names: &[&str]) -> Vec<String> {
        let tags = self.all(names);
        match tags.as_slice() {
            [list] => facts::people(list),
            tags => tags.iter().filter_map(|name| facts::person(name)).collect(),
        }
    }
}

fn is_article(thing: &Value) -> bool {
    let is_name = |kind: &Value| {
        kind.as_str().is_some_and(|kind| {
            matches!(
                kind,
                "ScholarlyArticle"
                    | "Article"
                    | "NewsArticle"
                    | "BlogPosting"
                    | "Report"
                    | "TechArticle"
                    | "MedicalScholarlyArticle"
                    | "Thesis"
            )
        })
    };
    match thing.get("@type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_name),
        Some(kind) => is_name(kind),
        None => false,
    }
}

/// A text, or the name of a thing, or of the first of several.
fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(facts::squeeze(text)).filter(|text| !text.is_empty()),
        Value::Object(thing) => match thing.get("name") {
            Some(Value::String(name)) => Some(facts::squeeze(name)),
            _ => None,
        },
        Value::Array(list) => match list.first() {
            Some(first @ (Value::String(_) | Value::Object(_))) => name_of(first),
            _ => None,
        },
        _ => None,
    }
}

fn names_of(value: &Value) -> Vec<String> {
    let names = match value {
        Value::Array(list) => list.iter().filter_map(name_of).collect(),
        one => Vec::from_iter(name_of(one)),
    };
    names
        .iter()
        .filter_map(|name| facts::person(name))
        .collect()
}

/// The names in an element whose marks of affiliations and notes are elements of their own, and
/// whose first line has the names.
fn people_in(element: Element<'_>) -> Vec<String> {
    let mut line = String::new();
    for child in element.children() {
        match child {
            Child::Text(text) => line.push_str(text),
            Child::Element(child) => match child.name() {
                "br" if !line.trim().is_empty() => break,
                "sup" | "br" | "math" => line.push(' '),
                _ if child.has("class", &["ltx_note", "ltx_ERROR", "ltx_font_typewriter"]) => {}
                _ => line.push_str(&child.raw_text()),
            },
        }
    }
    facts::byline(&[&line])
}

/// "Title | Site" and "Title - Site" without the site.
fn without_site(title: &str) -> &str {
    let cut = [" | ", " \u{2014} ", " \u{2013} ", " - ", " :: "]
        .iter()
        .find_map(|mark| {
            let (head, tail) = title.rsplit_once(mark)?;
            (head.split_whitespace().count() >= 3 && tail.split_whitespace().count() <= 4)
                .then_some(head)
        });
    cut.unwrap_or(title).trim()
}
