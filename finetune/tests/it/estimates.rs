//! What a run is said to take, against what it takes.

use finetune::config::{Recipe, TooLong};
use finetune::dataset::Limits;
use finetune::estimate::estimate;
use finetune::{Dataset, TrainConfig};
use generation::chat::ChatFormat;
use generation::decoder::{Decoder, Precision};

use crate::tiny::Place;

#[test]
fn steps_tokens_and_parameters_are_those_of_the_run() {
    let place = Place::new();
    for recipe in [Recipe::Lora, Recipe::Full] {
        let config = TrainConfig {
            learning_rate: 1e-4,
            ..place.config(recipe)
        };
        let model = Decoder::from_gguf(&config.base, Precision::F32).unwrap();
        let chat = ChatFormat::from_gguf(&config.base).unwrap();
        let limits = Limits {
            max_length: 128,
            too_long: TooLong::Skip,
        };
        let data = Dataset::read(&config.train, &chat, limits).unwrap();
        let expected = estimate(&config, model.config(), &data);
        let summary = place.train(&config).unwrap();
        assert_eq!(expected.steps, summary.steps);
        assert_eq!(expected.parameters, summary.parameters);
        // An example's last token is predicted and not run.
        let examples = data.examples.len() * config.epochs;
        assert_eq!(expected.tokens - examples, summary.tokens as usize);
        let half = TrainConfig {
            max_steps: 5,
            ..config.clone()
        };
        let half = estimate(&half, model.config(), &data);
        assert_eq!((half.steps, half.tokens), (5, expected.tokens / 2));
    }
}

#[test]
fn four_bits_take_less_memory_than_all_and_kept_graphs_more() {
    let place = Place::new();
    let config = place.config(Recipe::Lora);
    let model = Decoder::from_gguf(&config.base, Precision::F32).unwrap();
    let chat = ChatFormat::from_gguf(&config.base).unwrap();
    let limits = Limits {
        max_length: 128,
        too_long: TooLong::Skip,
    };
    let data = Dataset::read(&config.train, &chat, limits).unwrap();
    // A large model of the same kind, of which only the shape is needed.
    let mut shape = model.config().clone();
    (
        shape.n_layers,
        shape.hidden,
        shape.intermediate,
        shape.vocab,
    ) = (30, 576, 1536, 49_152);
    let memory = |change: &dyn Fn(&mut TrainConfig)| {
        let mut config = config.clone();
        change(&mut config);
        estimate(&config, &shape, &data).memory
    };
    let lora = memory(&|_| ());
    assert!(memory(&|it| it.recipe = Recipe::Qlora) < lora);
    assert!(memory(&|it| it.recipe = Recipe::Full) > 3 * lora);
    assert!(memory(&|it| it.keep_blocks = 30) > lora);
    assert!(memory(&|it| it.batch_size = 6) > lora);
}
