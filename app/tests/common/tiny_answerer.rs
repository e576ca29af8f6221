//! A models folder whose answerer is a tiny random model: whatever asks for the model that answers, to
//! count tokens or to train it, gets one that takes a moment. The other models are this machine's.

#![allow(dead_code, reason = "each test file uses a part of this")]

#[path = "../../../finetune/tests/it/tiny.rs"]
pub(crate) mod tiny;

use std::fs::File;

use app::models::{DEFAULT_ANSWERER, DEFAULT_EMBEDDER, RUNTIME, find};

/// The folder, deleted on drop.
pub(crate) fn models() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let answerer = find(DEFAULT_ANSWERER).unwrap();
    std::fs::create_dir(answerer.folder(folder.path())).unwrap();
    for file in answerer.missing(folder.path()) {
        // Only converted from, so its size is enough.
        let path = answerer.folder(folder.path()).join(&file.name);
        File::create(path).unwrap().set_len(file.bytes).unwrap();
    }
    tiny::write_model(&answerer.weights(folder.path()), "Tiny Instruct");
    assert!(answerer.is_present(folder.path()));

    let settings = super::common::settings(folder.path(), &[]);
    for other in [DEFAULT_EMBEDDER, RUNTIME] {
        let there = settings.models_dir.join(other);
        std::fs::create_dir_all(&there).unwrap();
        std::os::unix::fs::symlink(there, folder.path().join(other)).unwrap();
    }
    folder
}
