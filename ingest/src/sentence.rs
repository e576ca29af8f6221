//! Splits text into sentences, the unit that is quoted and cited.
//!
//! A rule-based splitter for scholarly prose: a full stop ends a sentence unless it belongs to an
//! abbreviation, an initial, a number or an address, or the next word starts in lower case. Wrong
//! joins cost a slightly long quote; wrong splits cut a claim from its condition, so doubt joins.
//! The idea is that of Kiss and Strunk (2006), "Unsupervised Multilingual Sentence Boundary
//! Detection", with a fixed list in place of their statistics.

use std::ops::Range;

use crate::extract::is_cjk;

/// Longest sentence in bytes; what is longer (tables, lists without stops) is cut at a clause or
/// a space near it.
pub const MAX_SENTENCE: usize = 1_000;

/// Words that a full stop follows without ending the sentence, in lower case.
const ABBREVIATIONS: &[&str] = &[
    "al", "alg", "app", "appx", "approx", "art", "assoc", "bros", "ca", "cf", "ch", "chap", "co",
    "col", "conf", "corp", "def", "dept", "dr", "e.g", "ed", "eds", "eg", "eq", "eqn", "eqns",
    "eqs", "est", "ex", "fig", "figs", "hon", "i.e", "ibid", "ie", "inc", "intl", "j", "jr", "lem",
    "ltd", "mr", "mrs", "ms", "mt", "no", "nos", "p", "pp", "ph.d", "prof", "proc", "prop", "pt",
    "pts", "ref", "refs", "rem", "rep", "resp", "rev", "sec", "sect", "sr", "st", "supp", "suppl",
    "tab", "tbl", "thm", "trans", "univ", "viz", "vol", "vols", "vs", "w.r.t", "wrt",
];

/// Abbreviations that end a sentence where a capital letter follows: "... by Smith et al. We ...".
const ENDING_ABBREVIATIONS: &[&str] =
    &["al", "etc", "inc", "ltd", "co", "corp", "jr", "sr", "ph.d"];

/// Byte ranges of the sentences of `text`, in order, trimmed of white space; together they cover
/// everything that is not space. A newline counts as a space, an empty line ends a sentence: it
/// stands between blocks.
pub fn split(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (blank, _) in text.match_indices("\n\n") {
        if blank >= start {
            split_block(text, start..blank, &mut sentences);
            start = blank + 2;
        }
    }
    split_block(text, start..text.len(), &mut sentences);
    sentences
}

/// The sentences of one block.
fn split_block(whole: &str, block: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let from = sentences.len();
    let text = &whole[block.clone()];
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let is_boundary = match c {
            '。' | '！' | '？' | '｡' => true,
            '!' | '?' => ends_here(text, at + 1),
            '.' => ends_here(text, at + 1) && is_full_stop(text, start, at),
            '…' => {
                ends_here(text, at + c.len_utf8()) && next_word_is_capital(text, at + c.len_utf8())
            }
            _ => false,
        };
        if !is_boundary {
            continue;
        }
        // Closing quotes and brackets belong to the sentence that they close.
        let mut end = at + c.len_utf8();
        while let Some(&(at, c)) = chars.peek() {
            if !is_closing(c) && !matches!(c, '.' | '!' | '?' | '。' | '！' | '？') {
                break;
            }
            end = at + c.len_utf8();
            chars.next();
        }
        push(text, start..end, sentences);
        start = end;
    }
    push(text, start..text.len(), sentences);
    for sentence in &mut sentences[from..] {
        *sentence = block.start + sentence.start..block.start + sentence.end;
    }
}

fn is_closing(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | ')' | ']' | '\u{201d}' | '\u{2019}' | '»' | '」' | '』' | '）' | '】'
    )
}

fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// True where the stop that ends at `after` is followed by space (closing marks may come between),
/// by the end, or by CJK text, which has no spaces.
fn ends_here(text: &str, after: usize) -> bool {
    let rest =
        text[after..].trim_start_matches(|c: char| is_closing(c) || matches!(c, '.' | '!' | '?'));
    rest.chars().next().is_none_or(|c| is_space(c) || is_cjk(c))
}

/// Decides about the full stop at byte `at` in the sentence that starts at `start`.
fn is_full_stop(text: &str, start: usize, at: usize) -> bool {
    let rest = text[at + 1..].trim_start_matches(|c: char| is_closing(c) || c == '.');
    let next = rest.trim_start();
    let Some(first) = next.chars().next() else {
        return true;
    };
    if first.is_lowercase() {
        return false;
    }
    let is_ellipsis = text[..at].ends_with('.') || text[at + 1..].starts_with('.');
    let before = &text[start..at];
    let word = before.rsplit(is_space).next().unwrap_or(before);
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    if is_ellipsis {
        return first.is_uppercase() || is_cjk(first);
    }
    // "1. Introduction", "IV. Results", "A. Proof": a number or letter alone opens, it does not end.
    let is_alone = before.trim().len() == word.len();
    if is_alone
        && (word.len() <= 3
            && word
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, 'I' | 'V' | 'X'))
            || word.len() == 1)
    {
        return false;
    }
    let lower = word.to_lowercase();
    // Of "(Smith et al" or "results,e.g" the last part counts.
    let last = lower
        .rsplit(['(', '[', ',', ';', '/', '-', '\u{2013}'])
        .next()
        .unwrap_or(&lower);
    if ENDING_ABBREVIATIONS.contains(&last) {
        return starts_sentence(next);
    }
    // "No. 5" is a number, "the answer is no. We" is not.
    if last == "no" {
        return !first.is_ascii_digit();
    }
    // "Ms. Lovelace" is a title, "152 ms. It" are milliseconds.
    if last == "ms" {
        return !word.starts_with('M');
    }
    if ABBREVIATIONS.contains(&last) {
        return false;
    }
    // Initials and "U.S": single letters joined by stops.
    let is_initials = !word.is_empty()
        && word
            .split(['.', '-'])
            .all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic));
    if is_initials {
        let is_one = word.chars().count() == 1;
        // "vitamin C. We": a lone capital after a lower-case word, before a function word, ends.
        return if is_one {
            starts_sentence(next) && !looks_like_name(before, word)
        } else {
            starts_sentence(next)
        };
    }
    true
}

/// True where `before` (ending in the initial `word`) looks like names, not prose.
fn looks_like_name(before: &str, word: &str) -> bool {
    let previous = before[..before.len() - word.len()].trim_end();
    let previous = previous.rsplit(is_space).next().unwrap_or("");
    previous.is_empty()
        || previous.ends_with([',', '.', ';', '&'])
        || matches!(previous, "and" | "by")
        || previous.chars().next().is_some_and(char::is_uppercase)
}

/// True where `next` opens with a word that starts sentences far more often than names.
fn starts_sentence(next: &str) -> bool {
    const OPENERS: &[&str] = &[
        "A",
        "After",
        "Although",
        "An",
        "And",
        "As",
        "At",
        "Because",
        "Both",
        "But",
        "By",
        "Each",
        "Finally",
        "First",
        "For",
        "From",
        "Here",
        "However",
        "If",
        "In",
        "It",
        "Its",
        "More",
        "Moreover",
        "Most",
        "No",
        "On",
        "One",
        "Or",
        "Our",
        "Several",
        "Similarly",
        "Since",
        "So",
        "Some",
        "Such",
        "That",
        "The",
        "Their",
        "Then",
        "There",
        "Therefore",
        "These",
        "They",
        "This",
        "Those",
        "Thus",
        "To",
        "Two",
        "Under",
        "Using",
        "We",
        "What",
        "When",
        "Where",
        "While",
        "With",
        "You",
    ];
    let word = next
        .split(|c: char| !c.is_alphabetic())
        .next()
        .unwrap_or("");
    OPENERS.contains(&word)
}

fn next_word_is_capital(text: &str, after: usize) -> bool {
    text[after..]
        .trim_start()
        .chars()
        .next()
        .is_none_or(char::is_uppercase)
}

/// Adds the trimmed range, cut where it is too long.
fn push(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let mut rest = trim(text, range);
    while rest.len() > MAX_SENTENCE {
        let cut = cut_point(&text[rest.clone()]);
        sentences.push(trim(text, rest.start..rest.start + cut));
        rest = trim(text, rest.start + cut..rest.end);
    }
    if !rest.is_empty() {
        sentences.push(rest);
    }
}

/// Where to cut an over-long sentence: after a clause, else at a space, else between characters.
fn cut_point(sentence: &str) -> usize {
    let limit = sentence.floor_char_boundary(MAX_SENTENCE);
    let head = &sentence[..limit];
    let at_least = MAX_SENTENCE / 2;
    let clause = head
        .rfind([';', ':', '；', '：'])
        .or_else(|| head.rfind([',', '，', '、']));
    let clause = clause.map(|at| at + head[at..].chars().next().map_or(1, char::len_utf8));
    let is_good = |cut: &usize| *cut >= at_least;
    clause
        .filter(is_good)
        .or_else(|| head.rfind(is_space).filter(|&at| at > 0))
        .unwrap_or(limit)
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    let end = range.end - (slice.len() - slice.trim_end().len());
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn check(text: &str, expect: Expect) {
        let sentences: Vec<String> = split(text)
            .into_iter()
            .map(|range| text[range].replace('\n', " "))
            .collect();
        expect.assert_eq(&sentences.join("\n"));
    }

    #[test]
    fn abbreviations_stay_whole() {
        check(
            "As Smith et al. (2010) show in Fig. 3, e.g. for n = 3.14, i.e. Eq. (2) holds. See Sec. 4 vs. Tab. 1. \
             Dr. J. Smith of the U.S. Army agreed. No. 5 was best.",
            expect![[r#"
                As Smith et al. (2010) show in Fig. 3, e.g. for n = 3.14, i.e. Eq. (2) holds.
                See Sec. 4 vs. Tab. 1.
                Dr. J. Smith of the U.S. Army agreed.
                No. 5 was best."#]],
        );
    }

    #[test]
    fn milliseconds_end_a_sentence_and_blocks_do_too() {
        check(
            "The longest trial took 152 ms. It was\nrepeated. Ms. Hamilton agreed.\n\n3.2 Elections\n\nEach",
            expect![[r#"
                The longest trial took 152 ms.
                It was repeated.
                Ms. Hamilton agreed.
                3.2 Elections
                Each"#]],
        );
    }

    #[test]
    fn references_urls_and_ellipses_stay_whole() {
        check(
            "It works [12]. See https://example.org/a.b?c=d for more... and so on. \"Is it?\" he asked. (Yes.) We go on.",
            expect![[r#"
                It works [12].
                See https://example.org/a.b?c=d for more... and so on.
                "Is it?"
                he asked.
                (Yes.)
                We go on."#]],
        );
    }

    #[test]
    fn abbreviations_may_end_a_sentence() {
        check(
            "This follows Smith et al. We use vitamin C. The dose is small, etc. The answer is no. It failed.",
            expect![[r#"
                This follows Smith et al.
                We use vitamin C.
                The dose is small, etc.
                The answer is no.
                It failed."#]],
        );
    }

    #[test]
    fn numbered_headings_and_lines() {
        check(
            "1. Introduction\nWe begin here.\nA line\nbreak is a space. 2.1 Model is next.",
            expect![[r#"
                1. Introduction We begin here.
                A line break is a space.
                2.1 Model is next."#]],
        );
    }

    #[test]
    fn chinese_and_japanese() {
        check(
            "これは文です。次の文！「本当？」はい。中文句子。English one. 后面",
            expect![[r#"
                これは文です。
                次の文！
                「本当？」
                はい。
                中文句子。
                English one.
                后面"#]],
        );
    }

    #[test]
    fn long_sentences_are_cut() {
        let text = "word, ".repeat(1000);
        let sentences = split(&text);
        assert!(sentences.iter().all(|range| range.len() <= MAX_SENTENCE));
        assert!(
            sentences
                .iter()
                .all(|range| text[range.clone()].ends_with("word,"))
        );
    }

    proptest! {
        #[test]
        fn ranges_are_ordered_and_lose_nothing(text in "([a-zA-Z]{1,9}|[.!?…。 \n]|[0-9]{1,3}|é|字|\"|\\(|\\)|et al\\.){0,200}") {
            let mut last = 0;
            for range in split(&text) {
                prop_assert!(range.start >= last && range.start < range.end);
                prop_assert!(text.get(range.clone()).is_some());
                prop_assert!(text[last..range.start].chars().all(char::is_whitespace));
                prop_assert!(range.len() <= MAX_SENTENCE);
                prop_assert_eq!(text[range.clone()].trim(), &text[range.clone()]);
                last = range.end;
            }
            prop_assert!(text[last..].chars().all(char::is_whitespace));
        }

        #[test]
        fn any_text_is_split(text in any::<String>()) {
            for range in split(&text) {
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}
