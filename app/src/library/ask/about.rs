//! Questions about papers rather than in them. [`generation::intent`] tells them by their words;
//! here it is settled which papers they mean, and [`catalog`](super::catalog),
//! [`compare`](super::compare) and [`summary`](super::summary) answer them, without a model.
//!
//! Where the papers that are meant can't be told, a question is an ordinary one, unless a
//! comparison or a summary was asked for by name: then a problem says what is missing.

use std::time::Instant;

use anyhow::Result;
use generation::intent::{self, Comparison, Intent, Papers};
use generation::parts::Asked;
use generation::{Answered, IndexInfo};

use super::conversation::Talk;
use super::{AskRequest, Task};
use crate::catalog::DocumentRecord;
use crate::error::{Fault, Problem};
use crate::library::Library;
use crate::library::search::collection_not_found;

/// Papers whose names a message lists.
const LISTED: usize = 4;

/// Where a question looks.
pub(super) struct Scope {
    /// The papers, those that were added last first.
    pub(super) papers: Vec<DocumentRecord>,
    /// The collection, where one was chosen.
    pub(super) collection: Option<String>,
    /// They were named one by one.
    pub(super) is_named: bool,
}

/// An answer and what went less well than it should.
pub(super) struct Told {
    pub(super) answered: Answered,
    pub(super) warnings: Vec<String>,
}

impl Library {
    /// The answer to a question about papers; `None` where it is an ordinary question.
    ///
    /// # Errors
    /// A problem where papers are named that are not there, or where a store fails.
    pub(in crate::library) async fn about_papers(
        &self,
        request: &AskRequest,
        talk: &Talk,
        started: Instant,
    ) -> Result<Option<Answered>> {
        let is_asked_for = matches!(request.task, Task::Compare | Task::Summarise);
        // "Summarise this paper" means the paper that is asked, whatever was spoken of before.
        let question = match &talk.standalone {
            Some(alone) if intent::read(alone) != Intent::Answer => alone,
            _ => &request.question,
        };
        let intent = match (request.task, intent::read(question)) {
            (Task::Answer, _) => Intent::Answer,
            (Task::Auto, read)
            | (Task::Compare, read @ Intent::Compare(_))
            | (Task::Summarise, read @ Intent::Summarise(_)) => read,
            (Task::Compare, _) => Intent::Compare(Comparison {
                papers: Papers::Asked,
                aspects: vec![question.trim().to_owned()],
            }),
            (Task::Summarise, _) => Intent::Summarise(Papers::Asked),
        };
        if intent == Intent::Answer {
            return Ok(None);
        }
        let mut scope = self.papers_of(talk).await?;
        let asked = self.asked(request, started).await?;
        let told = match intent {
            Intent::Answer => None,
            Intent::Catalog(question) => self.count_or_list(&question, scope, asked).await?,
            Intent::Compare(Comparison { papers, aspects }) => {
                if !narrow(&mut scope, &papers, is_asked_for)? {
                    return Ok(None);
                }
                match scope.papers.len() {
                    0 | 1 if is_asked_for => return Err(too_few(&scope).into()),
                    0 | 1 => None,
                    _ => Some(self.compare(&aspects, scope, asked).await?),
                }
            }
            Intent::Summarise(papers) => {
                if !narrow(&mut scope, &papers, is_asked_for)? {
                    return Ok(None);
                }
                match scope.papers.len() {
                    1 => Some(self.summarise(scope, asked).await?),
                    2.. if scope.is_named => Some(self.summarise(scope, asked).await?),
                    _ if is_asked_for => return Err(which_paper(&scope).into()),
                    _ => None,
                }
            }
        };
        Ok(told.map(|told| {
            let mut answered = told.answered;
            answered.answer.warnings = told.warnings;
            answered
        }))
    }

    /// The papers that a question may look at.
    async fn papers_of(&self, talk: &Talk) -> Result<Scope> {
        if let Some(name) = &talk.collection
            && !self.catalog.has_collection(name).await?
        {
            return Err(collection_not_found(name).into());
        }
        let mut papers = self.catalog.documents(talk.collection.as_deref()).await?;
        if !talk.documents.is_empty() {
            let mut named = Vec::new();
            for name in &talk.documents {
                named.push(self.document(name).await?.id);
            }
            papers.retain(|paper| named.contains(&paper.id));
            papers.sort_by_key(|paper| named.iter().position(|id| *id == paper.id));
        }
        Ok(Scope {
            papers,
            collection: talk.collection.clone(),
            is_named: !talk.documents.is_empty(),
        })
    }

    async fn asked(&self, request: &AskRequest, started: Instant) -> Result<Asked> {
        let indexes = self.indexes().await?;
        Ok(Asked {
            id: uuid::Uuid::now_v7().to_string(),
            question: request.question.clone(),
            index: IndexInfo {
                embedder: indexes.generation.spec.embedder.clone(),
                revision: indexes.watermark(),
            },
            started,
            retrieve_ms: None,
        })
    }
}

/// Leaves the papers that the question names. False where one can't be found and the question may
/// be an ordinary one.
fn narrow(scope: &mut Scope, papers: &Papers, is_asked_for: bool) -> Result<bool, Problem> {
    let Papers::Named(names) = papers else {
        return Ok(true);
    };
    let mut found: Vec<DocumentRecord> = Vec::new();
    for name in names {
        let mut matching = matching(&scope.papers, name);
        match matching.len() {
            1 => found.extend(matching.pop().cloned()),
            0 if is_asked_for => {
                return Err(Problem::new(
                    Fault::NotFound,
                    "document_not_found",
                    format!("no paper is called {name:?}"),
                    "`lectern documents list` shows titles and files",
                ));
            }
            0 => return Ok(false),
            count => {
                return Err(Problem::new(
                    Fault::Usage,
                    "document_ambiguous",
                    format!("{count} papers match {name:?}: {}", listed(&matching)),
                    "say which by its file name, such as `--document FILE`",
                ));
            }
        }
    }
    found.dedup_by(|a, b| a.id == b.id);
    scope.papers = found;
    scope.is_named = true;
    Ok(true)
}

/// The papers that `name` may mean: by id or file; else by title; else by words of the title or the
/// file name, or an author's last name.
fn matching<'p>(papers: &'p [DocumentRecord], name: &str) -> Vec<&'p DocumentRecord> {
    let lower = name.to_lowercase();
    let wanted = words(name);
    let is_row = |text: &str| {
        let text = words(text);
        !wanted.is_empty() && text.windows(wanted.len()).any(|row| row == wanted)
    };
    let by_file = |paper: &DocumentRecord| {
        paper.file.to_lowercase() == lower
            || stem(&paper.file).to_lowercase() == lower
            || lower.len() >= 8 && paper.id.starts_with(&lower)
    };
    let by_title = |paper: &DocumentRecord| words(&paper.title) == wanted;
    let by_words = |paper: &DocumentRecord| {
        is_row(&paper.title)
            || is_row(stem(&paper.file))
            || paper.authors.iter().any(|author| {
                words(author).last().is_some()
                    && words(author).last() == wanted.last()
                    && wanted.len() == 1
            })
    };
    let tests: [&dyn Fn(&DocumentRecord) -> bool; 3] = [&by_file, &by_title, &by_words];
    tests
        .iter()
        .map(|fits| {
            papers
                .iter()
                .filter(|paper| fits(paper))
                .collect::<Vec<_>>()
        })
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn listed(papers: &[&DocumentRecord]) -> String {
    let mut names: Vec<&str> = papers
        .iter()
        .take(LISTED)
        .map(|paper| paper.file.as_str())
        .collect();
    if papers.len() > LISTED {
        names.push("...");
    }
    names.join(", ")
}

fn too_few(scope: &Scope) -> Problem {
    let there = match scope.papers.as_slice() {
        [] => "there is none to compare".to_owned(),
        [one, ..] => format!("{} is the only one", one.file),
    };
    Problem::new(
        Fault::Usage,
        "comparison_needs_papers",
        format!("a comparison takes two papers, and {there}"),
        "name the papers, such as `--document a.pdf --document b.pdf`, or a collection that has several",
    )
}

fn which_paper(scope: &Scope) -> Problem {
    Problem::new(
        Fault::Usage,
        "summary_needs_a_paper",
        match scope.papers.len() {
            0 => "there is no paper to summarise".to_owned(),
            count => format!("a summary is of one paper, and there are {count} to choose from"),
        },
        "name the paper, such as `--document raft.pdf`",
    )
}

/// A title with who wrote it and when.
pub(super) fn headed(paper: &DocumentRecord) -> String {
    let family = |name: &String| {
        let last = name.rsplit(' ').next().unwrap_or(name);
        match name.split_once(',') {
            Some((family, _)) => family.to_owned(),
            None => last.to_owned(),
        }
    };
    let by = match paper.authors.as_slice() {
        [] => None,
        [one] => Some(family(one)),
        [one, two] => Some(format!("{} and {}", family(one), family(two))),
        [one, ..] => Some(format!("{} et al.", family(one))),
    };
    let known: Vec<String> = by
        .into_iter()
        .chain(paper.year.map(|year| year.to_string()))
        .collect();
    match known.is_empty() {
        true => paper.title.clone(),
        false => format!("{} ({})", paper.title, known.join(", ")),
    }
}
