//! Names of journals and conferences, whole or abbreviated: `Journal of Machine Learning Research`,
//! `J. Mach. Learn. Res.`, `JMLR`.

use super::authors::folded;

/// Words that abbreviations leave out.
const SMALL_WORDS: &[&str] = &[
    "a", "an", "and", "at", "de", "der", "des", "die", "du", "et", "for", "für", "in", "la", "le",
    "of", "on", "the", "to", "und",
];

struct Word {
    text: String,
    is_abbreviated: bool,
}

/// True where `typed` is a part of the name `venue`, or stands for a part of it.
pub(super) fn names(typed: &str, venue: &str) -> bool {
    let (typed, venue) = (words(typed), words(venue));
    if typed.is_empty() {
        return false;
    }
    // "Phys Rev Lett" is written without points as well; a single word must be whole.
    let may_be_short = typed.len() > 1;
    let stands_for = |typed: &Word, word: &Word| {
        typed.text == word.text
            || (may_be_short || typed.is_abbreviated) && word.text.starts_with(&typed.text)
            || (word.is_abbreviated || may_be_short && word.text.len() > 1)
                && typed.text.starts_with(&word.text)
    };
    let as_words = venue.windows(typed.len()).any(|run| {
        typed
            .iter()
            .zip(run)
            .all(|(typed, word)| stands_for(typed, word))
    });
    as_words || is_acronym(&typed, &venue)
}

/// True for one word of three letters or more that first letters in a row spell.
fn is_acronym(typed: &[Word], venue: &[Word]) -> bool {
    let [word] = typed else { return false };
    let letters: Vec<char> = word.text.chars().collect();
    let firsts: Vec<char> = venue
        .iter()
        .filter_map(|word| word.text.chars().next())
        .collect();
    letters.len() >= 3 && firsts.windows(letters.len()).any(|run| run == letters)
}

fn words(text: &str) -> Vec<Word> {
    text.split(|c: char| c.is_whitespace() || ",;:/()-\u{2013}&".contains(c))
        // "J.Mach.Learn.Res." without spaces.
        .flat_map(|token| token.split_inclusive('.'))
        .map(|token| Word {
            text: folded(token),
            is_abbreviated: token.ends_with('.'),
        })
        .filter(|word| !word.text.is_empty() && !SMALL_WORDS.contains(&word.text.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_venue_is_found_whole_in_part_or_abbreviated() {
        let jmlr = "Journal of Machine Learning Research";
        for (typed, venue) in [
            (jmlr, jmlr),
            ("machine learning", jmlr),
            ("JMLR", jmlr),
            ("J. Mach. Learn. Res.", jmlr),
            ("J Mach Learn Res", jmlr),
            (jmlr, "J. Mach. Learn. Res."),
            ("nature", "Nature Communications"),
            ("PNAS", "Proceedings of the National Academy of Sciences"),
            (
                "CVPR",
                "2017 IEEE Conference on Computer Vision and Pattern Recognition (CVPR)",
            ),
            (
                "CVPR",
                "Conference on Computer Vision and Pattern Recognition",
            ),
            ("revista espanola", "Revista Española de Física"),
            ("phys rev lett", "Physical Review Letters"),
        ] {
            assert!(names(typed, venue), "{typed} for {venue}");
        }
        for (typed, venue) in [
            ("cell", "Cellular Signalling"),
            ("", jmlr),
            ("of the", jmlr),
            ("ml", jmlr),
            ("Journal of Physics", jmlr),
        ] {
            assert!(!names(typed, venue), "{typed} for {venue}");
        }
    }
}
