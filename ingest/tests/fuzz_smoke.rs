//! Mutations of the fuzzer's seeds, the same each time, through the real worker process.
//!
//! `LECTERN_FUZZ_ITERATIONS` sets how many, `LECTERN_FUZZ_SEED` where they start.

use std::collections::BTreeMap;

use ingest::picture::Size;
use ingest::worker::{Limits, Reader};
use ingest::{Document, Error};

/// Xorshift: <https://www.jstatsoft.org/article/view/v008i14>.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967296",
    "99999999999999999999",
    "1e38",
    "0.0000001",
    "3",
    "-0.5",
];
const TOKENS: [&str; 24] = [
    "<<",
    ">>",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "null",
    "true",
    "/Kids",
    "/Length",
    "/Filter",
    "/FlateDecode",
    "3 0 R",
    "1 0 R",
    "stream\n",
    "endstream",
    "endobj",
    "Tj",
    "Do",
    "cm",
    "q",
    "BI ID",
];

fn mutate(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(6) {
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(64)).min(bytes.len());
        match random.below(8) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].repeat(1 + random.below(40));
                drop(bytes.splice(at..at, again));
            }
            3 => drop(bytes.splice(at..at, random.pick(&TOKENS).bytes())),
            4 => bytes.truncate(at.max(16)),
            5 => {
                let from = random.below(other.len());
                let part = &other[from..(from + 200).min(other.len())];
                drop(bytes.splice(at..end, part.iter().copied()));
            }
            // The next number becomes another.
            _ => {
                let digit = |byte: &u8| byte.is_ascii_digit();
                if let Some(start) = bytes[at..].iter().position(digit).map(|i| at + i) {
                    let rest = bytes[start..].iter();
                    let length = rest.take_while(|byte| digit(byte)).count();
                    drop(bytes.splice(start..start + length, random.pick(&NUMBERS).bytes()));
                }
            }
        }
        if bytes.is_empty() {
            bytes.push(b'%');
        }
    }
    bytes
}

fn check(document: &Document) {
    assert!(!document.pages.is_empty());
    for (page, number) in document.pages.iter().zip(1..) {
        assert_eq!(page.number, number);
        let mut last = 0;
        for line in &page.lines {
            assert!(last <= line.start && page.text.get(line.start..line.end).is_some());
            last = line.end;
        }
    }
    for entry in &document.outline {
        assert!(
            entry
                .page
                .is_none_or(|page| (page as usize) <= document.pages.len())
        );
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

#[test]
fn mutated_files_are_read_or_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/extract_pdf");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).expect("a seed"))
        .collect();
    assert!(seeds.len() >= 5);
    let reader = Reader {
        program: env!("CARGO_BIN_EXE_extract-worker").into(),
        args: vec![],
        limits: Limits {
            memory: 512 << 20,
            base_ms: 10_000,
            render_ms: 5_000,
            ..Limits::default()
        },
    };
    for (seed, path) in seeds.iter().zip(&paths) {
        let read = reader.read(seed, None, &|| false, &mut |_, _| {});
        check(&read.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ number("LECTERN_FUZZ_SEED", 1));
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    for i in 0..number("LECTERN_FUZZ_ITERATIONS", 150) {
        let (seed, other) = (random.below(seeds.len()), random.below(seeds.len()));
        let bytes = mutate(&seeds[seed], &seeds[other], &mut random);
        let read = reader.read(&bytes, None, &|| false, &mut |_, _| {});
        *outcomes.entry(outcome(&read)).or_default() += 1;
        let keep = |what: &str| {
            // For whoever runs many: the file, so that it can be looked at.
            let path = std::env::temp_dir().join(format!("fuzz-smoke-{what}-{i}.pdf"));
            let _ = std::fs::write(&path, &bytes);
            eprintln!("iteration {i}: {what}: {}", path.display());
        };
        match read {
            Ok(document) => check(&document),
            Err(Error::Worker(error)) => panic!("iteration {i}: {error}"),
            Err(error @ (Error::TimedOut { .. } | Error::WorkerDied { .. })) => keep(error.code()),
            Err(_) => {}
        }
        if i % 3 == 0 {
            match reader.render(&bytes, None, 1, Size::Width(200), &|| false) {
                Err(Error::Worker(error)) => panic!("iteration {i}: {error}"),
                Err(error @ (Error::TimedOut { .. } | Error::WorkerDied { .. })) => {
                    *outcomes
                        .entry(format!("drawing: {}", error.code()))
                        .or_default() += 1;
                    keep("drawing");
                }
                _ => {}
            }
        }
    }
    eprintln!("{outcomes:?}");
}

fn outcome(read: &Result<Document, Error>) -> String {
    match read {
        Ok(document) if document.is_textless() => "without text".to_owned(),
        Ok(_) => "read".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}
