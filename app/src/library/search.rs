//! How passages are found: the question is checked, author and year become document ids, the
//! indexes rank, the catalog gives the text.

use std::time::Instant;

use anyhow::Result;
use retrieval::{Filter, Fusion, Mode, ParsedQuery, Passage, Query};
use serde::{Deserialize, Serialize};

use super::Library;
use crate::error::{Fault, Problem};

/// Longest question, in characters.
pub const QUESTION_CHARACTERS: usize = 4000;

/// What to look for and where.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SearchRequest {
    /// What the person typed.
    pub query: String,
    /// Which indexes to ask.
    #[serde(default)]
    pub mode: Mode,
    /// How many passages; the setting `top_k` where not given.
    #[serde(default)]
    pub top_k: Option<usize>,
    /// Only this collection.
    #[serde(default)]
    pub collection: Option<String>,
    /// Only papers with an author whose name contains this.
    #[serde(default)]
    pub author: Option<String>,
    /// Only papers of these years, such as `2012` or `2010..2020`.
    #[serde(default)]
    pub year: Option<String>,
}

/// What `search --json` prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchResponse {
    /// What was looked for.
    pub query: String,
    /// Which indexes were asked.
    pub mode: Mode,
    /// Time it took, in milliseconds.
    pub took_ms: f64,
    /// What was found, best first.
    pub passages: Vec<Passage>,
    /// What could not be asked and was done without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Library {
    /// Finds passages.
    ///
    /// # Errors
    /// A problem that says what is wrong with the request, or where a store fails.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        let started = Instant::now();
        check_question(&request.query)?;
        let top_k = request.top_k.unwrap_or(self.settings.top_k);
        if !(1..=100).contains(&top_k) {
            return Err(Problem::new(
                Fault::Usage,
                "top_k_invalid",
                format!("top_k = {top_k} is out of range"),
                "give a number from 1 to 100",
            )
            .into());
        }
        let filter = self.filter(request).await?;
        let query = Query {
            asked: ParsedQuery::parse(&request.query),
            fusion: Fusion::default(),
            mode: request.mode,
            // Some hits may be left out while an index is still catching up.
            top_k: top_k * 2,
            rerank: true,
            filter,
        };
        let searched = self.find(&query).await?;
        let passages = self
            .catalog
            .passages(&searched.found.hits, top_k, searched.up_to)
            .await?;
        drop(searched.indexes);
        Ok(SearchResponse {
            query: request.query.clone(),
            mode: request.mode,
            took_ms: started.elapsed().as_secs_f64() * 1000.0,
            passages,
            warnings: searched.found.warnings,
        })
    }

    async fn filter(&self, request: &SearchRequest) -> Result<Filter> {
        if let Some(name) = &request.collection
            && !self
                .catalog
                .collections()
                .await?
                .iter()
                .any(|(existing, _)| existing == name)
        {
            return Err(collection_not_found(name).into());
        }
        let mut filter = Filter {
            collection: request.collection.clone(),
            ..Filter::default()
        };
        if request.author.is_some() || request.year.is_some() {
            let years = request.year.as_deref().map(years).transpose()?;
            let author = request.author.as_ref().map(|author| author.to_lowercase());
            let mut documents = self
                .catalog
                .documents(request.collection.as_deref())
                .await?;
            documents.retain(|record| {
                let by_author = author.as_ref().is_none_or(|author| {
                    record
                        .authors
                        .iter()
                        .any(|name| name.to_lowercase().contains(author))
                });
                let by_year = years
                    .as_ref()
                    .is_none_or(|years| record.year.is_some_and(|year| years.contains(&year)));
                by_author && by_year
            });
            filter.documents = Some(documents.into_iter().map(|record| record.id).collect());
        }
        Ok(filter)
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

/// Refuses a question that is empty or too long.
///
/// # Errors
/// A problem `question_empty` or `question_too_long`.
pub fn check_question(question: &str) -> Result<(), Problem> {
    if question.trim().is_empty() {
        return Err(Problem::new(
            Fault::Usage,
            "question_empty",
            "the question is empty",
            "type what you want to know",
        ));
    }
    let characters = question.chars().count();
    if characters > QUESTION_CHARACTERS {
        return Err(Problem::new(
            Fault::Usage,
            "question_too_long",
            format!("the question is {characters} characters long"),
            format!("ask in at most {QUESTION_CHARACTERS} characters"),
        ));
    }
    Ok(())
}

/// `2012`, `2010..2020` (both ends included), `2010..` or `..2020`.
fn years(text: &str) -> Result<std::ops::RangeInclusive<i32>, Problem> {
    let year = |part: &str, open: i32| match part.trim() {
        "" => Some(open),
        part => part.parse().ok(),
    };
    let range = match text.split_once("..") {
        Some((from, to)) => year(from, i32::MIN).zip(year(to.trim_start_matches('='), i32::MAX)),
        None => text.trim().parse().ok().map(|single| (single, single)),
    };
    match range {
        Some((from, to)) if from <= to => Ok(from..=to),
        _ => Err(Problem::new(
            Fault::Usage,
            "year_invalid",
            format!("{text:?} is no year and no range of years"),
            "give 2012 or 2010..2020",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_single_or_ranges() {
        assert_eq!(years("2012").unwrap(), 2012..=2012);
        assert_eq!(years("2010..2020").unwrap(), 2010..=2020);
        assert_eq!(years("2010..").unwrap(), 2010..=i32::MAX);
        for bad in ["", "soon", "2020..2010", "1..x"] {
            assert_eq!(years(bad).unwrap_err().code, "year_invalid", "{bad}");
        }
    }

    #[test]
    fn questions_have_bounds() {
        assert_eq!(check_question(" \n").unwrap_err().code, "question_empty");
        assert_eq!(
            check_question(&"a".repeat(100_000)).unwrap_err().code,
            "question_too_long"
        );
        assert!(check_question("What is Raft?").is_ok());
    }
}
