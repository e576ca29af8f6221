//! What of a document can be found: its passages, cut for the embedder of the indexes that will hold
//! them. The same when a file comes in and when what the catalog holds is cut anew.

use ingest::chunk::ChunkConfig;
use ingest::{Chunk, Document};
use retrieval::embed::{Embedder, EmbedderTokens};

/// The passages of a document that are worth finding.
pub(super) fn cut(document: &Document, config: ChunkConfig, embedder: &dyn Embedder) -> Vec<Chunk> {
    let mut chunks = ingest::chunk::chunk(document, config, &EmbedderTokens(embedder));
    keep_readable(&mut chunks, document);
    chunks
}

/// Leaves out chunks of garbled pages: nobody asks for what is no words, and no citation should
/// show it.
fn keep_readable(chunks: &mut Vec<Chunk>, document: &Document) {
    let is_readable = |number: u32| {
        document
            .pages
            .get(number.saturating_sub(1) as usize)
            .is_none_or(|page| !page.source.needs_ocr())
    };
    chunks.retain(|chunk| (chunk.first_page..=chunk.last_page).any(is_readable));
    for (index, chunk) in (0..).zip(chunks) {
        chunk.index = index;
    }
}
