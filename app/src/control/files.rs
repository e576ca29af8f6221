//! Which files the paths of an ingest stand for.

use std::path::{Path, PathBuf};

/// The files that the paths stand for: a file is itself, a folder the papers in it, in order of
/// name.
pub(super) fn files(paths: &[PathBuf], recursive: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            papers_in(path, recursive, 0, &mut found);
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    found
}

fn papers_in(folder: &Path, recursive: bool, depth: usize, found: &mut Vec<PathBuf>) {
    // Bounded, because a link may lead back to a folder above.
    if depth > 32 {
        return;
    }
    let Ok(entries) = std::fs::read_dir(folder) else {
        found.push(folder.to_path_buf());
        return;
    };
    let mut entries: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            if recursive {
                papers_in(&entry, recursive, depth + 1, found);
            }
        } else if is_paper(&entry) {
            found.push(entry);
        }
    }
}

/// True for the names of formats that papers come in. A file that is named itself is read
/// whatever it is called.
fn is_paper(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            ingest::formats::EXTENSIONS
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_their_papers_once_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("deeper")).unwrap();
        for name in ["b.pdf", "a.PDF", "photo.jpeg", "notes.md", "deeper/c.pdf"] {
            std::fs::write(path(name), "x").unwrap();
        }
        let given = [folder.path().to_path_buf(), path("b.pdf"), path("gone.pdf")];
        assert_eq!(
            files(&given, false),
            [
                path("a.PDF"),
                path("b.pdf"),
                path("notes.md"),
                path("gone.pdf")
            ]
        );
        assert!(files(&given, true).contains(&path("deeper/c.pdf")));
    }
}
