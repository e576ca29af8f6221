//! Settings as people write them, and what is said of bad ones.

use expect_test::{Expect, expect};
use finetune::TrainConfig;
use finetune::config::{Decay, Recipe, TooLong, settings};

const NEEDED: &str = "base = \"model.gguf\"\ntrain = \"train.jsonl\"\n";

fn parse(text: &str, overrides: &[&str]) -> Result<TrainConfig, String> {
    let overrides: Vec<String> = overrides.iter().map(|it| (*it).to_owned()).collect();
    TrainConfig::parse(text, &overrides, None).map_err(|error| error.to_string())
}

fn refused(text: &str, overrides: &[&str], expected: Expect) {
    expected.assert_eq(&parse(text, overrides).unwrap_err());
}

#[test]
fn a_file_and_overrides_are_read() {
    let text = format!("{NEEDED}rank = 16\nschedule = \"linear\"\nbetas = [0.8, 0.99]\n");
    let config = parse(&text, &["rank=32", "too_long=cut", "learning_rate=1e-3"]).unwrap();
    assert_eq!((config.rank, config.schedule), (32, Decay::Linear));
    assert_eq!(
        (config.too_long, config.learning_rate),
        (TooLong::Cut, 1e-3)
    );
    assert_eq!(config.betas, [0.8, 0.99]);
    assert_eq!(parse(&config.to_toml(), &[]).unwrap(), config);

    let full = parse(NEEDED, &["recipe=full"]).unwrap();
    assert_eq!((full.recipe, full.learning_rate), (Recipe::Full, 2e-5));
    let modules = parse(NEEDED, &["target_modules=q_proj, v_proj"]).unwrap();
    assert_eq!(modules.target_modules, ["q_proj", "v_proj"]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    refused(
        "rank = 0\nlearnin_rate = 1\nschedule = \"cosinus\"\ndropout = 1.0\nbetas = [0.9]\n\
         packing = \"yes\"\ntarget_modules = [\"q_proj\", \"w_proj\"]\nseed = -1\nname = \"../x\"\n\
         spike_factor = 1.1\nzzz = 1\n",
        &["patience=2", "min_learning_rate=0.5", "epochs"],
        expect![[r#"
            the training settings cannot be used:
              epochs: it has no value; hint: write it as key=value, such as epochs=3
              betas: [0.9] is not two numbers from 0 to below 1; hint: betas = [0.9, 0.999]
              dropout: 1.0 is not a number in its range; hint: it is 0 to 0.9
              learnin_rate: there is no such setting; hint: learning_rate is one
              name: "../x" is not a name for a folder; hint: take up to 64 letters, digits, dots, dashes and underscores
              packing: "yes" is not true or false; hint: write it without quotes
              rank: 0 is not a whole number in its range; hint: it is 1 to 1024
              schedule: "cosinus" is not one of its values; hint: it is one of cosine, linear, constant
              seed: -1 is not a whole number in its range; hint: it is 0 to 9223372036854775807
              spike_factor: 1.1 is not far enough above the losses that are usual; hint: it is 0, or 1.5 and more
              target_modules: ["q_proj", "w_proj"] is not a list of projections, each once; hint: take some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, or "all"
              zzz: there is no such setting; hint: docs/training.md lists them all
              base: no base model is named; hint: base = "model.gguf"
              train: no training data is named; hint: train = "train.jsonl"
              min_learning_rate: it is above learning_rate, from which it is to fall; hint: take a tenth of it, or 0
              patience: there is nothing to be patient with without held-out data; hint: name some as eval"#]],
    );
}

#[test]
fn settings_that_contradict_each_other_are_told() {
    refused(
        &format!("{NEEDED}eval = \"train.jsonl\"\nrecipe = \"full\"\nprecision = \"bf16\"\n"),
        &[],
        expect![[r#"
            the training settings cannot be used:
              precision: the recipe full trains every weight and bf16 is too coarse for the steps; hint: f32
              eval: it is the training data, on which any model looks good; hint: hold some examples back"#]],
    );
    refused(
        "epochs = = 3",
        &[],
        expect![[r#"
            the training settings cannot be used:
              line 1 of the file is not TOML (extra `=`, expected nothing); hint: write lines such as `epochs = 3`, texts in quotes"#]],
    );
}

#[test]
fn what_is_probably_a_mistake_is_a_warning() {
    let warnings = |overrides: &[&str]| parse(NEEDED, overrides).unwrap().warnings();
    assert_eq!(warnings(&["eval=eval.jsonl"]), Vec::<String>::new());
    let distills = ["eval=eval.jsonl", "self_distillation=0.5", "adapter=a"];
    assert_eq!(warnings(&distills), Vec::<String>::new());
    assert_eq!(warnings(&distills[..2]).len(), 1);
    let told = warnings(&["learning_rate=0.01", "alpha=100", "gradient_clip=0"]).join("\n");
    for part in [
        "may diverge",
        "four times the rank",
        "held-out",
        "not clipped",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn every_setting_is_described_and_its_default_is_valid() {
    let mut count = 0;
    for (key, default, meaning) in settings() {
        assert!(!meaning.is_empty(), "{key}");
        if matches!(key, "base" | "train" | "eval") {
            continue;
        }
        parse(NEEDED, &[&format!("{key}={default}")]).unwrap();
        count += 1;
    }
    assert!(count > 25);
}

#[test]
fn paths_in_a_file_are_relative_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train.toml");
    std::fs::write(&file, NEEDED).unwrap();
    let config = TrainConfig::read(&file, &["train=other.jsonl".to_owned()], None).unwrap();
    assert_eq!(config.base, folder.path().join("model.gguf"));
    assert_eq!(config.train, std::path::Path::new("other.jsonl"));
    let missing = TrainConfig::read(&folder.path().join("no.toml"), &[], None).unwrap_err();
    assert!(missing.to_string().contains("hint: name a TOML file"));
}
