//! What a person types, read as plain words, phrases, fields and conditions.
//!
//! ```text
//! attention head            words, the more of them the better
//! "attention is all"        these words in a row, required
//! title:attention           in the title; also author:, section: and body:
//! title:"neural nets"       a phrase there
//! +bert  -survey            must and must not stand in the passage
//! -author:smith             both together
//! ```
//!
//! There are no syntax errors. An operator counts only where it can mean nothing else: before a
//! word, with a space (or nothing) before it. So a hyphen in a word, "-5", "a - b", "--flag",
//! "C++", an unknown field and a quotation mark without its partner are read as text. A question
//! that only excludes has nothing to search for, so its words are searched for instead.

use super::analysis::{is_invisible, words};

/// Clauses read as conditions; what follows is read as words.
const CONDITIONS: usize = 32;
/// Bytes of a question that are read; what follows would not change the answer.
const LONGEST: usize = 100_000;
/// Bytes in which a quotation mark's partner is looked for.
const LONGEST_PHRASE: usize = 1_000;

/// What a clause asks of a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occur {
    /// It is better with it.
    Should,
    /// It must have it.
    Must,
    /// It must not have it.
    MustNot,
}

/// Where a clause looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryField {
    /// The document's title.
    Title,
    /// The document's authors.
    Authors,
    /// The headings above the passage.
    Section,
    /// The passage itself.
    Body,
}

/// One word, run of words or phrase of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// What it asks.
    pub occur: Occur,
    /// Only here; anywhere where `None`.
    pub field: Option<QueryField>,
    /// Its words are to stand in a row.
    pub phrase: bool,
    /// Its words.
    pub text: String,
}

/// A question, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedQuery {
    /// In the order in which they were typed; neighbouring plain words are one clause.
    pub clauses: Vec<Clause>,
}

impl ParsedQuery {
    /// Reads what a person typed; every text has a reading.
    pub fn parse(text: &str) -> Self {
        let text = cleaned(text);
        let mut clauses: Vec<Clause> = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let conditions = clauses.iter().filter(|clause| clause.is_condition());
            let read = (conditions.count() < CONDITIONS)
                .then(|| condition(rest))
                .flatten();
            let (clause, length) = read.unwrap_or_else(|| {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (Clause::plain(&rest[..end]), end)
            });
            rest = rest[length..].trim_start();
            match clauses.last_mut() {
                Some(last) if !last.is_condition() && !clause.is_condition() => {
                    last.text.push(' ');
                    last.text.push_str(&clause.text);
                }
                _ => clauses.push(clause),
            }
        }
        let says_something = |clause: &&Clause| words(&clause.text).next().is_some();
        if clauses
            .iter()
            .filter(says_something)
            .all(|clause| clause.occur == Occur::MustNot)
        {
            let words: Vec<&str> = clauses.iter().map(|clause| clause.text.as_str()).collect();
            return Self::plain(&words.join(" "));
        }
        Self { clauses }
    }

    /// `text` as plain words, whatever stands in it.
    pub fn plain(text: &str) -> Self {
        let text = cleaned(text);
        let clauses = if text.trim().is_empty() {
            Vec::new()
        } else {
            vec![Clause::plain(text.trim())]
        };
        Self { clauses }
    }

    /// The question without its operators and without what it excludes: what is to be embedded.
    pub fn plain_text(&self) -> String {
        let wanted = self.clauses.iter();
        wanted
            .filter(|clause| clause.occur != Occur::MustNot)
            .map(|clause| clause.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// True where some passages are ruled out, whatever their score.
    pub fn has_conditions(&self) -> bool {
        self.clauses.iter().any(Clause::is_condition)
    }
}

impl Clause {
    fn plain(text: &str) -> Self {
        Self {
            occur: Occur::Should,
            field: None,
            phrase: false,
            text: text.to_owned(),
        }
    }

    /// True where it rules passages out.
    pub fn is_condition(&self) -> bool {
        self.occur != Occur::Should
    }
}

/// The condition that `text` begins with and its length in bytes.
fn condition(text: &str) -> Option<(Clause, usize)> {
    let occur = match text.chars().next()? {
        '+' => Occur::Must,
        '-' | '\u{2212}' => Occur::MustNot,
        _ => Occur::Should,
    };
    let sign = match occur {
        Occur::Should => 0,
        _ => text.chars().next().map_or(0, char::len_utf8),
    };
    let (field, prefix) = field(&text[sign..]);
    let operand = &text[sign + prefix..];
    let (body, phrase, length) = match quoted(operand) {
        Some((body, length)) => (body, true, length),
        None => {
            let end = operand.find(char::is_whitespace).unwrap_or(operand.len());
            (&operand[..end], false, end)
        }
    };
    let first = body.chars().next()?;
    let stray = !phrase
        && (body.contains(['"', '“', '”'])
            // "-5" is a number and "--flag" is text.
            || !first.is_alphanumeric()
            || sign > 0 && field.is_none() && first.is_numeric());
    let is_plain = sign == 0 && field.is_none() && !phrase;
    if stray || is_plain || words(body).next().is_none() {
        return None;
    }
    let clause = Clause {
        occur: match occur {
            Occur::MustNot => Occur::MustNot,
            _ => Occur::Must,
        },
        field,
        phrase,
        text: body.trim().to_owned(),
    };
    Some((clause, sign + prefix + length))
}

/// The field that `text` begins with and the length of its name with the colon.
fn field(text: &str) -> (Option<QueryField>, usize) {
    let Some((name, rest)) = text.split_once(':') else {
        return (None, 0);
    };
    let field = match name.to_ascii_lowercase().as_str() {
        "title" => QueryField::Title,
        "author" | "authors" => QueryField::Authors,
        "section" => QueryField::Section,
        "body" | "text" => QueryField::Body,
        _ => return (None, 0),
    };
    if rest.is_empty() || rest.starts_with(char::is_whitespace) {
        return (None, 0);
    }
    (Some(field), name.len() + 1)
}

/// The phrase that `text` begins with, and its length with the quotation marks.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let open = text.chars().next()?;
    let close: &[char] = match open {
        '"' => &['"'],
        '“' | '„' => &['”', '“', '"'],
        '«' => &['»'],
        '「' => &['」'],
        _ => return None,
    };
    let inside = &text[open.len_utf8()..];
    let within = inside.floor_char_boundary(LONGEST_PHRASE);
    let end = inside[..within].find(close)?;
    let mark = inside[end..].chars().next().map_or(0, char::len_utf8);
    Some((&inside[..end], open.len_utf8() + end + mark))
}

/// Without what cannot be seen: control characters part words, marks of direction do not.
fn cleaned(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST)]
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(typed: &str, expected: Expect) {
        let shown: Vec<String> = ParsedQuery::parse(typed)
            .clauses
            .iter()
            .map(|clause| {
                let sign = match clause.occur {
                    Occur::Should => "",
                    Occur::Must => "+",
                    Occur::MustNot => "-",
                };
                let field = clause.field.map(|field| format!("{field:?}:"));
                let mark = if clause.phrase { "\"" } else { "" };
                format!(
                    "{sign}{}{mark}{}{mark}",
                    field.unwrap_or_default(),
                    clause.text
                )
            })
            .collect();
        expected.assert_eq(&shown.join(" | "));
    }

    #[test]
    fn phrases_fields_and_conditions() {
        check(
            r#"heads "attention is all you need" title:transformer -author:"J. Smith" +bert -survey"#,
            expect![[
                r#"heads | +"attention is all you need" | +Title:transformer | -Authors:"J. Smith" | +bert | -survey"#
            ]],
        );
        check(
            r#"Title:"neural nets" authors:Vaswani section:methods text:dropout"#,
            expect![[
                r#"+Title:"neural nets" | +Authors:Vaswani | +Section:methods | +Body:dropout"#
            ]],
        );
        check(
            "“curly quotes” „deutsche“ «françaises»",
            expect![[r#"+"curly quotes" | +"deutsche" | +"françaises""#]],
        );
    }

    #[test]
    fn stray_operators_are_text() {
        check(r#"what is "attention"#, expect![[r#"what is "attention"#]]);
        check(
            "a - b, -5 degrees, --flag, state-of-the-art, C++ + x -",
            expect!["a - b, -5 degrees, --flag, state-of-the-art, C++ + x -"],
        );
        check(
            "doi:10.1145/3292500 foo:bar title: title:",
            expect!["doi:10.1145/3292500 foo:bar title: title:"],
        );
        check(
            r#""" "..." +"" -! +title: ()[]{}^~*? AND (OR NOT"#,
            expect![[r#""" "..." +"" -! | +title: | ()[]{}^~*? AND (OR NOT"#]],
        );
        check(
            "'; DROP TABLE chunks; -- 😀 \u{202e}abc\u{0}def",
            expect!["'; DROP TABLE chunks; -- 😀 abc def"],
        );
        check("", expect![[""]]);
    }

    #[test]
    fn a_question_that_only_excludes_is_searched_for() {
        check("-survey -\"related work\"", expect!["survey related work"]);
    }

    #[test]
    fn what_is_embedded_has_no_operators() {
        let parsed = ParsedQuery::parse(r#"deep "neural nets" -survey title:vision"#);
        assert_eq!(parsed.plain_text(), "deep neural nets vision");
        assert!(parsed.has_conditions());
        assert!(!ParsedQuery::parse("deep nets").has_conditions());
    }

    #[test]
    fn a_thousand_conditions_are_mostly_words() {
        let parsed = ParsedQuery::parse(&"+word ".repeat(20_000));
        let conditions = parsed.clauses.iter().filter(|clause| clause.is_condition());
        assert_eq!(conditions.count(), CONDITIONS);
    }

    proptest! {
        #[test]
        fn everything_has_a_reading(typed in "\\PC{0,60}|[-+\":a-c “”title]{0,40}") {
            let parsed = ParsedQuery::parse(&typed);
            let no_words = words(&cleaned(&typed)).next().is_none();
            prop_assert!(no_words || words(&parsed.plain_text()).next().is_some());
        }
    }
}
