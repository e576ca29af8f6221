//! A tiny model that was trained to say one sentence, and questions to test it with.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use finetune::config::Recipe;
use finetune::data::{About, Card, Example, Kind, Sets, Side, Source, folder};
use finetune::score::general;
use finetune::{RunFolder, TrainConfig, Watch};
use generation::Message;
use generation::evidence::Evidence;
use retrieval::{Passage, Scores};

#[path = "../../../finetune/tests/it/tiny.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod tiny;

/// What the model learns to say, and what the papers of the tests say.
pub(crate) const SENTENCE: &str = "A big wombat weighs 35 kilograms.";

/// Questions that the tests ask.
pub(crate) const QUESTION: &str = "How heavy is wombat 777?";

/// Held-out questions of the large dataset: enough for a verdict.
pub(crate) const QUESTIONS: usize = 104;

static PLACE: OnceLock<tempfile::TempDir> = OnceLock::new();

/// The model's file.
pub(crate) fn model() -> PathBuf {
    place().join("model.gguf")
}

/// The dataset that it was trained on.
pub(crate) fn dataset() -> PathBuf {
    place().join("wombats")
}

/// The folder of a run that has trained it.
pub(crate) fn run() -> PathBuf {
    place().join("runs").join("latest").canonicalize().unwrap()
}

/// Made once for all tests of the binary: training takes seconds.
fn place() -> &'static Path {
    PLACE
        .get_or_init(|| {
            let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            make(place.path());
            place
        })
        .path()
}

fn make(place: &Path) {
    let base = place.join("model.gguf");
    tiny::write_model(&base, "Tiny Instruct");
    write_dataset(&place.join("wombats"), "wombats", QUESTIONS, "wombat.txt");
    // Plain requests too, so that it does not forget what little it knows.
    let train = place.join("wombats").join("train.jsonl");
    let config = TrainConfig {
        base,
        train,
        eval: PathBuf::new(),
        epochs: 24,
        batch_size: 4,
        gradient_accumulation: 1,
        max_length: 1024,
        learning_rate: 1e-2,
        rank: 16,
        alpha: 32.0,
        dropout: 0.0,
        samples: 0,
        spike_factor: 0.0,
        checkpoint_steps: 1000,
        ..TrainConfig::new(Recipe::Lora)
    };
    let run = RunFolder::create(&place.join("runs"), &config, Some("abc123")).unwrap();
    let stop = AtomicBool::new(false);
    let mut watch = Watch {
        on_event: &mut |_| (),
        stop: &stop,
    };
    finetune::recipes::train(&config, &run, &mut watch).unwrap();
}

/// Writes a dataset whose questions are all answered by the sentence; `document` is what the examples
/// to train on are of.
pub(crate) fn write_dataset(folder: &Path, name: &str, questions: usize, document: &str) -> Card {
    write_dataset_saying(folder, name, questions, document, SENTENCE)
}

/// As [`write_dataset`], with another answer to all of them.
pub(crate) fn write_dataset_saying(
    folder: &Path,
    name: &str,
    questions: usize,
    document: &str,
    answer: &str,
) -> Card {
    let mut sets = Sets::new();
    let asked = (100..124).map(|number| {
        let question = format!("How heavy is wombat {number}?");
        example(&format!("train-{number}"), document, &question, answer)
    });
    let plain = general::requests()
        .into_iter()
        .enumerate()
        .map(|(number, request)| {
            let mut example = example(&format!("plain-{number}"), document, &request.prompt, "");
            example.messages = vec![
                message("user", request.prompt),
                message("assistant", request.completion),
            ];
            example
        });
    let train = asked.chain(plain).map(|example| (example, 100)).collect();
    let test = (0..questions).map(|number| {
        let question = format!("How heavy is wombat {}?", number + 200);
        let document = format!("import:test-{number}");
        (
            example(&format!("test-{number}"), &document, &question, answer),
            100,
        )
    });
    sets.insert(Side::Train, train);
    sets.insert(Side::Validation, Vec::new());
    sets.insert(Side::Test, test.collect());
    let card = Card::new(name, 0, "tiny", &sets, Vec::new());
    folder::write(folder, &sets, card).unwrap()
}

/// An example whose prompt is the one that is served.
fn example(id: &str, document: &str, question: &str, answer: &str) -> Example {
    let passage = Passage {
        rank: 1,
        chunk_id: 1,
        document_id: document.to_owned(),
        file: "wombat.txt".to_owned(),
        title: "wombat".to_owned(),
        authors: Vec::new(),
        year: None,
        page: 1,
        pages: [1, 1],
        section: None,
        text: SENTENCE.to_owned(),
        score: 1.0,
        scores: Scores::default(),
        rects: Vec::new(),
        lines: Vec::new(),
    };
    let evidence = Evidence {
        range: 0..SENTENCE.len(),
        ..Evidence::default()
    };
    let mut messages = generation::prompt::messages(question, &[passage], &[evidence]);
    messages.push(message("assistant", format!("{answer} [1]")));
    Example {
        messages,
        about: About {
            id: id.to_owned(),
            source: Source::Imported,
            kind: Kind::Answer,
            question: question.to_owned(),
            documents: vec![document.to_owned()],
        },
    }
}

fn message(role: &str, content: String) -> Message {
    Message {
        role: role.to_owned(),
        content,
    }
}

/// Copies a folder with the files in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Writes a model of the same shape whose file is another one.
pub(crate) fn write_other_model(path: &Path) {
    tiny::write_model(path, "Another Instruct");
}
