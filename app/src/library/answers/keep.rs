//! What is taken down when an answer is given.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::OnceLock;

use anyhow::Result;
use generation::{Answered, Generator};
use retrieval::Passage;
use sha2::{Digest, Sha256};

use crate::catalog::{Asked, Provenance};
use crate::library::ask::{AskRequest, READ, Talk};
use crate::library::{Library, blocking};
use crate::models;

/// Settings, or beginnings of their keys, that the words of an answer depend on.
const TELLING: [&str; 10] = [
    "answerer",
    "llm.url",
    "llm.model",
    "top_k",
    "embedder",
    "embedding.",
    "search.",
    "answer.",
    "chunk.",
    "dense.",
];

impl Library {
    /// Stores an answer to what was asked of `talk`'s scope; `writer` is the model that was there to
    /// write it. Where a document that it was made from has been deleted meanwhile it is
    /// not kept, and a warning says so.
    ///
    /// # Errors
    /// Where the catalog cannot be read or written.
    pub(in crate::library) async fn keep_answer(
        &self,
        request: &AskRequest,
        talk: &Talk,
        answered: &mut Answered,
        passages: &[Passage],
        writer: Option<&dyn Generator>,
    ) -> Result<()> {
        let model = writer.map(|writer| writer.id().to_owned());
        let adapter = writer.and_then(|writer| writer.adapter().map(str::to_owned));
        let asked = Asked {
            collection: talk.collection.clone(),
            documents: talk.documents.clone(),
            top_k: Some(request.top_k.unwrap_or(READ)),
            task: Some(request.task.name().to_owned()),
        };
        // A fallback depends on the model as well, though it does not show its words.
        let was_asked = answered.trace.completion.is_some();
        let model = model.filter(|_| was_asked);
        let mut provenance = self.provenance(asked, model).await?;
        provenance.adapter = adapter.filter(|_| was_asked);
        provenance.passages = self.catalog.keep_passages(passages).await?;
        let cited = answered
            .answer
            .citations
            .iter()
            .map(|citation| &citation.document_id);
        let named = answered
            .answer
            .parts
            .iter()
            .filter_map(|part| part.document_id.as_ref());
        let mut documents: Vec<String> = passages
            .iter()
            .map(|passage| &passage.document_id)
            .chain(cited)
            .chain(&talk.drawn_from)
            .chain(named)
            .cloned()
            .collect();
        documents.sort_unstable();
        documents.dedup();
        let kept = self
            .catalog
            .add_answer(&answered.answer, &answered.trace, &provenance, &documents)
            .await?;
        if !kept {
            answered.answer.warnings.push(
                "a document that this was made from was deleted meanwhile: the answer is not kept"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// What an answer depends on as things stand, without its passages; `model` is the one that was
    /// asked.
    pub(super) async fn provenance(
        &self,
        asked: Asked,
        model: Option<String>,
    ) -> Result<Provenance> {
        let indexes = self.indexes().await?;
        let settings: BTreeMap<String, String> = self
            .settings
            .entries
            .iter()
            .filter(|entry| {
                TELLING.iter().any(|telling| match telling.ends_with('.') {
                    true => entry.key.starts_with(telling),
                    false => entry.key == *telling,
                })
            })
            .map(|entry| (entry.key.to_owned(), entry.value.clone()))
            .collect();
        Ok(Provenance {
            lectern: env!("CARGO_PKG_VERSION").to_owned(),
            build: blocking(|| Ok(build())).await?,
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            adapter: None,
            model_sha256: model
                .as_deref()
                .and_then(|id| models::find(id).ok())
                .and_then(|model| model.weights_sha256(&self.settings.models_dir)),
            model,
            index: Some(indexes.generation.spec.clone()),
            generation: indexes.generation.id,
            settings,
            asked,
            passages: Vec::new(),
        })
    }
}

/// Tells builds of Lectern apart: a hash over the size, the head and the tail of the program, which
/// hold its layout and symbols. All of it would take longer than an extractive answer.
fn build() -> Option<String> {
    static BUILD: OnceLock<Option<String>> = OnceLock::new();
    BUILD
        .get_or_init(|| {
            // On Linux the program that runs, also where its file has been replaced.
            let own = std::path::Path::new("/proc/self/exe");
            let mut file = std::fs::File::open(own)
                .or_else(|_| std::fs::File::open(std::env::current_exe()?))
                .ok()?;
            fingerprint(&mut file).ok()
        })
        .clone()
}

fn fingerprint(file: &mut (impl Read + Seek)) -> std::io::Result<String> {
    const PART: u64 = 1 << 20;
    let size = file.seek(SeekFrom::End(0))?;
    let mut hash = Sha256::new();
    hash.update(size.to_le_bytes());
    for start in [0, size.saturating_sub(PART)] {
        file.seek(SeekFrom::Start(start))?;
        let mut part = Vec::new();
        file.by_ref().take(PART).read_to_end(&mut part)?;
        hash.update(&part);
    }
    let digest = hash.finalize();
    Ok(digest[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn builds_differ_by_size_head_and_tail() {
        let of = |bytes: Vec<u8>| fingerprint(&mut Cursor::new(bytes)).unwrap();
        let program = vec![7u8; 3 << 20];
        let mut head = program.clone();
        head[10] = 1;
        let mut tail = program.clone();
        *tail.last_mut().unwrap() = 1;
        let all = [
            program.clone(),
            program[1..].to_vec(),
            head,
            tail,
            Vec::new(),
        ]
        .map(of);
        for (place, one) in all.iter().enumerate() {
            assert_eq!(one.len(), 12);
            assert!(!all[..place].contains(one), "{place}");
        }
        assert_eq!(all[0], of(program));
        assert!(build().is_some());
    }
}
