//! Which words of a passage a question is about.

use std::collections::HashSet;
use std::ops::Range;

use super::analysis::words;
use super::identifier;
use super::language::Language;
use super::plan;
use super::query::{Clause, Occur, ParsedQuery, QueryField};

/// Byte ranges of `text` that match `parsed`: in order, apart from each other, at characters.
pub(super) fn ranges(
    parsed: &ParsedQuery,
    text: &str,
    languages: &[Language],
) -> Vec<Range<usize>> {
    let clauses = || {
        parsed.clauses.iter().filter(|clause| {
            clause.occur != Occur::MustNot && matches!(clause.field, None | Some(QueryField::Body))
        })
    };
    let single: Vec<&str> = clauses()
        .filter(|clause| !clause.phrase)
        .map(|clause| clause.text.as_str())
        .collect();
    let single = single.join(" ");
    let mut found = identifiers(&single, text);
    // The digits and letters that a name was cut into would be marked all over the text.
    let names: Vec<Range<usize>> = identifier::find(&single).map(|name| name.range).collect();
    let mut wanted: HashSet<String> = HashSet::new();
    for word in plan::meaningful(&single, languages) {
        let within_name = names
            .iter()
            .any(|name| name.start <= word.range.start && word.range.end <= name.end);
        let telling = word.surface.chars().filter(|c| c.is_alphabetic()).count() > 2;
        if !within_name || telling {
            wanted.extend(plan::forms(&word, languages));
        }
    }
    let phrases: Vec<Vec<Vec<String>>> = clauses()
        .filter(|clause| clause.phrase)
        .map(|clause| phrase(clause, languages))
        .collect();
    if wanted.is_empty() && phrases.is_empty() && found.is_empty() {
        for word in words(&single) {
            wanted.extend(plan::forms(&word, languages));
        }
    }
    // A word is marked where one of its forms is one of the question's: as documents of the same
    // language meet in the index.
    let here: Vec<_> = words(text)
        .filter(|word| !word.part_of_pair || !wanted.is_empty())
        .collect();
    let forms: Vec<Vec<String>> = here
        .iter()
        .map(|word| plan::forms(word, languages))
        .collect();
    for (word, forms) in here.iter().zip(&forms) {
        if forms.iter().any(|form| wanted.contains(form)) {
            found.push(word.range.clone());
        }
    }
    let in_row: Vec<usize> = (0..here.len())
        .filter(|&at| !here[at].part_of_pair)
        .collect();
    for phrase in phrases.iter().filter(|phrase| !phrase.is_empty()) {
        for row in in_row.windows(phrase.len()) {
            let matches = row
                .iter()
                .zip(phrase)
                .all(|(&at, wanted)| forms[at].iter().any(|form| wanted.contains(form)));
            if matches {
                found.push(here[row[0]].range.start..here[row[row.len() - 1]].range.end);
            }
        }
    }
    joined(found)
}

fn phrase(clause: &Clause, languages: &[Language]) -> Vec<Vec<String>> {
    let words = words(&clause.text).filter(|word| !word.part_of_pair);
    words.map(|word| plan::forms(&word, languages)).collect()
}

fn identifiers(query: &str, text: &str) -> Vec<Range<usize>> {
    let wanted: HashSet<String> = identifier::identifiers(query).into_iter().collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    identifier::find(text)
        .filter(|identifier| wanted.contains(&identifier.canonical))
        .map(|identifier| identifier.range)
        .collect()
}

/// Ranges in order, those that touch as one.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
