//! Finds where a text mentions something: the words of a phrase in a row, in any inflection, over
//! line ends, hyphens and punctuation. Abbreviations and synonyms are not guessed, so that a count
//! of papers that mention something can be checked by looking for it.

use std::ops::Range;

use crate::evidence::{is_cut, is_prose};
use crate::words::words;

/// A phrase that is looked for.
#[derive(Debug, Clone)]
pub struct Phrase {
    stems: Vec<String>,
    /// Written as it is: "WHO" is no relative pronoun.
    exactly: Option<String>,
}

impl Phrase {
    /// The phrase as a person typed it; `None` where it has no words.
    pub fn new(typed: &str) -> Option<Self> {
        let found = words(typed);
        let exactly = match found.as_slice() {
            [word]
                if word.is_stop
                    && word.text.len() > 1
                    && word.text.chars().all(char::is_uppercase) =>
            {
                Some(word.text.to_owned())
            }
            _ => None,
        };
        let stems: Vec<String> = found.into_iter().map(|word| word.stem).collect();
        (!stems.is_empty()).then_some(Self { stems, exactly })
    }

    /// Where `text` has the phrase, in order, in bytes.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let found = words(text);
        found
            .windows(self.stems.len())
            .filter(|row| {
                row.iter().zip(&self.stems).all(|(word, stem)| {
                    word.stem == *stem
                        && self
                            .exactly
                            .as_ref()
                            .is_none_or(|exactly| word.text == exactly)
                })
            })
            .filter_map(|row| {
                let last = row.last()?;
                Some(row.first()?.start..last.start + last.text.len())
            })
            .collect()
    }

    /// The first sentence of `text` that has the phrase, one of running text where there is one;
    /// true where it is. A phrase that runs over the end of a sentence is in neither.
    pub fn sentence(&self, text: &str) -> Option<(Range<usize>, bool)> {
        let found = self.find(text);
        if found.is_empty() {
            return None;
        }
        let mut other = None;
        for sentence in ingest::sentence::split(text) {
            let has = found
                .iter()
                .any(|place| sentence.start <= place.start && place.end <= sentence.end);
            let is_whole = is_prose(&text[sentence.clone()]) && !is_cut(&text[sentence.clone()]);
            if has && is_whole {
                return Some((sentence, true));
            }
            if has && other.is_none() {
                other = Some((sentence, false));
            }
        }
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(phrase: &str, text: &'t str) -> Vec<&'t str> {
        Phrase::new(phrase)
            .map(|phrase| phrase.find(text))
            .unwrap_or_default()
            .into_iter()
            .map(|place| &text[place])
            .collect()
    }

    #[test]
    fn phrases_are_found_in_their_inflections_and_no_other_words() {
        let text = "Multi-head attention, the\nmulti head\nattention of WHO members; universities \
                    who elect leaders and Paxos's leader election.";
        assert_eq!(
            found("multi-head attention", text),
            ["Multi-head attention", "multi head\nattention"]
        );
        assert_eq!(found("leader elections", text), ["leader election"]);
        assert_eq!(found("paxos", text), ["Paxos's"]);
        assert_eq!(found("WHO", text), ["WHO"]);
        assert_eq!(found("who", text).len(), 2);
        for absent in [
            "universe",
            "attention multi",
            "head election",
            "LDA",
            "…",
            "",
        ] {
            assert!(found(absent, text).is_empty(), "{absent}");
        }
        assert_eq!(found("领导者", "我们选举领导者。"), ["领导者"]);
    }

    #[test]
    fn a_sentence_of_prose_is_preferred() {
        let text = "Paxos\n\nLamport. Paxos made simple. 2001.\n\nRaft is easier to understand than Paxos is.";
        let phrase = Phrase::new("Paxos").unwrap();
        let (range, is_prose) = phrase.sentence(text).unwrap();
        assert_eq!(&text[range], "Raft is easier to understand than Paxos is.");
        assert!(is_prose);
        let (range, is_prose) = phrase.sentence("Paxos\n\nRaft").unwrap();
        assert_eq!((range, is_prose), (0..5, false));
    }
}
