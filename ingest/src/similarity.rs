//! Near-duplicates: how much of their wording two texts share, told from small sketches.
//!
//! A text's shingles are its runs of five words. The share of shingles that two texts have in
//! common (the Jaccard index) is estimated by MinHash: Broder, "On the resemblance and containment
//! of documents", 1997. Sketches are cut into bands, so that similar ones are found by a lookup
//! instead of a comparison with every other (Leskovec, Rajaraman, Ullman, "Mining of Massive
//! Datasets", 3.4).

/// Words in a shingle.
const SHINGLE: usize = 5;
/// Hash functions, and so numbers in a sketch.
const HASHES: usize = 128;
/// Numbers in a band. 32 bands of 4 find a pair with half its shingles in common in 7 of 8 cases,
/// one with four fifths always.
const BAND: usize = 4;
/// Words in a shingle of a text of a sentence or two, which has few runs of five.
const SHORT_SHINGLE: usize = 2;
/// Words read of a text: those of a thick book.
const MAX_WORDS: usize = 500_000;

/// What is kept of a text to compare it with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch(Vec<u32>);

impl Sketch {
    /// Sketches a text; none where it has too few words to tell (under 50).
    pub fn of(text: &str) -> Option<Sketch> {
        Self::with(text, 50, SHINGLE)
    }

    /// Sketches a sentence or two, by runs of two words; none where it has under four words. Such a
    /// sketch is compared with others of its kind only.
    pub fn of_short(text: &str) -> Option<Sketch> {
        Self::with(text, 4, SHORT_SHINGLE)
    }

    fn with(text: &str, fewest: usize, shingle: usize) -> Option<Sketch> {
        let words: Vec<u64> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(MAX_WORDS)
            .map(hash_word)
            .collect();
        if words.len() < fewest {
            return None;
        }
        let mut least = [u32::MAX; HASHES];
        for run in words.windows(shingle) {
            let whole = run
                .iter()
                .fold(0u64, |all, word| mix(all.rotate_left(5) ^ word));
            // Two halves make as many hash functions as are wanted: Kirsch and Mitzenmacher,
            // "Less hashing, same performance", 2006.
            let (a, b) = (whole as u32, (whole >> 32) as u32 | 1);
            for (i, slot) in least.iter_mut().enumerate() {
                let hash = mix32(a.wrapping_add(b.wrapping_mul(i as u32)));
                *slot = (*slot).min(hash);
            }
        }
        Some(Sketch(least.to_vec()))
    }

    /// Estimated share of shingles in common, 0 to 1; about 0.04 off either way.
    pub fn similarity(&self, other: &Sketch) -> f32 {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        same as f32 / HASHES as f32
    }

    /// Numbers one of which two similar sketches share.
    pub fn bands(&self) -> Vec<i64> {
        self.0
            .chunks(BAND)
            .enumerate()
            .map(|(i, band)| {
                let start = mix(i as u64 + 1);
                band.iter()
                    .fold(start, |all, &n| mix(all.rotate_left(7) ^ u64::from(n)))
                    as i64
            })
            .collect()
    }

    /// The sketch as bytes, to be kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|n| n.to_le_bytes()).collect()
    }

    /// The sketch that [`Sketch::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Sketch> {
        (bytes.len() == 4 * HASHES).then(|| {
            let (numbers, _) = bytes.as_chunks::<4>();
            Sketch(numbers.iter().map(|n| u32::from_le_bytes(*n)).collect())
        })
    }
}

/// FNV-1a over the lower-case letters, then mixed.
fn hash_word(word: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for c in word.chars().flat_map(char::to_lowercase) {
        hash = (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3);
    }
    mix(hash)
}

/// The finaliser of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The finaliser of MurmurHash3.
fn mix32(mut h: u32) -> u32 {
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(from: usize, to: usize) -> String {
        (from..to)
            .map(|n| format!("word{} ", n * n % 9973))
            .collect()
    }

    #[test]
    fn shared_wording_is_estimated() {
        let whole = Sketch::of(&words(0, 2000)).unwrap();
        let same = Sketch::of(&words(0, 2000).to_uppercase().replace(' ', "\n")).unwrap();
        assert_eq!(whole.similarity(&same), 1.0);
        // 1500 of 2500 shingles in common.
        let overlapping = Sketch::of(&words(500, 2500)).unwrap();
        let found = whole.similarity(&overlapping);
        assert!((0.45..0.75).contains(&found), "{found}");
        let other = Sketch::of(&words(4000, 6000)).unwrap();
        assert!(whole.similarity(&other) < 0.1);
        let shared = |a: &Sketch, b: &Sketch| a.bands().iter().any(|band| b.bands().contains(band));
        assert!(shared(&whole, &overlapping) && !shared(&whole, &other));
    }

    #[test]
    fn sketches_are_kept_as_bytes_and_short_texts_have_none() {
        let sketch = Sketch::of(&words(0, 100)).unwrap();
        assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Some(sketch));
        assert_eq!(Sketch::from_bytes(b"short"), None);
        assert_eq!(Sketch::of("a few words only"), None);
    }
}
