//! The BM25 index on disk: scores as the formula says, conditions, languages, identifiers,
//! deletion, damage, and any input at all.

use proptest::prelude::*;
use retrieval::lexical::{Bm25, LexicalIndex, ParsedQuery, identifiers};
use retrieval::{ChunkId, Filter, IndexedChunk, IndexedDocument};

struct Library {
    folder: tempfile::TempDir,
    index: LexicalIndex,
}

impl Library {
    /// A document a text; its chunk's id is its place, from 0.
    fn of(texts: &[&str]) -> Self {
        let library = Self::empty();
        for (place, text) in texts.iter().enumerate() {
            library.index.put(&document(place as u64, text)).unwrap();
        }
        library.index.commit(1).unwrap();
        library
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = LexicalIndex::open(folder.path()).unwrap();
        Self { folder, index }
    }

    fn found(&self, typed: &str) -> Vec<ChunkId> {
        let found = self.index.search(typed, 100, &Filter::default()).unwrap();
        found.into_iter().map(|(id, _)| id).collect()
    }

    /// What was found, whatever the order.
    fn set(&self, typed: &str) -> Vec<ChunkId> {
        let mut found = self.found(typed);
        found.sort_unstable();
        found
    }

    fn marked(&self, typed: &str, text: &str) -> String {
        let ranges = self
            .index
            .highlights(&ParsedQuery::parse(typed), text)
            .unwrap();
        let mut shown = String::new();
        let mut last = 0;
        for range in ranges {
            shown += &text[last..range.start];
            shown += &format!("[{}]", &text[range.clone()]);
            last = range.end;
        }
        shown + &text[last..]
    }
}

fn document(id: ChunkId, text: &str) -> IndexedDocument {
    IndexedDocument {
        document_id: format!("document {id}"),
        collection: "library".into(),
        title: String::new(),
        authors: Vec::new(),
        chunks: vec![IndexedChunk {
            id,
            text: text.into(),
            section: None,
        }],
    }
}

fn paper(id: ChunkId, title: &str, authors: &[&str], section: &str, text: &str) -> IndexedDocument {
    let mut paper = document(id, text);
    paper.title = title.into();
    paper.authors = authors.iter().map(|name| (*name).into()).collect();
    paper.chunks[0].section = Some(section.into());
    paper
}

/// Words of natural frequencies that no stemmer changes.
fn natural_texts(count: usize, seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    let word = |rank: usize| {
        let letter = |at: usize| char::from(b"bdfgklmnprtvz"[at % 13]);
        format!(
            "{}o{}u{}",
            letter(rank),
            letter(rank / 13),
            letter(rank / 169)
        )
    };
    let mut text = || {
        let length = 5 + (random() * 30.0) as usize;
        let words = (0..length).map(|_| word((400.0_f64.powf(random())) as usize));
        words.collect::<Vec<_>>().join(" ")
    };
    (0..count).map(|_| text()).collect()
}

fn by_score(mut scores: Vec<(ChunkId, f32)>, limit: usize) -> Vec<(ChunkId, f32)> {
    scores.retain(|(_, score)| *score > 0.0);
    scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    scores.truncate(limit);
    scores
}

fn assert_close(found: &[(ChunkId, f32)], expected: &[(ChunkId, f32)]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        // Equal scores that were added up in another order may change places.
        assert!(
            (found.1 - expected.1).abs() < 1e-4,
            "{found:?} {expected:?}"
        );
    }
}

#[test]
fn scores_are_those_of_the_formula() {
    let texts = natural_texts(200, 1);
    let library = Library::of(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let Bm25 { k1, b, .. } = Bm25::default();
    let words = |text: &str| -> Vec<String> { text.split(' ').map(Into::into).collect() };
    let average = texts.iter().map(|text| words(text).len()).sum::<usize>() as f32 / 200.0;
    for query in natural_texts(20, 2) {
        let mut asked = words(&query);
        asked.sort();
        let mut expected = vec![0.0_f32; texts.len()];
        for term in asked.chunk_by(|a, b| a == b) {
            let times = term.len() as f32;
            let with = texts
                .iter()
                .filter(|text| words(text).contains(&term[0]))
                .count() as f32;
            let idf = (1.0 + (200.0 - with + 0.5) / (with + 0.5)).ln();
            for (score, text) in expected.iter_mut().zip(&texts) {
                let length = words(text).len() as f32;
                let count = words(text).iter().filter(|word| **word == term[0]).count() as f32;
                let tf = count / (1.0 - b + b * length / average);
                *score += 2.0 * times / (1.0 + times) * idf * (k1 + 1.0) * tf / (k1 + tf);
            }
        }
        let expected = expected
            .into_iter()
            .enumerate()
            .map(|(id, score)| (id as u64, score));
        let found = library
            .index
            .search(&query, 10, &Filter::default())
            .unwrap();
        assert_close(&found, &by_score(expected.collect(), 10));
    }
}

#[test]
fn skipping_what_cannot_win_changes_nothing() {
    let library = Library::empty();
    let texts = natural_texts(3000, 3);
    for (place, text) in texts.iter().enumerate() {
        let title = texts[place / 2]
            .split(' ')
            .take(4)
            .collect::<Vec<_>>()
            .join(" ");
        let mut document = paper(place as u64, &title, &[], "", text);
        document.collection = if place % 7 == 0 { "few" } else { "many" }.into();
        library.index.put(&document).unwrap();
        if place % 900 == 0 {
            library.index.commit(1).unwrap();
        }
    }
    for place in (0..3000).step_by(5) {
        library.index.remove(&format!("document {place}"));
    }
    library.index.commit(2).unwrap();
    let ids: Vec<ChunkId> = (0..3000).collect();
    for query in natural_texts(60, 4) {
        let parsed = ParsedQuery::plain(&query);
        let scores = library.index.scores(&parsed, &ids).unwrap();
        let all: Vec<_> = ids.iter().copied().zip(scores).collect();
        let bound = library.index.bound(&parsed).unwrap();
        for collection in [None, Some("few"), Some("many")] {
            let filter = Filter {
                collection: collection.map(Into::into),
                ..Filter::default()
            };
            let kept = library.index.matching(&parsed, &filter, &ids).unwrap();
            let kept = all.iter().filter(|(id, _)| kept[*id as usize]).copied();
            let expected = by_score(kept.collect(), 10);
            assert!(expected.iter().all(|(_, score)| *score <= bound));
            let found = library.index.search_parsed(&parsed, 10, &filter).unwrap();
            assert_close(&found, &expected);
        }
    }
}

#[test]
fn title_section_and_authors_are_searched() {
    let library = Library::empty();
    let papers = [
        paper(
            0,
            "Attention is all you need",
            &["Ashish Vaswani"],
            "Results",
            "It translates.",
        ),
        paper(
            1,
            "Sequence models",
            &["Ilya Sutskever"],
            "Attention",
            "It recurs.",
        ),
        paper(
            2,
            "Translation",
            &["Müller, Jürgen"],
            "Methods",
            "Attention is all one needs.",
        ),
    ];
    for paper in &papers {
        library.index.put(paper).unwrap();
    }
    library.index.commit(1).unwrap();
    assert_eq!(library.set("attention"), [0, 1, 2]);
    assert_eq!(library.set("title:attention"), [0]);
    assert_eq!(library.set("section:attention"), [1]);
    assert_eq!(library.set("body:attention"), [2]);
    assert_eq!(library.set("vaswani"), [0]);
    assert_eq!(library.set("author:muller attention"), [2]);
    assert_eq!(library.set("author:\"J. Müller\""), [2]);
    assert_eq!(library.set("author:\"Jürgen Vaswani\""), [0_u64; 0]);
    assert_eq!(library.set("author:\"müller jürgen\""), [2]);
    assert_eq!(library.set("\"attention is all you need\""), [0]);
    assert_eq!(library.set("attention -author:vaswani"), [1, 2]);
    assert_eq!(library.set("+attention +translate"), [0, 2]);
    assert_eq!(library.set("attention -translating"), [1]);
    assert_eq!(library.set("\"needs attention\""), [0_u64; 0]);
}

#[test]
fn conditions_hold_for_chunks_found_elsewhere() {
    let library = Library::of(&[
        "deep neural nets",
        "neural deep nets",
        "shallow trees",
        "deep survey of neural nets",
    ]);
    let ids = [3, 2, 9, 1, 0];
    let matching = |typed: &str| {
        let parsed = ParsedQuery::parse(typed);
        library
            .index
            .matching(&parsed, &Filter::default(), &ids)
            .unwrap()
    };
    assert_eq!(matching("nets"), [true, true, false, true, true]);
    assert_eq!(
        matching("\"neural nets\""),
        [true, false, false, false, true]
    );
    assert_eq!(matching("neural -survey"), [false, true, false, true, true]);
    let scores = library
        .index
        .scores(&ParsedQuery::parse("nets"), &ids)
        .unwrap();
    assert!(scores[0] > 0.0 && scores[1] == 0.0 && scores[2] == 0.0 && scores[4] > 0.0);
}

#[test]
fn the_passage_with_exactly_that_identifier_comes_first() {
    let library = Library::of(&[
        "IL-20 and IL-12 with 2 other cytokines, 2 of them IL-20 again",
        "the role of IL-2 in T cells",
        "il is not 2",
        "GPT-4 answers; GPT answers 4 questions",
        "GPT-3 has 4 sizes and GPT-3 answers 4 questions, GPT-3 and 4 again",
        "see doi:10.1145/3292500.3330701 for more",
        "10.1145 3292500 3330701 10.1145 3330701",
        "call torch.nn.Linear here",
        "torch and nn and linear, torch linear nn torch",
        "AIDS and BRCA1/BRCA2",
    ]);
    for (typed, first) in [
        ("what does IL-2 do", 1),
        ("il2", 1),
        ("gpt-4 answers", 3),
        ("GPT4", 3),
        ("10.1145/3292500.3330701", 5),
        ("https://doi.org/10.1145/3292500.3330701", 5),
        ("torch.nn.Linear", 7),
        ("brca2", 9),
    ] {
        assert_eq!(library.found(typed)[0], first, "{typed}");
    }
    assert_eq!(identifiers("does IL-2 bind p53?"), ["il2", "p53"]);
}

#[test]
fn words_meet_in_their_own_language() {
    let library = Library::of(&[
        "The houses of the city were built by workers who were running out of time in winter.",
        "Die Häuser der Stadt wurden im neunzehnten Jahrhundert von vielen Arbeitern gebaut.",
        "Les maisons anciennes de la ville étaient construites par des ouvriers expérimentés.",
        "Нейронные сети обучаются на больших наборах данных и решают сложные задачи распознавания.",
        "基于深度学习的图像识别方法在医学影像中取得了很好的效果。",
        "深層学習は画像認識において優れた性能を示している。犬",
        "딥러닝 기반 영상 인식 방법은 의료 영상에서 좋은 성능을 보인다.",
    ]);
    for (typed, found) in [
        ("house", 0),
        ("worker", 0),
        ("Haus", 1),
        ("hauser", 1),
        ("Jahrhunderte", 1),
        ("maison ancienne", 2),
        ("experimente", 2),
        ("нейронная сеть", 3),
        ("задача", 3),
        ("图像识别", 4),
        ("医学", 4),
        ("画像認識", 5),
        ("犬", 5),
        ("영상 인식", 6),
    ] {
        assert_eq!(library.found(typed).first(), Some(&found), "{typed}");
    }
    assert_eq!(
        library.set("was ist die Stadt"),
        [1],
        "German stop words in a German question"
    );
    assert_eq!(library.set("\"深度学习\""), [4]);
}

#[test]
fn a_question_of_stop_words_alone_is_still_searched() {
    let library = Library::of(&["to be or not to be", "something else entirely"]);
    assert_eq!(library.set("to be or not to be"), [0]);
    assert_eq!(library.set("what is to be"), [0]);
    assert_eq!(library.set("is something there"), [1]);
}

#[test]
fn matched_words_are_marked() {
    let library = Library::of(&[
        "Die Häuser der Stadt wurden im neunzehnten Jahrhundert gebaut und bewohnt.",
    ]);
    for (typed, text, expected) in [
        (
            "neural network",
            "Networks of neurons; a neural-network.",
            "[Networks] of neurons; a [neural]-[network].",
        ),
        (
            "\"neural nets\" depth",
            "Neural nets of depth; nets are neural.",
            "[Neural nets] of [depth]; nets are neural.",
        ),
        (
            "IL-2 in cells",
            "IL-2 and IL-20, 2 cells",
            "[IL-2] and IL-20, 2 [cells]",
        ),
        (
            "the Haus",
            "Das Haus, die Häuser",
            "Das [Haus], die [Häuser]",
        ),
        (
            "eﬃcient mobius",
            "Efficient Möbius bands",
            "[Efficient] [Möbius] bands",
        ),
        ("图像识别", "医学图像识别的方法", "医学[图像识别]的方法"),
        ("good -bad title:ugly", "good bad ugly", "[good] bad ugly"),
        ("the", "the end", "[the] end"),
        ("", "nothing", "nothing"),
    ] {
        assert_eq!(library.marked(typed, text), expected);
    }
}

#[test]
fn a_passage_has_characteristic_terms_and_neighbours() {
    let library = Library::of(&[
        "Zebras and lions graze in the savanna with 12 giraffes",
        "The savanna is where zebras sleep",
        "Lions sleep",
        "Computers sleep in the office; computers compute",
    ]);
    let text = "The zebras of the savanna, zebras everywhere, sleep";
    let terms = library.index.characteristic_terms(text, 2).unwrap();
    let words: Vec<&str> = terms.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["zebras", "savanna"]);
    let similar = library.index.similar(text, 2, &Filter::default()).unwrap();
    assert_eq!(similar[0].0, 1);
    assert_eq!(
        library
            .index
            .document_frequencies(&["zebra", "sleep", "okapi"])
            .unwrap(),
        [2, 3, 0]
    );
    let idf = library
        .index
        .idf(&["zebra", "sleep", "okapi", "!"])
        .unwrap();
    assert!(idf[0] > idf[1] && idf[2] > idf[0] && idf[3] == 0.0);
}

#[test]
fn a_document_is_held_only_as_it_is_now() {
    let library = Library::empty();
    let mut held = paper(1, "Title", &["A. Author"], "Methods", "text");
    assert!(!library.index.holds(&held).unwrap());
    library.index.put(&held).unwrap();
    assert!(!library.index.holds(&held).unwrap(), "not committed");
    library.index.commit(1).unwrap();
    assert!(library.index.holds(&held).unwrap());
    held.collection = "another".into();
    assert!(!library.index.holds(&held).unwrap());
    library.index.put(&held).unwrap();
    library.index.commit(2).unwrap();
    assert!(library.index.holds(&held).unwrap());
    held.chunks.push(IndexedChunk {
        id: 2,
        text: "more".into(),
        section: None,
    });
    assert!(!library.index.holds(&held).unwrap());
}

#[test]
fn what_was_removed_leaves_the_disk() {
    let library = Library::empty();
    let words: String = (0..20_000_u32)
        .map(|at| format!("w{:x} ", at.wrapping_mul(2_654_435_761)))
        .collect();
    library.index.put(&document(1, &words)).unwrap();
    library.index.put(&document(2, "something stays")).unwrap();
    library.index.commit(1).unwrap();
    let size = || -> u64 {
        let files = std::fs::read_dir(LexicalIndex::folder_in(library.folder.path())).unwrap();
        files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum()
    };
    let before = size();
    assert!(!library.index.optimize().unwrap(), "nothing to do");
    library.index.remove("document 1");
    library.index.commit(2).unwrap();
    library.index.optimize().unwrap();
    assert!(size() < before / 5, "{before} {}", size());
    assert_eq!(library.set("stays"), [2]);
    assert_eq!(library.index.watermark().unwrap(), 2);
    assert!(!library.index.optimize().unwrap());
}

#[test]
fn a_damaged_folder_is_an_error_and_never_a_panic() {
    let texts = natural_texts(300, 5);
    let whole = Library::of(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let from = LexicalIndex::folder_in(whole.folder.path());
    drop(whole.index);
    let mut files: Vec<_> = std::fs::read_dir(&from)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|file| !file.file_name().unwrap().to_string_lossy().starts_with('.'));
    files.sort();
    for file in &files {
        let name = file.file_name().unwrap();
        for damage in 0..4 {
            let folder = tempfile::tempdir().unwrap();
            let to = LexicalIndex::folder_in(folder.path());
            std::fs::create_dir_all(&to).unwrap();
            for file in std::fs::read_dir(&from).unwrap() {
                let file = file.unwrap();
                std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
            let mut bytes = std::fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            match damage {
                0 => bytes.clear(),
                1 => bytes.truncate(middle),
                2 => bytes[middle] ^= 0x55,
                _ => bytes.iter_mut().for_each(|byte| *byte = 0xff),
            }
            std::fs::write(to.join(name), &bytes).unwrap();
            match LexicalIndex::open(folder.path()) {
                Err(_) => {}
                Ok(index) => {
                    // A name or number inside the list of segments may change unnoticed.
                    assert_eq!(name, "meta.json", "damage {damage} went unnoticed");
                    let _ = index.search(&texts[0], 5, &Filter::default());
                }
            }
            std::fs::remove_dir_all(&to).unwrap();
            let again = LexicalIndex::open(folder.path()).unwrap();
            assert_eq!(again.watermark().unwrap(), 0);
        }
    }
}

#[test]
fn nothing_that_is_typed_or_indexed_is_an_error() {
    let long = "word ".repeat(20_000);
    let endless = "x".repeat(100_000);
    let quotes = "\" ' „ “ « ".repeat(10_000);
    let han = "机".repeat(30_000);
    let mixed = "+a -b title:c \"d e\" 10.1145/1 GPT-4 ".repeat(2_500);
    let typed = [
        "",
        " ",
        "\"",
        "\"\"",
        "title:",
        "-",
        "+",
        "- -",
        "+\"",
        "the of and",
        "😀",
        "\u{0}\u{7}\u{1b}[31m",
        "\u{202e}\u{200f}abc",
        "'; DROP TABLE chunks; --",
        "[1 TO *}",
        "a AND (b OR",
        "\\",
        "~2^3",
        &long,
        &endless,
        &quotes,
        &han,
        &mixed,
    ];
    let library = Library::of(&typed);
    for text in typed {
        library.index.search(text, 5, &Filter::default()).unwrap();
        let parsed = ParsedQuery::parse(text);
        library
            .index
            .matching(&parsed, &Filter::default(), &[0, 1, 99])
            .unwrap();
        library
            .index
            .highlights(&parsed, "a word 机机 GPT-4")
            .unwrap();
        library.index.characteristic_terms(text, 5).unwrap();
    }
    assert!(
        library
            .index
            .search("word", 0, &Filter::default())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn any_text_is_marked_at_its_characters() {
    let library = Library::of(&[
        "Die Häuser der Stadt wurden im neunzehnten Jahrhundert gebaut und bewohnt.",
    ]);
    let mut runner = proptest::test_runner::TestRunner::default();
    let texts = (
        "\\PC{0,40}|[a-c +\"-]{0,20}",
        "\\PC{0,80}|[a-c 犬が-]{0,40}",
    );
    runner
        .run(&texts, |(typed, text)| {
            let parsed = ParsedQuery::parse(&typed);
            let mut last = 0;
            for range in library.index.highlights(&parsed, &text).unwrap() {
                prop_assert!(text.get(range.clone()).is_some());
                prop_assert!(range.start >= last && range.end > range.start);
                last = range.end;
            }
            library
                .index
                .search_parsed(&parsed, 5, &Filter::default())
                .unwrap();
            Ok(())
        })
        .unwrap();
}
