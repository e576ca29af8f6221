//! Data as people write it: what is learnt of it, and what is said of bad data.

use finetune::config::{Recipe, TooLong};
use finetune::dataset::Limits;
use finetune::{Dataset, TrainConfig, batch};
use generation::Message;
use generation::chat::ChatFormat;
use generation::llama::Llama;
use proptest::prelude::*;

use crate::tiny::{Place, line};

const LIMITS: Limits = Limits {
    max_length: 128,
    too_long: TooLong::Skip,
};

fn read(place: &Place, text: &str, limits: Limits) -> Result<Dataset, String> {
    place.write("data.jsonl", text);
    let chat = ChatFormat::from_gguf(&place.path("model.gguf")).unwrap();
    Dataset::read(&place.path("data.jsonl"), &chat, limits).map_err(|error| error.to_string())
}

#[test]
fn the_prompt_is_the_one_that_is_served_and_only_the_answer_is_learnt() {
    let place = Place::new();
    let data = read(&place, &line("What is red?", "A rose. <|im_end|>"), LIMITS).unwrap();
    let example = &data.examples[0];
    let llama = Llama::load(&place.path("model.gguf"), "tiny").unwrap();
    let messages = [Message {
        role: "user".to_owned(),
        content: "What is red?".to_owned(),
    }];
    assert_eq!(
        example.tokens[..example.prompt],
        llama.encode(&messages).unwrap()
    );

    let (last, text) = example.completion().split_last().unwrap();
    assert_eq!(*last, 2, "the answer ends with <|im_end|>");
    assert!(
        !text.contains(&2),
        "and text never becomes a token that ends it"
    );
    let chat = ChatFormat::from_gguf(&place.path("model.gguf")).unwrap();
    assert!(chat.decode(text).starts_with("A rose."));

    let batch = batch::Batch::new(&data.examples);
    assert_eq!(batch.targets, example.completion());
    let rows: Vec<usize> = batch.rows.iter().map(|row| *row as usize).collect();
    let expected: Vec<usize> = (example.prompt - 1..example.tokens.len() - 1).collect();
    assert_eq!(rows, expected);
}

#[test]
fn what_is_of_feedback_is_known_where_a_line_says_so() {
    let place = Place::new();
    let plain = line("What is red?", "A rose.");
    let said = |about: &str| plain.replacen('{', &format!(r#"{{"about":{about},"#), 1);
    let text = [
        said(r#"{"source":"feedback","id":"1"}"#),
        said(r#"{"source":"imported","id":"2"}"#),
        said(r#""a rose""#),
        plain.clone(),
    ];
    let data = read(&place, &text.join("\n"), LIMITS).unwrap();
    let found: Vec<bool> = data.examples.iter().map(|it| it.is_feedback).collect();
    assert_eq!(found, [true, false, false, false]);
}

#[test]
fn feedback_is_repeated_with_its_notes_in_other_orders() {
    let place = Place::new();
    let chat = ChatFormat::from_gguf(&place.path("model.gguf")).unwrap();
    let notes = "Notes:\n\"\"\"\nFrom \"Paper\":\n1. Roses are red.\n2. Snow is white.\n3. Coal is \
                 black.\n\"\"\"\n\nQuestion: What is snow?";
    let about = |text: String| text.replacen('{', r#"{"about":{"source":"feedback"},"#, 1);
    let text = [
        about(line(notes, "White [2].")),
        line(notes, "White [2]."),
        about(line("What is red?", "A rose.")),
    ];
    place.write("data.jsonl", &text.join("\n"));
    let limits = Limits {
        max_length: 400,
        too_long: TooLong::Skip,
    };
    let read = |repeats| {
        Dataset::read_repeated(&place.path("data.jsonl"), &chat, limits, repeats).unwrap()
    };
    let data = read(50);
    assert_eq!(data.card.examples, 3);
    assert_eq!(data.card, read(1).card);
    let taken = |number: usize| {
        let examples = data.examples.iter().filter(move |it| it.line == number);
        examples.map(|it| it.repeats).collect::<Vec<_>>()
    };
    assert_eq!((taken(2), taken(3)), (vec![1], vec![50]));
    let orders = taken(1);
    assert_eq!((orders.len(), orders.iter().sum::<usize>()), (24, 50));
    assert!(orders.iter().all(|repeats| (2..=3).contains(repeats)));
    // As it was served, and each of the three numbers with the note that says it.
    assert_eq!(data.examples[0].tokens, read(1).examples[0].tokens);
    let mut seen = std::collections::BTreeSet::new();
    for example in data.examples.iter().filter(|it| it.line == 1) {
        let prompt = chat.decode(&example.tokens[..example.prompt]);
        let answer = chat.decode(example.completion());
        let number = answer.split(['[', ']']).nth(1).unwrap().to_owned();
        assert!(
            prompt.contains(&format!("{number}. Snow is white.")),
            "{prompt} {answer}"
        );
        seen.insert(number);
    }
    assert_eq!(seen.len(), 3);
    let config = TrainConfig::new(Recipe::Lora);
    let tokens: usize = data
        .examples
        .iter()
        .map(|it| it.tokens.len() * it.repeats)
        .sum();
    assert_eq!(batch::Order::new(&config, &data).tokens(), tokens);
}

#[test]
fn bad_lines_are_named() {
    let place = Place::new();
    let good = line("What is red?", "A rose.");
    for (text, told) in [
        (
            format!("{good}\n\n{{\"messages\": ["),
            "line 3 is not a training example",
        ),
        (
            format!("{good}\n{{\"prompt\": \"a\"}}"),
            "missing field `messages`",
        ),
        (
            format!("{good}\n[1]\n{{}}"),
            "2 unusable lines; the first: line 2",
        ),
        (
            format!("{good}\n[1]"),
            "has an unusable line: line 2 is not",
        ),
        (
            good.replace("user", "tool"),
            "line 1 has a message of the role `tool`",
        ),
        (
            line("What?", "  "),
            "line 1 does not end with an assistant message",
        ),
        (String::new(), "it is empty"),
        ("\n \n".to_owned(), "it is empty"),
    ] {
        let error = read(&place, &text, LIMITS).unwrap_err();
        assert!(error.contains(told) && error.contains("hint:"), "{error}");
    }
    let chat = ChatFormat::from_gguf(&place.path("model.gguf")).unwrap();
    std::fs::write(
        place.path("data.jsonl"),
        [good.as_bytes(), b"\n\xff\xfe"].concat(),
    )
    .unwrap();
    let error = Dataset::read(&place.path("data.jsonl"), &chat, LIMITS).unwrap_err();
    assert!(error.to_string().contains("line 2 is not UTF-8"), "{error}");
    // What editors on other systems write.
    let text = format!("\u{feff}{good}\r\n{good}\r\n");
    assert_eq!(read(&place, &text, LIMITS).unwrap().examples.len(), 2);
}

#[test]
fn what_is_too_long_is_refused_left_out_or_cut() {
    let place = Place::new();
    let text = [
        line("What is red?", "A rose."),
        line("What is long?", &"long ".repeat(40)),
        line(&"What is long? ".repeat(20), "This."),
    ]
    .join("\n");
    let limits = |too_long| Limits {
        max_length: 100,
        too_long,
    };
    let error = read(&place, &text, limits(TooLong::Refuse)).unwrap_err();
    assert!(
        error.contains("line 2 is") && error.contains("100 are allowed"),
        "{error}"
    );
    let skipped = read(&place, &text, limits(TooLong::Skip)).unwrap();
    assert_eq!((skipped.examples.len(), skipped.card.skipped), (1, 2));
    let cut = read(&place, &text, limits(TooLong::Cut)).unwrap();
    assert_eq!((cut.card.cut, cut.card.skipped), (1, 1));
    assert_eq!(cut.examples[1].tokens.len(), 100);
    assert_ne!(cut.examples[1].tokens.last(), Some(&2));
    let error = read(
        &place,
        &text,
        Limits {
            max_length: 8,
            ..LIMITS
        },
    )
    .unwrap_err();
    assert!(
        error.contains("all of its 3 examples are longer"),
        "{error}"
    );
}

#[test]
fn a_base_and_data_that_do_not_fit_are_a_warning() {
    let place = Place::new();
    let chats = vec![line("What is red?", "A rose."); 20].join("\n");
    let texts = chats.replace("user", "system");
    let chat = ChatFormat::from_gguf(&place.path("model.gguf")).unwrap();
    let mut config = place.config(Recipe::Lora);
    let warnings = |text: &str, chat: &ChatFormat| {
        let data = read(&place, text, LIMITS).unwrap();
        data.warnings(chat, &config).join("\n")
    };
    assert_eq!(warnings(&chats, &chat), "");
    assert!(warnings(&texts, &chat).contains("a new format"));
    crate::tiny::write_model(&place.path("base.gguf"), "Tiny");
    let base = ChatFormat::from_gguf(&place.path("base.gguf")).unwrap();
    assert!(warnings(&chats, &base).contains("seems to be a base model"));
    assert_eq!(warnings(&texts, &base), "");

    config.self_distillation = 0.5;
    let told = |text: &str| {
        let data = read(&place, text, LIMITS).unwrap();
        data.warnings(&chat, &config).join("\n")
    };
    assert!(told(&chats).contains("self_distillation has no effect"));
    let feedback = chats.replacen('{', r#"{"about":{"source":"feedback"},"#, 1);
    assert_eq!(told(&feedback), "");
}

fn dataset(lengths: &[usize]) -> Dataset {
    let place = Place::new();
    let mut data = read(&place, &line("What is red?", "A rose."), LIMITS).unwrap();
    let example = data.examples[0].clone();
    data.examples = lengths
        .iter()
        .map(|length| finetune::dataset::Encoded {
            tokens: vec![5; *length],
            prompt: 1,
            ..example.clone()
        })
        .collect();
    data
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn every_epoch_has_every_example_once_and_feedback_as_often_as_set(
        lengths in prop::collection::vec(2usize..60, 1..200),
        batch_size in 1usize..9,
        packing: bool,
        accumulation in 1usize..5,
        repeats in 1usize..4,
        every in 1usize..9,
        seed: u64,
    ) {
        let config = TrainConfig {
            batch_size, packing, seed, epochs: 3,
            max_length: 60,
            gradient_accumulation: accumulation,
            ..TrainConfig::new(Recipe::Lora)
        };
        let mut data = dataset(&lengths);
        for example in data.examples.iter_mut().step_by(every) {
            example.repeats = repeats;
        }
        let mut order = batch::Order::new(&config, &data);
        let steps = order.steps();
        let (mut taken, mut seen, mut positions) = (0, vec![0; lengths.len()], Vec::new());
        let mut all = Vec::new();
        let mut passes = vec![order.passes()];
        while let Some(step) = order.next_step() {
            taken += 1;
            passes.push(order.passes());
            prop_assert!(!step.is_empty() && step.len() <= accumulation);
            for batch in &step {
                let tokens: usize = batch.iter().map(|index| lengths[*index]).sum();
                if packing {
                    prop_assert!(tokens <= batch_size * 60);
                } else {
                    prop_assert!(batch.len() <= batch_size);
                }
                for index in batch {
                    seen[*index] += 1;
                }
            }
            positions.push(order.position());
            all.push(step);
        }
        prop_assert_eq!(taken, steps);
        prop_assert!(passes.is_sorted() && passes[0] == 0.0 && passes[taken] == 3.0);
        prop_assert!(passes.contains(&1.0) && passes.contains(&2.0), "{:?}", passes);
        for (count, example) in seen.into_iter().zip(&data.examples) {
            prop_assert_eq!(count, 3 * example.repeats);
        }
        // From any place it goes on as it would have.
        let middle = positions.len() / 2;
        let mut resumed = batch::Order::new(&config, &data);
        resumed.seek(positions[middle]);
        for step in &all[middle + 1..] {
            prop_assert_eq!(resumed.next_step(), Some(step.clone()));
        }
        prop_assert_eq!(resumed.next_step(), None);
    }
}
