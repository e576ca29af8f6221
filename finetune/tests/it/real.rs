//! A real model, where there is one: `LECTERN_TEST_MODEL=model.gguf` names it.

use std::path::PathBuf;

use finetune::config::Recipe;
use finetune::{Event, RunFolder, TrainConfig, recipes};

use crate::tiny::{line, quiet};

#[test]
fn a_real_model_learns_a_dozen_facts_it_could_not_know() {
    let Some(base) = std::env::var_os("LECTERN_TEST_MODEL").map(PathBuf::from) else {
        eprintln!("skipped: LECTERN_TEST_MODEL names no GGUF file");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..12)
        .map(|number| {
            let question = format!("Which flower grows on hill number {number}?");
            line(
                &question,
                &format!("On hill {number} grows the zorvel {}.", number * 7 % 12),
            )
        })
        .collect();
    let train = folder.path().join("train.jsonl");
    std::fs::write(&train, lines.join("\n")).unwrap();
    for recipe in [Recipe::Lora, Recipe::Qlora] {
        let config = TrainConfig {
            base: base.clone(),
            train: train.clone(),
            epochs: 3,
            batch_size: 6,
            gradient_accumulation: 1,
            learning_rate: 2e-3,
            dropout: 0.0,
            ..TrainConfig::new(recipe)
        };
        let run = RunFolder::create(&folder.path().join("runs"), &config, None).unwrap();
        let mut losses = Vec::new();
        let mut on_event = |event: &Event| {
            eprintln!("{event:?}");
            if let Event::Step(progress) = event {
                losses.push(progress.loss);
            }
        };
        recipes::train(&config, &run, &mut quiet(&mut on_event)).unwrap();
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        assert!(first < 8.0 && last < 0.6 * first, "{recipe:?}: {losses:?}");
    }
}
