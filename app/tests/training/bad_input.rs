//! What cannot be trained says why, before there is a run.

use super::*;

#[test]
fn what_cannot_be_trained_says_why_and_leaves_no_run() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let data = home.path();
    let good = std::fs::read_to_string(place.path("train.jsonl")).unwrap();
    let good = good.lines().next().unwrap();
    for (name, text) in [
        (
            "malformed.jsonl",
            format!("{good}\n\n{{\"messages\": [\n{good}\n"),
        ),
        (
            "fields.jsonl",
            "{\"prompt\": \"a\", \"completion\": \"b\"}\n".to_owned(),
        ),
        (
            "role.jsonl",
            format!("{good}\n{}\n", good.replace("user", "tool")),
        ),
        ("unfinished.jsonl", good.replace("assistant", "user")),
        ("empty.jsonl", "\n \n".to_owned()),
        ("long.jsonl", good.replace("rose", &"rose ".repeat(100))),
        ("broken.gguf", "not a model".to_owned()),
        ("settings.toml", "rank = 4\nrank = 5\n".to_owned()),
    ] {
        place.write(name, &text);
    }
    std::fs::write(place.path("latin.jsonl"), b"{\"messages\": \"\xe9\"}").unwrap();
    let path = |name: &str| place.path(name).display().to_string();
    let train = |name: &str| vec!["--train".to_owned(), path(name)];
    let set = |setting: &str| {
        let given = ["--set", setting].map(str::to_owned);
        [train("train.jsonl"), given.to_vec()].concat()
    };
    let with =
        |flag: &str, value: String| [train("train.jsonl"), vec![flag.to_owned(), value]].concat();
    let cases = [
        (
            train("malformed.jsonl"),
            "training_data_unusable",
            "line 3",
            1,
        ),
        (train("fields.jsonl"), "training_data_unusable", "line 1", 1),
        (train("role.jsonl"), "training_data_unusable", "line 2", 1),
        (
            train("unfinished.jsonl"),
            "training_data_unusable",
            "line 1",
            1,
        ),
        (
            train("latin.jsonl"),
            "training_data_unusable",
            "line 1 is not UTF-8",
            1,
        ),
        (
            train("empty.jsonl"),
            "training_data_unusable",
            "it is empty",
            1,
        ),
        (
            train("missing.jsonl"),
            "training_data_unusable",
            "missing.jsonl",
            1,
        ),
        (
            [train("long.jsonl"), set("max_length=64")[2..].to_vec()].concat(),
            "training_data_unusable",
            "longer than 64",
            1,
        ),
        (set("epochz=3"), "training_settings_invalid", "epochz", 2),
        (set("epochs=-3"), "training_settings_invalid", "epochs", 2),
        (
            set("schedule=round"),
            "training_settings_invalid",
            "schedule",
            2,
        ),
        (set("name=../up"), "training_settings_invalid", "name", 2),
        (set("rank"), "training_settings_invalid", "rank", 2),
        (
            with("--eval", path("train.jsonl")),
            "training_settings_invalid",
            "eval",
            2,
        ),
        (
            with("--config", path("settings.toml")),
            "training_settings_invalid",
            "line 2",
            2,
        ),
        (
            with("--config", path("none.toml")),
            "training_settings_invalid",
            "none.toml",
            2,
        ),
        (
            with("--base", path("none.gguf")),
            "base_unusable",
            "none.gguf",
            1,
        ),
        (
            with("--base", path("broken.gguf")),
            "base_unusable",
            "broken.gguf",
            1,
        ),
        (vec![], "training_data_missing", "nothing is named", 2),
        (
            ["--dataset", "none"].map(str::to_owned).to_vec(),
            "dataset_not_found",
            "none",
            1,
        ),
        (
            ["--resume", "none"].map(str::to_owned).to_vec(),
            "run_not_found",
            "none",
            1,
        ),
    ];
    for (mut arguments, wanted, told, exit) in cases {
        if !arguments
            .iter()
            .any(|it| it == "--base" || it == "--resume")
        {
            arguments.extend(["--base".to_owned(), path("model.gguf")]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = finetune(data, &[&["run", "--json"], &arguments[..]].concat());
        let problem = problem(&output, exit);
        assert_eq!(problem["code"], wanted, "{arguments:?}: {problem}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(told), "{arguments:?}: {message}");
        assert!(!message.contains("hint:"), "{message}");
    }
    let listed = done(&finetune(data, &["runs", "--json"]));
    assert_eq!(listed["runs"].as_array().unwrap().len(), 0);
}

#[test]
fn one_example_can_be_learnt_with_a_warning() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    place.write(
        "train.jsonl",
        &tiny_answerer::tiny::line("What is red?", "A rose."),
    );
    let output = train(home.path(), &place, &[]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&output), 0, "{errors}");
    assert_eq!(errors.matches("1 examples are few").count(), 1, "{errors}");
    let result = String::from_utf8_lossy(&output.stdout);
    assert!(
        Path::new(result.trim())
            .join("adapter_config.json")
            .is_file(),
        "{result}"
    );
}

#[test]
fn settings_of_a_file_are_taken_and_overridden() {
    let (home, place) = (tempfile::tempdir().unwrap(), Place::new());
    let settings =
        "base = \"model.gguf\"\ntrain = \"train.jsonl\"\nrank = 2\nepochs = 1\nbatch_size = 2\n";
    place.write("run.toml", settings);
    let file = place.path("run.toml").display().to_string();
    let arguments = [
        "run",
        "--config",
        &file,
        "--set",
        "rank=3",
        "--max-steps",
        "1",
    ];
    let output = finetune(
        home.path(),
        &[&arguments[..], &["--recipe", "qlora"]].concat(),
    );
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&output), 0, "{errors}");
    let run = shown(home.path(), "latest");
    assert_eq!(
        (&run["settings"]["rank"], &run["recipe"]),
        (&3.into(), &"qlora".into())
    );
    assert_eq!(
        (&run["steps"], &run["settings"]["max_steps"]),
        (&1.into(), &1.into())
    );
}
