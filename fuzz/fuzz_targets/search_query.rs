//! Anything typed into a search: it has a reading, which keeps its words.

#![no_main]

use libfuzzer_sys::fuzz_target;
use retrieval::lexical::{ParsedQuery, identifiers};

fuzz_target!(|typed: &str| {
    let plain = ParsedQuery::parse(typed).plain_text();
    let has_words = |text: &str| text.chars().any(|c| c.is_ascii_alphanumeric());
    // Of a longer text the end is not read.
    if typed.len() < 1_000 && has_words(typed) {
        assert!(has_words(&plain));
    }
    for identifier in identifiers(typed) {
        assert!(!identifier.is_empty());
    }
});
