//! Joins words that were hyphenated at line ends, without which they can neither be searched nor
//! quoted.
//!
//! Whether the hyphen belongs to the word ("self-attention") is decided by the paper itself: the
//! hyphen stays if the paper writes the word with it elsewhere and never without, or never writes
//! it elsewhere but uses both halves as words of their own ("open-domain"). Either way both halves
//! end up side by side, and each line keeps the bytes that it gave.

use std::collections::HashMap;

use crate::Page;
use crate::paragraph::Spacing;

/// Rewrites the pages' texts and their lines' spans.
pub(crate) fn join(pages: &mut [Page]) {
    let words = vocabulary(pages);
    for page in pages {
        join_page(page, &words);
    }
}

/// Shortest half that can be told from a syllable.
const LEAST_HALF: usize = 4;

/// How often each word of the document occurs, in lower case; those with inner hyphens count
/// whole and in parts.
type Vocabulary = HashMap<String, u32>;

fn vocabulary(pages: &[Page]) -> Vocabulary {
    let mut words = Vocabulary::new();
    let mut count = |word: String| *words.entry(word).or_default() += 1;
    for word in pages.iter().flat_map(|page| page.text.split_whitespace()) {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !is_hyphen(c));
        if word.is_empty() || word.ends_with(is_hyphen) {
            continue;
        }
        let word = word.to_lowercase();
        if word.contains(is_hyphen) {
            word.split(is_hyphen)
                .map(str::to_owned)
                .for_each(&mut count);
            count(word.replace(is_hyphen, "-"));
        } else {
            count(word);
        }
    }
    words
}

fn join_page(page: &mut Page, words: &Vocabulary) {
    let mut text = String::with_capacity(page.text.len());
    let spacing = Spacing::of(page);
    for i in 0..page.lines.len() {
        let line = &page.lines[i];
        let source = page.text.get(line.start..line.end).unwrap_or("");
        let next = page
            .lines
            .get(i + 1)
            .and_then(|line| page.text.get(line.start..line.end));
        let ending = next.map_or(Ending::Keep, |next| ending(source, next, words));
        let start = text.len();
        match ending {
            Ending::DropHyphen => text.push_str(source.trim_end_matches(is_hyphen)),
            Ending::Keep | Ending::KeepHyphen => text.push_str(source),
        }
        let end = text.len();
        if let (Ending::Keep, Some(next)) = (ending, next) {
            text.push('\n');
            if spacing.parts((&page.lines[i], source), (&page.lines[i + 1], next)) {
                text.push('\n');
            }
        }
        let line = &mut page.lines[i];
        for span in &mut line.spans {
            span.start = (span.start + start - line.start).min(end);
            span.end = (span.end + start - line.start).min(end);
        }
        line.spans.retain(|span| span.start < span.end);
        line.start = start;
        line.end = end;
    }
    debug_assert!(
        page.lines
            .windows(2)
            .all(|pair| pair[0].end <= pair[1].start)
    );
    page.text = text;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The line ends here.
    Keep,
    /// The next line goes on with the same word, which is written with the hyphen.
    KeepHyphen,
    /// The next line goes on with the same word.
    DropHyphen,
}

fn ending(line: &str, next: &str, words: &Vocabulary) -> Ending {
    if !line.ends_with(is_hyphen) {
        return Ending::Keep;
    }
    let before = line.trim_end_matches(is_hyphen);
    // "A--" is a dash.
    if line.chars().rev().nth(1).is_none_or(|c| !c.is_alphabetic()) {
        return Ending::Keep;
    }
    if !next.chars().next().is_some_and(char::is_lowercase) {
        return Ending::Keep;
    }
    let left = before.rsplit(char::is_whitespace).next().unwrap_or(before);
    let left = left
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    let right: String = next
        .chars()
        .take_while(|&c| c.is_alphanumeric() || is_hyphen(c))
        .collect::<String>()
        .to_lowercase();
    // "pre- and post-training": the hyphen stands for what follows later.
    if matches!(right.as_str(), "and" | "or" | "to" | "und" | "oder" | "et") {
        return Ending::Keep;
    }
    // Brackets inside the left half, as in "(word)sub-", leave only the part that is a word.
    let left = left
        .rsplit(|c: char| !c.is_alphanumeric() && !is_hyphen(c))
        .next()
        .unwrap_or(&left);
    let right = right.trim_end_matches(is_hyphen);
    let joined = format!("{left}{right}");
    let hyphenated = format!("{left}-{right}").replace(is_hyphen, "-");
    // The right half is counted here too, at the start of the next line.
    let are_words = left.chars().count() >= LEAST_HALF
        && right.chars().count() >= LEAST_HALF
        && words.contains_key(left)
        && words.get(right).is_some_and(|count| *count > 1);
    if words.contains_key(&joined) {
        Ending::DropHyphen
    } else if words.contains_key(&hyphenated) || left.contains(is_hyphen) || are_words {
        Ending::KeepHyphen
    } else {
        Ending::DropHyphen
    }
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Line, Rect};
    use proptest::prelude::*;

    fn page(lines: &[&str]) -> Page {
        let rect = Rect {
            x0: 0.0,
            y0: 0.0,
            x1: 100.0,
            y1: 10.0,
        };
        let mut page = Page {
            number: 1,
            width: 100.0,
            height: 100.0,
            text: String::new(),
            lines: vec![],
            ..Page::default()
        };
        for line in lines {
            if !page.text.is_empty() {
                page.text.push('\n');
            }
            let start = page.text.len();
            page.text.push_str(line);
            page.lines.push(Line {
                rect,
                start,
                end: page.text.len(),
                font_size: 10.0,
                spans: Vec::new(),
            });
        }
        page
    }

    fn joined(lines: &[&str]) -> String {
        let mut pages = [page(lines)];
        join(&mut pages);
        pages[0].text.clone()
    }

    #[test]
    fn the_paper_decides_about_the_hyphen() {
        assert_eq!(joined(&["an exam-", "ple of it"]), "an example of it");
        assert_eq!(
            joined(&["self-attention is self-", "attention"]),
            "self-attention is self-attention"
        );
        assert_eq!(joined(&["state-of-the-", "art"]), "state-of-the-art");
        assert_eq!(
            joined(&["pre-", "and post-training"]),
            "pre-\nand post-training"
        );
        assert_eq!(
            joined(&["from GPT-", "4 and Anne-", "Marie"]),
            "from GPT-\n4 and Anne-\nMarie"
        );
        assert_eq!(joined(&["soft\u{ad}", "ware"]), "software");
        assert_eq!(
            joined(&["an open question in one domain", "is open-", "domain"]),
            "an open question in one domain\nis open-domain"
        );
        assert_eq!(
            joined(&["for infor-", "mation"]),
            "for information",
            "half a word is no word"
        );
        assert_eq!(
            joined(&["a dash --", "next -", "last"]),
            "a dash --\nnext -\nlast"
        );
    }

    #[test]
    fn lines_keep_their_bytes() {
        let mut pages = [page(&["an exam-", "ple", "end"])];
        join(&mut pages);
        let spans: Vec<&str> = pages[0]
            .lines
            .iter()
            .map(|line| &pages[0].text[line.start..line.end])
            .collect();
        assert_eq!(spans, ["an exam", "ple", "end"]);
    }

    proptest! {
        #[test]
        fn spans_stay_ordered_and_inside(lines in prop::collection::vec("[a-zé \u{ad}-]{0,12}", 0..12)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
            let mut pages = [page(&lines)];
            join(&mut pages);
            let page = &pages[0];
            let mut last = 0;
            for line in &page.lines {
                prop_assert!(last <= line.start && line.start <= line.end && line.end <= page.text.len());
                prop_assert!(page.text.get(line.start..line.end).is_some());
                prop_assert!(page.text[last..line.start].chars().all(|c| c == '\n'));
                last = line.end;
            }
            prop_assert_eq!(last, page.text.len());
        }
    }
}
