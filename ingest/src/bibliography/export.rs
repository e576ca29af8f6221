//! Entries to a BibTeX file that other programs read, and that reads back the same.

use std::collections::HashSet;
use std::fmt::Write;

use super::Entry;

/// The entries as BibTeX, in their order; keys that are missing or taken are made up.
pub fn to_bibtex(entries: &[Entry]) -> String {
    let mut text = String::new();
    let mut keys: HashSet<String> = HashSet::new();
    for entry in entries {
        let key = free_key(entry, &mut keys);
        write_entry(entry, &key, &mut text);
    }
    text
}

fn write_entry(entry: &Entry, key: &str, text: &mut String) {
    let is_meeting = entry.venue.as_deref().is_some_and(|venue| {
        let lower = venue.to_lowercase();
        ["proceedings", "conference", "symposium", "workshop"]
            .iter()
            .any(|word| lower.contains(word))
    });
    let (kind, venue) = match (&entry.venue, is_meeting) {
        (Some(_), true) => ("inproceedings", "booktitle"),
        (Some(_), false) => ("article", "journal"),
        (None, _) => ("misc", "journal"),
    };
    // Writing to a string can't fail.
    let _ = writeln!(text, "@{kind}{{{key},");
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {name} = {{{value}}},");
        }
    };
    // Double braces keep the capitals.
    let title = entry
        .title
        .as_deref()
        .map(|title| format!("{{{}}}", escape(title)));
    field("title", &title.unwrap_or_default());
    let authors: Vec<String> = entry.authors.iter().map(|name| author(name)).collect();
    field("author", &authors.join(" and "));
    field(
        "year",
        &entry.year.map(|year| year.to_string()).unwrap_or_default(),
    );
    field(venue, &escape(entry.venue.as_deref().unwrap_or("")));
    field("doi", &plain(entry.doi.as_deref().unwrap_or("")));
    if let Some(id) = &entry.arxiv_id {
        field("eprint", &plain(id));
        field("archiveprefix", "arXiv");
    }
    field("keywords", &escape(&entry.keywords.join(", ")));
    field(
        "abstract",
        &escape(entry.abstract_text.as_deref().unwrap_or("")),
    );
    let files: Vec<String> = entry.files.iter().map(|path| file(path)).collect();
    field("file", &files.join(";"));
    text.push_str("}\n\n");
}

/// Braces keep a name whole that BibTeX would take apart.
fn author(name: &str) -> String {
    let is_plain =
        !name.contains([',', '{', '}', '=']) && !name.split(' ').any(|word| word == "and");
    // A particle in front is taken for the family name's; with it the order is still the same.
    if is_plain && name.contains(' ') {
        escape(name)
    } else {
        format!("{{{}}}", escape(name))
    }
}

/// `:path:PDF`, as JabRef has it.
fn file(path: &str) -> String {
    let mut escaped = String::new();
    for c in path.chars() {
        if matches!(c, ':' | ';' | '\\') {
            escaped.push('\\');
        }
        if !matches!(c, '{' | '}') {
            escaped.push(c);
        }
    }
    format!(":{escaped}:PDF")
}

/// LaTeX's own characters, escaped.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Two in a row would be a dash.
            '-' if escaped.ends_with('-') => escaped.push_str("{}-"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            c if c.is_control() => escaped.push(' '),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Identifiers, which have no braces or spaces.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '{' | '}' | '\\') && !c.is_whitespace() && !c.is_control())
        .collect()
}

/// The entry's key, or one of family name, year and first word; a letter is added where it is taken.
fn free_key(entry: &Entry, keys: &mut HashSet<String>) -> String {
    let safe = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '/' | '+'))
            .collect()
    };
    let mut key = safe(&entry.key);
    if key.is_empty() {
        let family = entry
            .authors
            .first()
            .and_then(|name| name.split_whitespace().last())
            .unwrap_or("anonymous");
        let word = entry
            .title
            .as_deref()
            .and_then(|title| {
                title
                    .split_whitespace()
                    .find(|word| word.chars().count() > 3)
            })
            .unwrap_or("");
        let year = entry.year.map(|year| year.to_string()).unwrap_or_default();
        key = safe(&format!("{family}{year}{word}")).to_lowercase();
    }
    if keys.insert(key.to_lowercase()) {
        return key;
    }
    let mut number = keys.len();
    loop {
        let other = format!("{key}-{number}");
        if keys.insert(other.to_lowercase()) {
            return other;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bibliography::parse_bibtex;
    use expect_test::expect;
    use proptest::prelude::*;

    fn sample() -> Entry {
        Entry {
            key: "lee2020".to_owned(),
            title: Some("The HTTP Protocol: 50% & More_of_it {sic} a\\b ~ ^".to_owned()),
            authors: vec![
                "Ann B. Lee".to_owned(),
                "Jan van der Berg".to_owned(),
                "Lee and Sons".to_owned(),
                "Jérôme Müller".to_owned(),
                "DeepThing-AI".to_owned(),
            ],
            year: Some(2020),
            venue: Some("Proceedings of Things".to_owned()),
            doi: Some("10.1000/abc_1".to_owned()),
            arxiv_id: Some("2001.00001".to_owned()),
            abstract_text: Some("One. Two.".to_owned()),
            keywords: vec!["a b".to_owned(), "c".to_owned()],
            files: vec!["C:\\lib\\a; b.pdf".to_owned(), "/home/x_1.pdf".to_owned()],
        }
    }

    #[test]
    fn written_as_others_write_it() {
        expect![[r#"
            @inproceedings{lee2020,
              title = {{The HTTP Protocol: 50\% \& More\_of\_it \{sic\} a\textbackslash{}b \textasciitilde{} \textasciicircum{}}},
              author = {Ann B. Lee and Jan van der Berg and {Lee and Sons} and Jérôme Müller and {DeepThing-AI}},
              year = {2020},
              booktitle = {Proceedings of Things},
              doi = {10.1000/abc_1},
              eprint = {2001.00001},
              archiveprefix = {arXiv},
              keywords = {a b, c},
              abstract = {One. Two.},
              file = {:C\:\\lib\\a\; b.pdf:PDF;:/home/x_1.pdf:PDF},
            }

        "#]]
        .assert_eq(&to_bibtex(&[sample()]));
    }

    #[test]
    fn reads_back_the_same() {
        let (entries, problems) = parse_bibtex(&to_bibtex(&[sample()]));
        assert_eq!(problems, []);
        assert_eq!(entries, [sample()]);
    }

    #[test]
    fn keys_are_made_up_and_unique() {
        let mut entry = sample();
        entry.key.clear();
        let (entries, _) = parse_bibtex(&to_bibtex(&[entry.clone(), entry]));
        let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["lee2020http", "lee2020http-1"]);
    }

    proptest! {
        #[test]
        fn titles_read_back(title in "[A-Za-z0-9&%$#_{}~^ .:é-]{1,40}") {
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            let entry = Entry {
                key: "k".to_owned(),
                title: (!title.is_empty()).then(|| title.clone()),
                ..Entry::default()
            };
            let (entries, problems) = parse_bibtex(&to_bibtex(&[entry]));
            prop_assert_eq!(problems, vec![]);
            prop_assert_eq!(entries[0].title.clone().unwrap_or_default(), title);
        }
    }
}
