//! From what a search is restricted by to what the indexes understand: document ids and kinds of
//! sections. A name that nothing has is no failure: it finds nothing, and says which name.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use anyhow::Result;
use ingest::section::SectionKind;
use retrieval::Filter;

use super::SearchRequest;
use crate::catalog::DocumentFilter;
use crate::error::{Fault, Problem};
use crate::library::Library;

/// Longest name of an author or a venue, in characters.
const NAME_CHARACTERS: usize = 300;
/// Most documents and sections that a request can name.
const MOST_NAMES: usize = 200;

/// Where to look.
pub(super) struct Restriction {
    /// As the indexes take it.
    pub(super) filter: Filter,
    /// Why nothing can be found there, where that is known already.
    pub(super) nothing: Option<String>,
}

impl Library {
    /// Resolves the filters of a request.
    pub(super) async fn restriction(&self, request: &SearchRequest) -> Result<Restriction> {
        check_names(request)?;
        let years = request.year.as_deref().map(years).transpose()?;
        let section_kinds = sections(&request.sections)?;
        if let Some(name) = &request.collection
            && !self.catalog.has_collection(name).await?
        {
            return Err(collection_not_found(name).into());
        }
        let mut restriction = Restriction {
            filter: Filter {
                collection: request.collection.clone(),
                documents: None,
                section_kinds,
            },
            nothing: None,
        };

        let mut documents: Option<BTreeSet<String>> = None;
        if !request.documents.is_empty() {
            let mut named = BTreeSet::new();
            for name in &request.documents {
                named.insert(self.document(name).await?.id);
            }
            documents = Some(named);
        }
        if request.author.is_some() || years.is_some() || request.venue.is_some() {
            let wanted = DocumentFilter {
                collection: request.collection.clone(),
                author: request.author.clone(),
                years,
                venue: request.venue.clone(),
            };
            let mut found = self.catalog.document_ids(&wanted).await?;
            if let Some(named) = &documents {
                found.retain(|id| named.contains(id));
            }
            documents = Some(found);
        }
        if documents.as_ref().is_some_and(BTreeSet::is_empty) {
            restriction.nothing = Some(self.why_none(request).await?);
        }
        restriction.filter.documents = documents.map(|ids| ids.into_iter().collect());
        Ok(restriction)
    }

    /// Which filter, taken alone, no paper passes; where each has some, that none passes all.
    async fn why_none(&self, request: &SearchRequest) -> Result<String> {
        let alone = [
            (
                &request.author,
                "an author",
                DocumentFilter {
                    author: request.author.clone(),
                    ..DocumentFilter::default()
                },
            ),
            (
                &request.venue,
                "the venue",
                DocumentFilter {
                    venue: request.venue.clone(),
                    ..DocumentFilter::default()
                },
            ),
            (
                &request.year,
                "the year",
                DocumentFilter {
                    years: request.year.as_deref().map(years).transpose()?,
                    ..DocumentFilter::default()
                },
            ),
        ];
        for (value, what, wanted) in alone {
            if let Some(value) = value
                && self.catalog.document_ids(&wanted).await?.is_empty()
            {
                return Ok(format!("no paper in the library has {what} {value:?}"));
            }
        }
        Ok(format!(
            "no paper in the library is {} at once",
            request.filters().join(", ")
        ))
    }
}

/// The failure of naming a collection that is not there.
pub fn collection_not_found(name: &str) -> Problem {
    Problem::new(
        Fault::NotFound,
        "collection_not_found",
        format!("there is no collection {name:?}"),
        "`lectern collections list` shows the collections",
    )
}

fn check_names(request: &SearchRequest) -> Result<(), Problem> {
    for (code, value) in [
        ("author_invalid", &request.author),
        ("venue_invalid", &request.venue),
    ] {
        let Some(value) = value else { continue };
        let has_name = value.chars().any(char::is_alphanumeric);
        if !has_name || value.chars().count() > NAME_CHARACTERS {
            let what = code.trim_end_matches("_invalid");
            let shown: String = value.chars().take(60).collect();
            return Err(Problem::new(
                Fault::Usage,
                code,
                format!("{shown:?} is no name of an {what}").replace("an v", "a v"),
                match what {
                    "author" => {
                        "give a family name, or a whole name such as \"Jane Smith\" or \"Smith, J.\""
                    }
                    _ => {
                        "give a journal or conference, whole, in part or abbreviated, such as JMLR"
                    }
                },
            ));
        }
    }
    for (code, list) in [
        ("documents_invalid", &request.documents),
        ("sections_invalid", &request.sections),
    ] {
        if list.len() > MOST_NAMES {
            return Err(Problem::new(
                Fault::Usage,
                code,
                format!("{} values are too many for one search", list.len()),
                format!("give at most {MOST_NAMES}, or put the papers in a collection"),
            ));
        }
    }
    Ok(())
}

/// `2012`, `2010..2020` (both ends included; `2010-2020` too), `2010..` or `..2020`.
fn years(text: &str) -> Result<RangeInclusive<i32>, Problem> {
    let year = |part: &str, open: i32| match part.trim() {
        "" => Some(open),
        part => part.parse().ok(),
    };
    let separated = text.split_once("..").or_else(|| {
        text.split_once(['-', '\u{2013}'])
            .filter(|(from, to)| !from.trim().is_empty() && !to.trim().is_empty())
    });
    let range = match separated {
        Some((from, to)) if !(from.trim().is_empty() && to.trim().is_empty()) => {
            year(from, i32::MIN).zip(year(to.trim_start_matches('='), i32::MAX))
        }
        Some(_) => None,
        None => text.trim().parse().ok().map(|single| (single, single)),
    };
    match range {
        Some((from, to)) if from <= to => Ok(from..=to),
        _ => Err(Problem::new(
            Fault::Usage,
            "year_invalid",
            format!("{text:?} is no year and no range of years"),
            "give 2012, 2010..2020, 2010.. or ..2020",
        )),
    }
}

fn sections(names: &[String]) -> Result<BTreeSet<SectionKind>, Problem> {
    names
        .iter()
        .flat_map(|names| names.split(','))
        .map(|name| {
            name.parse().map_err(|()| {
                let known: Vec<&str> = SectionKind::ALL.iter().map(|kind| kind.name()).collect();
                Problem::new(
                    Fault::Usage,
                    "section_invalid",
                    format!("{name:?} is no kind of section"),
                    format!("give one of: {}", known.join(", ")),
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_single_or_ranges() {
        assert_eq!(years("2012").unwrap(), 2012..=2012);
        assert_eq!(years(" 2010 .. 2020 ").unwrap(), 2010..=2020);
        assert_eq!(years("2010-2020").unwrap(), 2010..=2020);
        assert_eq!(years("2010..").unwrap(), 2010..=i32::MAX);
        assert_eq!(years("..2020").unwrap(), i32::MIN..=2020);
        for bad in [
            "",
            "..",
            "soon",
            "2020..2010",
            "1..x",
            "2010..2020..2030",
            "99999999999",
            "-",
        ] {
            assert_eq!(years(bad).unwrap_err().code, "year_invalid", "{bad}");
        }
    }

    #[test]
    fn sections_are_named_by_kind() {
        let found = sections(&["methods, results".into(), "Abstract".into()]).unwrap();
        assert_eq!(found.len(), 3);
        let problem = sections(&["methodology".into()]).unwrap_err();
        assert_eq!(problem.code, "section_invalid");
        assert!(problem.hint.contains("methods") && problem.hint.contains("other"));
    }

    #[test]
    fn names_must_be_names() {
        for (author, venue, code) in [
            (Some(""), None, "author_invalid"),
            (Some("\0 ..."), None, "author_invalid"),
            (None, Some("--"), "venue_invalid"),
        ] {
            let request = SearchRequest {
                author: author.map(str::to_owned),
                venue: venue.map(str::to_owned),
                ..SearchRequest::default()
            };
            assert_eq!(check_names(&request).unwrap_err().code, code);
        }
    }
}
