use super::*;
use expect_test::{Expect, expect};

fn read(body: Value) -> Result<Chat, Refused> {
    Chat::read(&body, 160, false)
}

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"model": "lectern", "messages": [{"role": "user", "content": "Why?"}]});
    body[field] = value;
    body
}

#[track_caller]
fn refused(body: Value, expected: Expect) {
    let refused = read(body).expect_err("it should be refused");
    let param = refused.param.unwrap_or_default();
    let problem = refused.problem;
    expected.assert_eq(&format!("{param}: {problem}; {}", problem.hint));
}

#[test]
fn a_request_becomes_a_question_with_its_history() {
    let chat = read(json!({
        "model": "lectern:physics",
        "messages": [
            {"role": "system", "content": "You are a pirate."},
            {"role": "user", "content": "What is Paxos?"},
            {"role": "assistant", "content": "A protocol [1].", "refusal": null},
            {"role": "tool", "content": "{}", "tool_call_id": "x"},
            {"role": "user", "content": [{"type": "text", "text": "Who"}, {"type": "text", "text": "made it?"}]},
        ],
        "max_tokens": 100_000, "temperature": 0.5, "top_p": null, "seed": -1,
        "stop": "\n\n", "stream": true, "stream_options": {"include_usage": true},
        "n": 1, "user": "me", "frequency_penalty": 0.3, "tools": [{}], "tool_choice": "auto",
        "lectern": {"extractive": true, "documents": ["a.pdf"], "top_k": 3, "task": "compare", "sources": true},
    }))
    .unwrap();
    expect![[r#"
        Chat {
            model: "lectern:physics",
            ask: AskRequest {
                question: "Who\nmade it?",
                task: Compare,
                collection: None,
                documents: [
                    "a.pdf",
                ],
                conversation: None,
                history: [
                    Message {
                        role: "user",
                        content: "What is Paxos?",
                    },
                    Message {
                        role: "assistant",
                        content: "A protocol [1].",
                    },
                ],
                top_k: Some(
                    3,
                ),
                extractive: true,
                seed: Some(
                    18446744073709551615,
                ),
                temperature: Some(
                    0.5,
                ),
                top_p: None,
                max_tokens: Some(
                    4096,
                ),
                stop: [
                    "\n\n",
                ],
                unkept: false,
            },
            streams: true,
            includes_usage: true,
            lists_sources: true,
            max_tokens: 4096,
        }
    "#]]
    .assert_debug_eq(&chat);
}

#[test]
fn sampling_without_a_seed_differs_each_time() {
    let seed = |temperature: f64| {
        let chat = read(with("temperature", temperature.into())).unwrap();
        chat.ask.seed
    };
    assert!(seed(1.0).is_some() && seed(1.0) != seed(1.0));
    assert_eq!(seed(0.0), None);
}

#[test]
fn what_cannot_be_honoured_is_refused_by_name() {
    refused(
        json!([]),
        expect![[
            r#": the request's body is not a JSON object; send an object with the field "model""#
        ]],
    );
    refused(
        json!({}),
        expect![[r#"model: "model" is not valid; give "lectern", or "lectern:COLLECTION""#]],
    );
    refused(
        with("n", 2.into()),
        expect![[r#"n: "n" is not valid; give 1: a question has one answer"#]],
    );
    refused(
        with("temperature", 2.5.into()),
        expect![[r#"temperature: "temperature" is not valid; give a number from 0 to 2"#]],
    );
    refused(
        with("max_tokens", 0.into()),
        expect![[r#"max_tokens: "max_tokens" is not valid; give a whole number of at least 1"#]],
    );
    refused(
        with("stream_options", json!({})),
        expect![[
            r#"stream_options: "stream_options" is not valid; give it together with "stream": true only"#
        ]],
    );
    refused(
        with("stop", json!(["a", "b", "c", "d", "e"])),
        expect![[r#"stop: "stop" is not valid; give a string, or a list of at most 4"#]],
    );
    refused(
        with("response_format", json!({"type": "json_object"})),
        expect![[
            r#"response_format.type: "response_format.type" is not valid; give "text"; the answer is there as JSON in the message's field "lectern""#
        ]],
    );
    refused(
        with("lectern", json!({"collection": "x"})),
        expect![[
            r#"lectern.collection: "lectern.collection" is not valid; give one of extractive, documents, top_k, sources, task"#
        ]],
    );
    refused(
        with("messages", "Why?".into()),
        expect![[
            r#"messages: "messages" is not valid; give a list of messages, the last of the role "user""#
        ]],
    );
    for messages in [
        json!([]),
        json!([{"role": "system", "content": "x"}]),
        json!([{"role": "user", "content": "  "}]),
        json!([{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]),
    ] {
        refused(
            with("messages", messages),
            expect![[
                r#"messages: "messages" is not valid; give a question as the last message, of the role "user""#
            ]],
        );
    }
    refused(
        with(
            "messages",
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
        ),
        expect![[
            r#"messages[0].content: "messages[0].content" is not valid; give parts of type "text" only"#
        ]],
    );
    refused(
        with("messages", json!([{"role": "boss", "content": "x"}])),
        expect![[
            r#"messages[0].role: "messages[0].role" is not valid; give system, developer, user, assistant or tool"#
        ]],
    );
}
