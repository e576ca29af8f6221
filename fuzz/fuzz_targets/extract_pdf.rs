//! Any bytes, read as a PDF in this process: no panic may leave the reader, and what comes out must
//! be consistent.

#![no_main]

use ingest::{Document, extract};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Without the header, which mutation rarely finds, nothing is read at all.
    let mut file = b"%PDF-1.7\n".to_vec();
    file.extend_from_slice(bytes);
    if let Ok(document) = extract::read(file, None) {
        check(&document);
    }
});

fn check(document: &Document) {
    for page in &document.pages {
        assert!(page.width.is_finite() && page.height.is_finite());
        let mut last = 0;
        for line in &page.lines {
            assert!(last <= line.start && page.text.get(line.start..line.end).is_some());
            last = line.end;
        }
    }
}
