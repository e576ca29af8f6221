//! Runs that go on from an adapter.

use std::path::{Path, PathBuf};

use finetune::batch::Batch;
use finetune::config::{Recipe, TooLong};
use finetune::dataset::Limits;
use finetune::evaluate::token_losses;
use finetune::{Dataset, Error, RunFolder, TrainConfig, recipes};
use generation::chat::ChatFormat;
use generation::decoder::{Adapter, Decoder, Precision};

use crate::tiny::{Place, line, losses, quiet};

/// The held-out losses of a run, first to last.
fn held_out(run: &Path) -> Vec<f64> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines()
        .filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["eval_loss"].as_f64()
        })
        .collect()
}

/// A place with an adapter that was trained there, and its lowest held-out loss.
fn trained() -> (Place, PathBuf, f64) {
    let place = Place::new();
    let summary = place.train(&place.config(Recipe::Lora)).unwrap();
    let folder = summary.run.join("adapter");
    (place, folder, summary.eval_loss.unwrap())
}

fn problem(error: &Error) -> String {
    assert!(matches!(error, Error::Config(_)), "{error}");
    let shown = error.to_string();
    assert!(shown.contains("adapter: ") && shown.contains("hint: "));
    shown
}

#[test]
fn every_recipe_begins_where_the_adapter_ended() {
    let (place, adapter, loss) = trained();
    for recipe in [Recipe::Lora, Recipe::Full] {
        let anew = place.config(recipe);
        let further = TrainConfig {
            adapter: adapter.clone(),
            ..anew.clone()
        };
        let anew = place.train(&anew).unwrap();
        let further = place.train(&further).unwrap();
        let first = held_out(&further.run)[0];
        assert!((first - loss).abs() < 1e-4, "{recipe:?}: {first} {loss}");
        assert!(first < 0.9 * held_out(&anew.run)[0]);
    }
    // Over weights in four bits the same adapter does nearly the same.
    let further = TrainConfig {
        adapter,
        ..place.config(Recipe::Qlora)
    };
    let first = held_out(&place.train(&further).unwrap().run)[0];
    assert!((first - loss).abs() < 0.2 * loss, "{first} {loss}");
}

#[test]
fn what_is_not_feedback_is_kept_as_the_adapter_said_it() {
    let (place, adapter, _) = trained();
    // What was learnt, with other answers now; and one correction.
    let correction = line("What is new?", "A pear.");
    let mixed = [
        line("What is red?", "Two plums."),
        line("What is blue?", "Two plums."),
        line("What is white?", "Two plums."),
        correction.replacen('{', r#"{"about":{"source":"feedback"},"#, 1),
    ];
    place.write("mixed.jsonl", &(mixed.join("\n") + "\n"));
    let chat = ChatFormat::from_gguf(&place.path("model.gguf")).unwrap();
    let limits = Limits {
        max_length: 128,
        too_long: TooLong::Skip,
    };
    let base = Decoder::from_gguf(&place.path("model.gguf"), Precision::F32).unwrap();
    // The loss of each line of a file, by an adapter.
    let losses_of = |folder: &Path, name: &str| -> Vec<f32> {
        let model = base.with_adapter(&Adapter::load(folder).unwrap()).unwrap();
        let data = Dataset::read(&place.path(name), &chat, limits).unwrap();
        let mean = |example| {
            let losses = token_losses(&model, &Batch::new([example])).unwrap();
            losses.iter().sum::<f32>() / losses.len() as f32
        };
        data.examples.iter().map(mean).collect()
    };
    let further = |self_distillation| {
        let config = TrainConfig {
            adapter: adapter.clone(),
            train: place.path("mixed.jsonl"),
            eval: PathBuf::new(),
            epochs: 30,
            dropout: 0.0,
            feedback_repeats: 2,
            self_distillation,
            ..place.config(Recipe::Lora)
        };
        let run = place.train(&config).unwrap().run;
        let adapter = run.join("adapter");
        let learnt = losses_of(&adapter, "train.jsonl");
        let changed = [0, 1, 3].map(|line| learnt[line]).iter().sum::<f32>() / 3.0;
        (changed, losses_of(&adapter, "mixed.jsonl")[3])
    };
    let learnt = losses_of(&adapter, "train.jsonl");
    let before = [0, 1, 3].map(|line| learnt[line]).iter().sum::<f32>() / 3.0;
    let (kept, taught) = further(1.0);
    let (overwritten, also_taught) = further(0.0);
    assert!(taught < 0.3 && also_taught < 0.3, "{taught} {also_taught}");
    assert!(
        (kept - before).abs() < 0.5 && overwritten > before + 1.0,
        "{before}: {kept} {overwritten}"
    );
}

#[test]
fn the_run_has_a_copy_and_comes_to_the_same_without_the_adapter() {
    let (place, adapter, _) = trained();
    let config = TrainConfig {
        adapter: adapter.clone(),
        ..place.config(Recipe::Lora)
    };
    let whole = place.train(&config).unwrap();
    let run = RunFolder::create(&place.path("runs"), &config, None).unwrap();
    for file in finetune::start::FILES {
        let copy = std::fs::read(run.start().join(file)).unwrap();
        assert_eq!(copy, std::fs::read(adapter.join(file)).unwrap());
    }
    let path = run.path().to_owned();
    drop(run);
    std::fs::remove_dir_all(&adapter).unwrap();
    let (run, config) = RunFolder::open(&path).unwrap();
    let summary = recipes::train(&config, &run, &mut quiet(&mut |_| ())).unwrap();
    assert_eq!(losses(&summary.run), losses(&whole.run));
}

#[test]
fn an_adapter_of_another_shape_or_none_is_refused_before_there_is_a_run() {
    let (place, adapter, _) = trained();
    let runs = finetune::run::list(&place.path("runs")).len();
    let refused = |config: TrainConfig| problem(&place.train(&config).unwrap_err());
    let config = TrainConfig {
        adapter,
        ..place.config(Recipe::Lora)
    };
    let shown = refused(TrainConfig {
        rank: 8,
        ..config.clone()
    });
    assert!(
        shown.contains("rank 4") && shown.contains("set rank"),
        "{shown}"
    );
    let shown = refused(TrainConfig {
        target_modules: vec!["q_proj".to_owned()],
        ..config.clone()
    });
    assert!(shown.contains("target_modules"), "{shown}");
    let shown = refused(TrainConfig {
        alpha: 1.0,
        recipe: Recipe::Qlora,
        ..config.clone()
    });
    assert!(shown.contains("alpha 8"), "{shown}");
    let shown = refused(TrainConfig {
        adapter: place.path("nowhere"),
        ..config.clone()
    });
    assert!(shown.contains("nowhere"), "{shown}");
    assert_eq!(finetune::run::list(&place.path("runs")).len(), runs);
    let reranker = "recipe = \"reranker\"\nbase = \"a\"\ntrain = \"b\"\nadapter = \"c\"";
    let error = TrainConfig::parse(reranker, &[], None).unwrap_err();
    problem(&error);
}
