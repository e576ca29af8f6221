//! What the tests stand on: passages typed in, an embedder without a model, a scripted model.

use std::sync::{LazyLock, Mutex};

use generation::evidence::{Evidence, Features, Sources};
use generation::sampling::Sampling;
use generation::{Completion, Generator, Message, Usage};
use ingest::Rect;
use retrieval::embed::{Embedded, Embedder, TokenVectors, VectorSpace};
use retrieval::{Passage, PassageLine, Scores};

/// A passage of page 3, a line of print for each line of text, 10 points apart.
pub(crate) fn passage(document_id: &str, title: &str, text: &str) -> Passage {
    passage_on(document_id, title, &[(3, text)])
}

/// A passage that runs over pages.
pub(crate) fn passage_on(document_id: &str, title: &str, pages: &[(u32, &str)]) -> Passage {
    let mut text = String::new();
    let mut lines = Vec::new();
    for (page, page_text) in pages {
        for (row, line) in page_text.lines().enumerate() {
            if !text.is_empty() {
                text.push('\n');
            }
            let start = text.len();
            text.push_str(line);
            let y0 = 10.0 * row as f32;
            lines.push(PassageLine {
                page: *page,
                rect: Rect {
                    x0: 100.0,
                    y0,
                    x1: 200.0,
                    y1: y0 + 8.0,
                },
                start,
                end: text.len(),
            });
        }
    }
    Passage {
        rank: 1,
        chunk_id: 7,
        document_id: document_id.to_owned(),
        file: format!("{document_id}.pdf"),
        title: title.to_owned(),
        authors: vec!["A. Author".to_owned()],
        year: Some(2014),
        page: pages[0].0,
        pages: [pages[0].0, pages[pages.len() - 1].0],
        section: None,
        text,
        score: 0.5,
        scores: Scores::default(),
        rects: Vec::new(),
        lines,
    }
}

/// Evidence of the whole of each passage's sentences.
pub(crate) fn all_evidence(passages: &[Passage]) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for (passage, text) in passages.iter().map(|passage| &passage.text).enumerate() {
        for range in ingest::sentence::split(text) {
            evidence.push(Evidence {
                passage,
                range,
                score: 9.0,
                features: Features::default(),
                is_neighbour: false,
            });
        }
    }
    evidence
}

/// Sources whose words are all as rare.
pub(crate) fn sources(passages: &[Passage]) -> Sources<'_> {
    Sources {
        passages,
        embedder: &BagOfWords,
        centre: &[],
        rarity: &|words| Ok(vec![2.0; words.len()]),
    }
}

/// Counts of hashed words as vectors: texts that share words are near each other.
pub(crate) struct BagOfWords;

static SPACE: LazyLock<VectorSpace> = LazyLock::new(|| VectorSpace {
    id: "bag-of-words".into(),
    revision: "1".into(),
    dimension: DIMENSION,
});

const DIMENSION: usize = 512;

impl Embedder for BagOfWords {
    fn space(&self) -> &VectorSpace {
        &SPACE
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn max_tokens(&self) -> usize {
        510
    }

    fn whole_words(&self) -> Vec<String> {
        Vec::new()
    }

    fn encode_documents(&self, texts: &[&str]) -> retrieval::Result<Vec<Embedded>> {
        texts.iter().map(|text| self.encode_query(text)).collect()
    }

    fn encode_query(&self, text: &str) -> retrieval::Result<Embedded> {
        let mut vector = vec![0.0f32; DIMENSION];
        for word in text
            .to_lowercase()
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| word.len() > 3)
        {
            let hash = word.bytes().fold(7usize, |hash, byte| {
                hash.wrapping_mul(31).wrapping_add(usize::from(byte))
            });
            vector[hash % DIMENSION] += 1.0;
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        for value in &mut vector {
            *value /= length.max(f32::MIN_POSITIVE);
        }
        Ok(Embedded {
            vector,
            tokens: TokenVectors::default(),
        })
    }
}

/// Writes the same text always, word by word, and remembers what it was asked.
pub(crate) struct Scripted {
    text: &'static str,
    log_prob: Option<f32>,
    pub(crate) asked: Mutex<Vec<Message>>,
}

impl Scripted {
    pub(crate) fn new(text: &'static str) -> Self {
        Self {
            text,
            log_prob: None,
            asked: Mutex::new(Vec::new()),
        }
    }

    /// With words each of which has this probability.
    pub(crate) fn with_certainty(text: &'static str, probability: f32) -> Self {
        Self {
            log_prob: Some(probability.ln()),
            ..Self::new(text)
        }
    }
}

impl Generator for Scripted {
    fn id(&self) -> &str {
        "scripted"
    }

    fn adapter(&self) -> Option<&str> {
        Some("lora-3")
    }

    fn generate(
        &self,
        messages: &[Message],
        _sampling: &Sampling,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> generation::Result<Completion> {
        *self.asked.lock().unwrap() = messages.to_vec();
        let mut completion = Completion {
            usage: Usage {
                prompt_tokens: 10,
                completion_tokens: 0,
            },
            prefill_ms: 1.0,
            ..Completion::default()
        };
        for word in self.text.split_inclusive(' ') {
            completion.text.push_str(word);
            completion.usage.completion_tokens += 1;
            completion.log_probs.extend(self.log_prob);
            if !on_text(word) {
                break;
            }
        }
        Ok(completion)
    }
}
