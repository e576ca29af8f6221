//! A dataset on disk: `train.jsonl`, `validation.jsonl`, `test.jsonl`, `card.json`, `card.md`.
//!
//! The folder is written under another name and renamed when it is whole. Taking a deleted document
//! out of it rewrites one file after the other; done again after a kill, it comes to the same.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::card::{Card, Counts};
use super::{Example, Side};
use crate::{Error, Result, files};

/// Examples by side, with their tokens.
pub type Sets = BTreeMap<Side, Vec<(Example, usize)>>;

/// The file of a side.
#[must_use]
pub fn file(folder: &Path, side: Side) -> PathBuf {
    folder.join(format!("{}.jsonl", side.as_str()))
}

/// Writes a dataset into a folder that is not there yet, with its hash on the card.
///
/// # Errors
/// [`Error::Dataset`] where there is nothing to train on, the folder is there already or cannot be
/// written.
pub fn write(folder: &Path, sets: &Sets, mut card: Card) -> Result<Card> {
    if sets.get(&Side::Train).is_none_or(Vec::is_empty) {
        return Err(refused(
            folder,
            "no example is left to train on; hint: approve feedback, generate or import more, or \
             look at what was left out and why",
        ));
    }
    if folder.exists() {
        return Err(refused(
            folder,
            "it is there already; hint: name another one, or delete it first",
        ));
    }
    let part = files::beside(folder);
    let write = || -> std::io::Result<Card> {
        if part.exists() {
            // Left by a kill.
            std::fs::remove_dir_all(&part)?;
        }
        std::fs::create_dir_all(&part)?;
        let mut hash = Sha256::new();
        for side in Side::ALL {
            let examples = sets.get(&side).into_iter().flatten();
            let text = lines(examples.map(|(example, _)| example))?;
            digest(&mut hash, side, &text);
            files::write_whole(&file(&part, side), text.as_bytes())?;
        }
        card.sha256 = hexadecimal(hash);
        write_card(&part, &card)?;
        std::fs::rename(&part, folder)?;
        files::sync_folder_of(folder)?;
        Ok(card)
    };
    write().map_err(|error| unwritable(folder, &error))
}

/// Reads the examples of a side.
///
/// # Errors
/// [`Error::Dataset`] where the file is missing or a line is no example with provenance.
pub fn read(folder: &Path, side: Side) -> Result<Vec<Example>> {
    let path = file(folder, side);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        refused(
            &path,
            &format!("{error}; hint: name a folder that `lectern finetune prepare` wrote"),
        )
    })?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                refused(
                    &path,
                    &format!(
                        "line {} is no example with `messages` and `about`: {error}; hint: prepare the \
                         dataset again",
                        index + 1
                    ),
                )
            })
        })
        .collect()
}

/// Reads the card.
///
/// # Errors
/// [`Error::Dataset`] where it is missing or damaged.
pub fn read_card(folder: &Path) -> Result<Card> {
    let path = folder.join("card.json");
    let bytes = std::fs::read(&path).map_err(|error| {
        refused(
            &path,
            &format!("{error}; hint: name a folder that `lectern finetune prepare` wrote"),
        )
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        refused(
            &path,
            &format!("it is no card of a dataset: {error}; hint: prepare the dataset again"),
        )
    })
}

/// Takes out all examples that hold text of these documents. Returns the card as it is then.
///
/// # Errors
/// [`Error::Dataset`] where the folder cannot be read or written.
pub fn erase(folder: &Path, documents: &[String]) -> Result<Card> {
    let gone: HashSet<&str> = documents.iter().map(String::as_str).collect();
    let mut card = read_card(folder)?;
    let before = card.examples();
    let mut hash = Sha256::new();
    for side in Side::ALL {
        let examples = read(folder, side)?;
        let count = examples.len();
        let kept: Vec<Example> = examples
            .into_iter()
            .filter(|example| {
                let mut documents = example.about.documents.iter();
                !documents.any(|document| gone.contains(document.as_str()))
            })
            .collect();
        let write = || -> std::io::Result<String> {
            let text = lines(kept.iter())?;
            if kept.len() < count {
                files::write_whole(&file(folder, side), text.as_bytes())?;
            }
            Ok(text)
        };
        let text = write().map_err(|error| unwritable(folder, &error))?;
        digest(&mut hash, side, &text);
        card.sides.insert(side, Counts::of(&kept));
    }
    let erased = before.saturating_sub(card.examples());
    card.erased += erased;
    card.warnings = card.doubts();
    card.sha256 = hexadecimal(hash);
    write_card(folder, &card).map_err(|error| unwritable(folder, &error))?;
    Ok(card)
}

fn lines<'e>(examples: impl Iterator<Item = &'e Example>) -> std::io::Result<String> {
    let mut text = String::new();
    for example in examples {
        text.push_str(&serde_json::to_string(example)?);
        text.push('\n');
    }
    Ok(text)
}

fn digest(hash: &mut Sha256, side: Side, text: &str) {
    hash.update(side.as_str());
    hash.update([0]);
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

fn hexadecimal(hash: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn write_card(folder: &Path, card: &Card) -> std::io::Result<()> {
    let json = serde_json::to_vec_pretty(card)?;
    files::write_whole(&folder.join("card.md"), card.to_markdown().as_bytes())?;
    files::write_whole(&folder.join("card.json"), &json)
}

fn refused(path: &Path, reason: &str) -> Error {
    Error::Dataset {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    refused(
        path,
        &format!("{error}; hint: check the free space and the folder's permissions"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::check::{Dropped, Reason};
    use crate::data::samples::example;
    use expect_test::expect;

    fn sets() -> Sets {
        let one = |id: &str, document: &str, question: &str, completion: &str| {
            (
                example(id, &[document], &["A note."], question, completion),
                130,
            )
        };
        BTreeMap::from([
            (
                Side::Train,
                vec![
                    one("1", "a", "Why?", "A note. [1]"),
                    one("2", "b", "How?", generation::prompt::NO_ANSWER),
                ],
            ),
            (Side::Validation, vec![]),
            (Side::Test, vec![one("3", "c", "When?", "A note. [1]")]),
        ])
    }

    fn card(sets: &Sets) -> Card {
        let dropped = vec![Dropped {
            id: "4".to_owned(),
            reason: Reason::Unsupported,
        }];
        Card::new("papers", 7, "words", sets, dropped)
    }

    #[test]
    fn what_is_written_is_read_and_hashed_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let sets = sets();
        let first = write(&folder.path().join("one"), &sets, card(&sets)).unwrap();
        let second = write(&folder.path().join("two"), &sets, card(&sets)).unwrap();
        assert_eq!(first.sha256, second.sha256);
        let path = folder.path().join("one");
        assert_eq!(read_card(&path).unwrap(), first);
        let train = read(&path, Side::Train).unwrap();
        assert_eq!(train[0], sets[&Side::Train][0].0);
        // What is written is what training reads.
        let text = std::fs::read_to_string(file(&path, Side::Train)).unwrap();
        assert_eq!(crate::parse_jsonl(&text).unwrap().len(), 2);
        expect![[r#"
            # papers

            3 examples, seed 7, SHA-256 `HASH`.

            **Note:** 1 examples to test with; 99 more are needed to tell whether a trained model is better: add papers, generate more, or import a file of questions.

            **Note:** nothing to choose between checkpoints with: the examples come from too few documents.

            | side | examples | documents | answers | refusals | feedback | generated | distilled | imported |
            |---|---|---|---|---|---|---|---|---|
            | train | 2 | 2 | 1 | 1 | 0 | 2 | 0 | 0 |
            | validation | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 |
            | test | 1 | 1 | 1 | 0 | 0 | 1 | 0 | 0 |

            ## Left out: 1

            - not supported by its own evidence: 1

            ## Lengths

            Tokens of prompt and answer, as words counts them.

            | up to | examples |
            |---|---|
            | 128 | 0 |
            | 256 | 3 |
            | 384 | 0 |
            | 512 | 0 |
            | 768 | 0 |
            | 1024 | 0 |
            | 1536 | 0 |
            | 2048 | 0 |
            | longer | 0 |
        "#]]
        .assert_eq(&first.to_markdown().replace(&first.sha256, "HASH"));

        let mut other = sets;
        let moved = other.get_mut(&Side::Train).unwrap().pop().unwrap();
        other.get_mut(&Side::Validation).unwrap().push(moved);
        let third = write(&folder.path().join("three"), &other, card(&other)).unwrap();
        assert_ne!(third.sha256, first.sha256, "sides are part of the content");
    }

    #[test]
    fn a_deleted_document_leaves_no_text_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set");
        let sets = sets();
        let before = write(&path, &sets, card(&sets)).unwrap();
        let gone = ["b".to_owned(), "c".to_owned()];
        let after = erase(&path, &gone).unwrap();
        assert_eq!((after.examples(), after.erased), (1, 2));
        assert_ne!(after.sha256, before.sha256);
        assert!(read(&path, Side::Test).unwrap().is_empty());
        assert_eq!(read(&path, Side::Train).unwrap().len(), 1);
        // As after a kill: nothing is counted twice.
        assert_eq!(erase(&path, &gone).unwrap(), after);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set");
        let empty = Sets::new();
        let errors = [
            write(&path, &empty, card(&empty)).unwrap_err(),
            write(folder.path(), &sets(), card(&sets())).unwrap_err(),
            read_card(&path).unwrap_err(),
            read(&path, Side::Train).unwrap_err(),
        ];
        for (error, wanted) in errors.iter().zip([
            "no example is left",
            "it is there already",
            "card.json",
            "train.jsonl",
        ]) {
            let shown = error.to_string();
            assert!(shown.contains(wanted) && shown.contains("hint:"), "{shown}");
        }
        std::fs::create_dir(&path).unwrap();
        std::fs::write(file(&path, Side::Train), "\n{\"messages\":[]}\n").unwrap();
        let shown = read(&path, Side::Train).unwrap_err().to_string();
        assert!(shown.contains("line 2"), "{shown}");
    }
}
