//! `/search` and `GET /api/v1/search`: one set of parameters for both, so that an address of the
//! page becomes one of the API by its path alone.
//!
//! The page is a plain form and a list: it works without JavaScript, and a search can be kept as a
//! bookmark.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, get, web};
use anyhow::Context;
use askama::Template;
use ingest::section::SectionKind;
use retrieval::Mode;

use super::State;
use super::problem::{self, Failed};
use super::views::{Choice, SearchForm, SearchPage, SearchResult};
use crate::error::{Fault, Problem};
use crate::library::search::{Expand, FoundPassage, SearchRequest, SearchResponse};

type Shared = web::Data<State>;
type Parameters = web::Query<Vec<(String, String)>>;

const NAMES: &str = "q, like, mode, top_k, offset, collection, author, year, venue, document, \
                     section, rerank, diversify, expand";

/// What diversification the page's box asks for.
const DIVERSIFY: &str = "0.5";

/// Find passages.
#[utoipa::path(
    tag = "search",
    params(
        ("q" = Option<String>, Query, description = "What to look for: words, `\"phrases\"`, `-without`, `title:word`."),
        ("like" = Option<String>, Query, description = "A passage's chunk id, or a document: find what is like it, in place of `q`."),
        ("mode" = Option<Mode>, Query, description = "Which indexes to ask; `hybrid` where not given."),
        ("top_k" = Option<u32>, Query, description = "How many passages, 1 to 100; the setting `top_k` where not given."),
        ("offset" = Option<u32>, Query, description = "How many of the best to leave out: `next_offset` of the page before."),
        ("collection" = Option<String>, Query, description = "Only this collection."),
        ("author" = Option<String>, Query, description = "Only papers with an author of this name: `Smith`, `Jane Smith`, `Smith, J.`"),
        ("year" = Option<String>, Query, description = "Only papers of these years, such as `2012` or `2010..2020`."),
        ("venue" = Option<String>, Query, description = "Only papers of this journal or conference."),
        ("document" = Option<Vec<String>>, Query, description = "Only this document: id, start of an id, or file name; any number of times."),
        ("section" = Option<Vec<String>>, Query, description = "Only sections of this kind, such as `methods`; any number of times."),
        ("rerank" = Option<String>, Query, description = "`on` or `off`: order the best again by their token vectors."),
        ("diversify" = Option<f32>, Query, description = "From 0, the order of relevance, to 1: how much a passage loses by repeating another."),
        ("expand" = Option<Expand>, Query, description = "What is given around each passage."),
    ),
    responses((status = 200, body = SearchResponse)),
)]
#[get("/search")]
pub(super) async fn search_api(
    state: Shared,
    parameters: Parameters,
) -> Result<HttpResponse, Failed> {
    let request = parse(&parameters)?;
    Ok(HttpResponse::Ok().json(state.library.search(&request).await?))
}

#[get("/search")]
pub(super) async fn search_page(state: Shared, parameters: Parameters) -> HttpResponse {
    let page = match made(&state, &parameters).await {
        Ok(page) => page,
        Err(error) => return problem::page(&Problem::from_error(&error)),
    };
    let status = page.problem.as_ref().map_or(StatusCode::OK, |problem| {
        StatusCode::from_u16(problem.fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    });
    match page.render().context("rendering the page") {
        Ok(html) => HttpResponse::build(status)
            .content_type(ContentType::html())
            .body(html),
        Err(error) => problem::page(&Problem::from_error(&error)),
    }
}

/// The page with what was found, or with what is wrong with the request above the form.
async fn made(state: &State, parameters: &[(String, String)]) -> anyhow::Result<SearchPage> {
    let mut collections = super::pages::collections(state).await?;
    let value = |name: &str| first(parameters, name).unwrap_or_default().to_owned();
    let chosen = value("collection");
    if !chosen.is_empty() && !collections.contains(&chosen) {
        collections.push(chosen.clone());
    }
    let mode = value("mode");
    let choices = |all: &[(&str, &str)], chosen: &dyn Fn(&str) -> bool| {
        all.iter()
            .map(|(value, label)| Choice {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
                is_chosen: chosen(value),
            })
            .collect::<Vec<_>>()
    };
    let sections: Vec<&str> = all(parameters, "section").collect();
    let kinds: Vec<(&str, &str)> = SectionKind::ALL
        .iter()
        .map(|kind| (kind.name(), label(*kind)))
        .collect();
    let mut page = SearchPage {
        csrf_token: state.guard.csrf().to_owned(),
        documents: state.library.catalog.count_documents().await? as usize,
        form: SearchForm {
            query: first(parameters, "query").map_or_else(|| value("q"), str::to_owned),
            like: first(parameters, "like").map(str::to_owned),
            modes: choices(
                &[
                    ("hybrid", "words and meaning"),
                    ("bm25", "words"),
                    ("dense", "meaning"),
                ],
                &|value| value == mode || mode.is_empty() && value == "hybrid",
            ),
            collections,
            collection: chosen,
            author: value("author"),
            year: value("year"),
            venue: value("venue"),
            documents: all(parameters, "document").map(str::to_owned).collect(),
            sections: choices(&kinds, &|kind| sections.contains(&kind)),
            diversify: DIVERSIFY.to_owned(),
            is_diverse: first(parameters, "diversify").is_some(),
        },
        ..SearchPage::default()
    };
    if page.form.query.trim().is_empty() && page.form.like.is_none() {
        return Ok(page);
    }
    let outcome = async {
        let request = parse(parameters)?;
        anyhow::Ok((state.library.search(&request).await?, request))
    };
    match outcome.await {
        Ok((response, request)) => {
            let step = request.top_k.unwrap_or(state.library.settings.top_k);
            fill(&mut page, parameters, step, response);
        }
        Err(error) => page.problem = Some(Problem::from_error(&error)),
    }
    Ok(page)
}

fn fill(
    page: &mut SearchPage,
    parameters: &[(String, String)],
    step: usize,
    response: SearchResponse,
) {
    let rest = |offset: usize| {
        let mut pairs: Vec<(&str, String)> = parameters
            .iter()
            .filter(|(name, value)| name != "offset" && !value.is_empty())
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        if offset > 0 {
            pairs.push(("offset", offset.to_string()));
        }
        format!("/search?{}", encoded(&pairs))
    };
    page.previous = (response.offset > 0).then(|| rest(response.offset.saturating_sub(step)));
    page.next = response.next_offset.map(rest);
    page.first = response.offset + 1;
    page.warnings = response.warnings;
    page.nothing = response.reason;
    page.results = response.passages.into_iter().map(result).collect();
}

fn result(found: FoundPassage) -> SearchResult {
    let passage = found.passage;
    let mut parts = Vec::new();
    let mut done = 0;
    for [start, end] in found.highlights {
        if let (Some(before), Some(marked)) =
            (passage.text.get(done..start), passage.text.get(start..end))
        {
            parts.push((false, before.to_owned()));
            parts.push((true, marked.to_owned()));
            done = end;
        }
    }
    parts.push((
        false,
        passage.text.get(done..).unwrap_or_default().to_owned(),
    ));
    let mut byline = match passage.authors.len() {
        0..=3 => passage.authors.join(", "),
        _ => format!("{} et al.", passage.authors[0]),
    };
    if let Some(year) = passage.year {
        byline.push_str(&format!(" ({year})"));
    }
    SearchResult {
        chunk_id: passage.chunk_id,
        document_id: passage.document_id,
        title: passage.title,
        byline: byline.trim().to_owned(),
        page: passage.page,
        pages: match passage.pages {
            [first, last] if first < last => format!("Pages {first}–{last}"),
            [first, _] => format!("Page {first}"),
        },
        section: passage.section,
        parts,
    }
}

fn label(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Abstract => "Abstract",
        SectionKind::Introduction => "Introduction",
        SectionKind::Background => "Background",
        SectionKind::Methods => "Methods",
        SectionKind::Results => "Results",
        SectionKind::Discussion => "Discussion",
        SectionKind::Conclusion => "Conclusion",
        SectionKind::Back => "Back matter",
        SectionKind::Other => "Other",
    }
}

/// The request that an address asks for. A field of a form that was left empty counts as absent.
fn parse(parameters: &[(String, String)]) -> Result<SearchRequest, Problem> {
    let mut request = SearchRequest::default();
    for (name, value) in parameters {
        let text = value.trim();
        if text.is_empty() {
            continue;
        }
        let wrong = |hint: &str| {
            let shown: String = text.chars().take(60).collect();
            Problem::new(
                Fault::Usage,
                &format!("{name}_invalid"),
                format!("{name} = {shown:?} cannot be used"),
                hint,
            )
        };
        let number = || text.parse().map_err(|_| wrong("give a whole number"));
        match name.as_str() {
            "q" | "query" => request.query = value.clone(),
            "like" => request.like = Some(text.to_owned()),
            "mode" => {
                request.mode = match text {
                    "bm25" => Mode::Bm25,
                    "dense" => Mode::Dense,
                    "hybrid" => Mode::Hybrid,
                    _ => return Err(wrong("give one of: bm25, dense, hybrid")),
                }
            }
            "top_k" => request.top_k = Some(number()?),
            "offset" => request.offset = Some(number()?),
            "collection" => request.collection = Some(text.to_owned()),
            "author" => request.author = Some(text.to_owned()),
            "year" => request.year = Some(text.to_owned()),
            "venue" => request.venue = Some(text.to_owned()),
            "document" => request.documents.push(text.to_owned()),
            "section" => request.sections.push(text.to_owned()),
            "rerank" => {
                request.rerank = match text {
                    "on" | "true" | "1" => Some(true),
                    "off" | "false" | "0" => Some(false),
                    _ => return Err(wrong("give on or off")),
                }
            }
            "diversify" => {
                let strength = text
                    .parse()
                    .map_err(|_| wrong("give a number from 0 to 1"))?;
                request.diversify = Some(strength);
            }
            "expand" => {
                request.expand = match text {
                    "none" => Expand::None,
                    "neighbours" => Expand::Neighbours,
                    "section" => Expand::Section,
                    _ => return Err(wrong("give one of: none, neighbours, section")),
                }
            }
            _ => {
                return Err(Problem::new(
                    Fault::Usage,
                    "parameter_unknown",
                    format!("a search has no parameter {name:?}"),
                    format!("the parameters are {NAMES}"),
                ));
            }
        }
    }
    Ok(request)
}

fn all<'a>(parameters: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    parameters
        .iter()
        .filter(move |(given, value)| given == name && !value.trim().is_empty())
        .map(|(_, value)| value.as_str())
}

fn first<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters
        .iter()
        .find(|(given, value)| given == name && !value.trim().is_empty())
        .map(|(_, value)| value.as_str())
}

/// Pairs as an address has them.
fn encoded(pairs: &[(&str, String)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                    (byte as char).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    };
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(pairs: &[(&str, &str)]) -> Result<SearchRequest, Problem> {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        parse(&pairs)
    }

    #[test]
    fn an_address_asks_for_all_that_a_request_can() {
        let request = parsed(&[
            ("q", "leader election"),
            ("mode", "bm25"),
            ("top_k", "5"),
            ("offset", "10"),
            ("author", "Ongaro"),
            ("venue", ""),
            ("document", "a.pdf"),
            ("document", "b.pdf"),
            ("section", "methods"),
            ("rerank", "off"),
            ("diversify", "0.3"),
            ("expand", "section"),
        ])
        .unwrap();
        assert_eq!(
            (request.mode, request.top_k, request.offset),
            (Mode::Bm25, Some(5), Some(10))
        );
        assert_eq!(request.documents, ["a.pdf", "b.pdf"]);
        assert_eq!((request.venue, request.rerank), (None, Some(false)));
        assert_eq!(
            (request.diversify, request.expand),
            (Some(0.3), Expand::Section)
        );
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        for (name, value, code) in [
            ("mode", "magic", "mode_invalid"),
            ("top_k", "-1", "top_k_invalid"),
            ("offset", "99999999999999999999999", "offset_invalid"),
            ("rerank", "maybe", "rerank_invalid"),
            ("diversify", "much", "diversify_invalid"),
            ("expand", "all", "expand_invalid"),
            ("colection", "x", "parameter_unknown"),
        ] {
            assert_eq!(parsed(&[(name, value)]).unwrap_err().code, code);
        }
    }

    #[test]
    fn addresses_keep_every_character() {
        assert_eq!(
            encoded(&[("q", "a&b=c ü\"".into()), ("offset", "8".into())]),
            "q=a%26b%3Dc%20%C3%BC%22&offset=8"
        );
    }
}
