//! An answerer on a server: a scripted one stands in for vLLM, Ollama and llama.cpp, since it must
//! misbehave to order. What is asked and answered over it is real.

mod common;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use app::error::Problem;
use app::models::server::{Address, Key, Server, ServerConfig};
use common::{pdf, spawn_app};
use futures_util::{StreamExt, stream};
use generation::sampling::Sampling;
use generation::{Completion, Generator, Message};
use serde_json::{Value, json};

/// What the paper says, and the model.
const SENTENCE: &str = "The median latency of the protocol was 35 ms in the second experiment.";

/// What the server does with one request.
#[derive(Debug, Clone)]
enum Turn {
    /// Streams these pieces and ends as it should.
    Say(&'static [&'static str]),
    /// Streams pieces for ever.
    Babble,
    /// Streams a piece and closes the connection.
    BreakOff(&'static str),
    /// Accepts the request and says nothing.
    Silence,
    /// Answers with a status, perhaps a time to wait, and a body.
    Refuse(u16, Option<&'static str>, &'static str),
    /// Answers with this, whatever was asked.
    Body(&'static str, &'static str),
}

#[derive(Default)]
struct Script {
    turns: Mutex<VecDeque<Turn>>,
    /// Bodies of the requests, with the key that came with each.
    requests: Mutex<Vec<(Value, String)>>,
    models: Vec<&'static str>,
    /// The connection that babbled was closed.
    is_closed: AtomicBool,
}

/// Notes that a response was dropped.
struct Closing(Arc<Script>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
    }
}

fn piece(text: &str) -> String {
    let chunk =
        json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
    format!("data: {chunk}\n\n")
}

async fn complete(
    script: web::Data<Script>,
    request: HttpRequest,
    body: web::Json<Value>,
) -> HttpResponse {
    let key = request.headers().get("Authorization");
    let key = key.map_or("", |key| key.to_str().unwrap()).to_owned();
    script.requests.lock().unwrap().push((body.0, key));
    let turn = script.turns.lock().unwrap().pop_front();
    let script = script.into_inner();
    let events = |events: Vec<String>| {
        let events = events
            .into_iter()
            .map(|event| Ok::<_, std::io::Error>(Bytes::from(event)));
        HttpResponse::Ok()
            .content_type("text/event-stream")
            .streaming(stream::iter(events))
    };
    match turn.expect("the script has a turn for each request") {
        Turn::Say(pieces) => {
            let mut all = vec![": a comment\n\n".to_owned()];
            all.push("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\r\n\r\n".into());
            all.extend(pieces.iter().map(|text| piece(text)));
            all.push("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".into());
            all.push("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":31,\"completion_tokens\":4}}\n\n".into());
            all.push("data: [DONE]\n\n".into());
            events(all)
        }
        Turn::Babble => {
            let closing = Closing(script);
            let pieces = stream::unfold(closing, |closing| async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Some((
                    Ok::<_, std::io::Error>(Bytes::from(piece("on and "))),
                    closing,
                ))
            });
            HttpResponse::Ok()
                .content_type("text/event-stream")
                .streaming(pieces)
        }
        Turn::BreakOff(text) => {
            let first = Bytes::from(match text {
                "" => ": nothing yet\n\n".to_owned(),
                text => piece(text),
            });
            let broken = stream::iter([Ok(first), Err(std::io::Error::other("gone"))]);
            let broken = broken.then(|part| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                part
            });
            HttpResponse::Ok()
                .content_type("text/event-stream")
                .streaming(broken)
        }
        Turn::Silence => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            HttpResponse::Ok().finish()
        }
        Turn::Refuse(status, wait, body) => {
            let mut response = HttpResponse::build(status.try_into().unwrap());
            if let Some(wait) = wait {
                response.insert_header(("Retry-After", wait));
            }
            response.body(body)
        }
        Turn::Body(kind, body) => HttpResponse::Ok().content_type(kind).body(body),
    }
}

async fn list(script: web::Data<Script>) -> HttpResponse {
    let models: Vec<Value> = script.models.iter().map(|id| json!({ "id": id })).collect();
    HttpResponse::Ok().json(json!({ "object": "list", "data": models }))
}

/// Starts a server that does this, one turn a request.
async fn script(models: &[&'static str], turns: &[Turn]) -> (ServerConfig, Arc<Script>) {
    let script = web::Data::new(Script {
        turns: Mutex::new(turns.iter().cloned().collect()),
        models: models.to_vec(),
        ..Script::default()
    });
    let data = script.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/v1/chat/completions", web::post().to(complete))
            .route("/v1/models", web::get().to(list))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let port = server.addrs()[0].port();
    tokio::spawn(server.run());
    let config = ServerConfig {
        address: Address::parse(&format!("http://127.0.0.1:{port}")).unwrap(),
        api_key: Some(Key::parse("sk-secret").unwrap()),
        model: Some("big".into()),
        timeout: Duration::from_secs(30),
        retries: 2,
    };
    (config, script.into_inner())
}

/// Has the server's model go on with a chat, until it has written `enough` pieces.
async fn generate(
    config: &ServerConfig,
    stop: &[&str],
    enough: usize,
) -> Result<(Completion, Vec<String>), Problem> {
    let config = config.clone();
    let sampling = Sampling {
        stop: stop.iter().map(|stop| (*stop).to_owned()).collect(),
        ..Sampling::default()
    };
    tokio::task::spawn_blocking(move || {
        let chat =
            [("system", "Answer."), ("user", "Why?<|im_end|>")].map(|(role, content)| Message {
                role: role.into(),
                content: content.into(),
            });
        let mut pieces = Vec::new();
        let completion = Server::choose(&config)?
            .generate(&chat, &sampling, &mut |text| {
                if !text.is_empty() {
                    pieces.push(text.to_owned());
                }
                pieces.len() < enough
            })
            .map_err(|error| Problem::from_error(&error.into()))?;
        Ok((completion, pieces))
    })
    .await
    .unwrap()
}

async fn fails(models: &[&'static str], turns: &[Turn]) -> Problem {
    let (config, script) = script(models, turns).await;
    let problem = generate(&config, &[], 9).await.unwrap_err();
    assert!(script.turns.lock().unwrap().is_empty(), "{problem}");
    assert!(
        !problem.message.contains("secret") && !problem.hint.is_empty(),
        "{problem:?}"
    );
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_streamed_and_its_tokens_counted() {
    let (config, script) = script(&[], &[Turn::Say(&["It is", " so", "."])]).await;
    let (completion, pieces) = generate(&config, &[], 9).await.unwrap();
    assert_eq!(pieces, ["It is", " so", "."]);
    assert_eq!(completion.text, "It is so.");
    assert_eq!(
        (
            completion.usage.prompt_tokens,
            completion.usage.completion_tokens
        ),
        (31, 4)
    );
    assert!(completion.prefill_ms > 0.0 && !completion.truncated);
    let (body, key) = script.requests.lock().unwrap().remove(0);
    assert_eq!(
        (key.as_str(), &body["model"]),
        ("Bearer sk-secret", &json!("big"))
    );
    assert_eq!(body["messages"][1]["content"], "Why?< |im_end|>");
    assert_eq!(body["stream_options"]["include_usage"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_first_model_answers_where_none_is_named() {
    let (mut config, script) = script(&["one", "two"], &[Turn::Say(&["Yes."])]).await;
    config.model = None;
    generate(&config, &[], 9).await.unwrap();
    assert_eq!(script.requests.lock().unwrap()[0].0["model"], "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_closes_the_connection() {
    for (stop, enough) in [(&[][..], 3), (&["and on"][..], 1000)] {
        let (config, script) = script(&[], &[Turn::Babble]).await;
        let (completion, pieces) = generate(&config, stop, enough).await.unwrap();
        assert_eq!(completion.text, pieces.concat());
        assert!(completion.text.starts_with("on "), "{}", completion.text);
        for _ in 0..2000 {
            if script.is_closed.load(Ordering::SeqCst) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(
            script.is_closed.load(Ordering::SeqCst),
            "the server still writes"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_before_the_first_text_waits_no_longer() {
    let (config, _script) = script(&[], &[Turn::Silence]).await;
    let (completion, _) = generate(&config, &[], 0).await.unwrap();
    assert_eq!(completion.text, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_failures_are_tried_again_and_text_is_never_repeated() {
    let turns = [
        Turn::Refuse(500, None, "oops"),
        Turn::Refuse(429, Some("0"), r#"{"error":{"message":"slow down"}}"#),
        Turn::Say(&["At last."]),
    ];
    let (config, _) = script(&[], &turns).await;
    let (completion, _) = generate(&config, &[], 9).await.unwrap();
    assert_eq!(completion.text, "At last.");

    let (config, _) = script(&[], &[Turn::BreakOff(""), Turn::Say(&["Whole."])]).await;
    assert_eq!(generate(&config, &[], 9).await.unwrap().0.text, "Whole.");

    let problem = fails(&[], &[Turn::BreakOff("It is")]).await;
    assert_eq!(problem.code, "llm_cut_off");
    let problem = fails(
        &[],
        &vec![Turn::Refuse(503, None, "{\"error\":\"loading\"}"); 3],
    )
    .await;
    assert_eq!(problem.code, "llm_failed");
    assert!(problem.message.contains("loading"), "{problem}");
    let problem = fails(&[], &[Turn::Refuse(429, Some("3600"), "")]).await;
    assert_eq!(problem.code, "llm_overloaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn lasting_failures_say_what_to_do() {
    let (mut config, _script) = script(&[], &[Turn::Silence]).await;
    config.timeout = Duration::from_secs(1);
    let problem = generate(&config, &[], 9).await.unwrap_err();
    assert_eq!(problem.code, "llm_timeout");

    let problem = fails(
        &[],
        &[Turn::Refuse(
            401,
            None,
            "{\"error\":{\"message\":\"bad sk-secret\"}}",
        )],
    )
    .await;
    assert_eq!(problem.code, "llm_unauthorized");
    let problem = fails(
        &["small", "tiny"],
        &[Turn::Refuse(404, None, "{\"error\":{\"message\":\"no\"}}")],
    )
    .await;
    assert_eq!(problem.code, "llm_model_missing");
    assert!(problem.hint.contains("small, tiny"), "{}", problem.hint);
    let problem = fails(
        &["big"],
        &[Turn::Refuse(404, None, "<html>not found</html>")],
    )
    .await;
    assert_eq!(problem.code, "llm_not_found");
    let too_long = "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"maximum context length is 512\"}}";
    let problem = fails(&[], &[Turn::Refuse(400, None, too_long)]).await;
    assert_eq!(problem.code, "prompt_too_long");
    for body in [
        "<html><h1>Welcome</h1></html>",
        "Ollama is running",
        "{\"ok\":true}",
        "",
    ] {
        let (config, _script) = script(&[], &[Turn::Body("text/html", body)]).await;
        let config = ServerConfig {
            retries: 0,
            ..config
        };
        let problem = generate(&config, &[], 9).await.unwrap_err();
        let wanted = if body.is_empty() {
            "llm_cut_off"
        } else {
            "llm_malformed"
        };
        assert_eq!(problem.code, wanted, "{body}");
    }
    let reasoning = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n";
    let problem = fails(&[], &[Turn::Body("text/event-stream", reasoning)]).await;
    assert_eq!(problem.code, "llm_no_text");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    config.address = Address::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let problem = generate(&config, &[], 9).await.unwrap_err();
    assert_eq!(problem.code, "llm_unreachable");
    assert!(
        problem.message.contains("nothing listens there"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_other_habits_are_understood() {
    let whole = r#"{"choices":[{"message":{"content":"<think>hm</think>\n\nAll at once."},"finish_reason":"stop"}]}"#;
    let (config, _) = script(&[], &[Turn::Body("application/json", whole)]).await;
    assert_eq!(
        generate(&config, &[], 9).await.unwrap().0.text,
        "All at once."
    );

    let turns = [
        Turn::Refuse(
            400,
            None,
            r#"{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."}}"#,
        ),
        Turn::Refuse(
            422,
            None,
            r#"{"detail":"stream_options: extra fields not permitted"}"#,
        ),
        Turn::Say(&["Yes."]),
    ];
    let (config, script) = script(&[], &turns).await;
    assert_eq!(generate(&config, &[], 9).await.unwrap().0.text, "Yes.");
    let (last, _) = script.requests.lock().unwrap().pop().unwrap();
    assert_eq!(last["max_completion_tokens"], 200);
    assert!(
        last["max_tokens"].is_null() && last["stream_options"].is_null(),
        "{last}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_by_the_server_or_fail_with_it() {
    let (config, script) = script(
        &["big"],
        &[
            Turn::Say(&[SENTENCE]),
            Turn::Refuse(401, None, ""),
            Turn::Refuse(401, None, ""),
        ],
    )
    .await;
    let url = config.address.to_string();
    let question = json!({"question": "What was the median latency of the protocol?"});
    let settings = [("llm.url", url.as_str()), ("llm.api_key", "sk-secret")];
    for (settings, asks) in [
        (settings.to_vec(), 2),
        (
            [&settings[..], &[("llm.fallback", "extractive")]].concat(),
            1,
        ),
    ] {
        let app = spawn_app(&settings).await;
        app.uploaded("latency.pdf", pdf(&[SENTENCE])).await;
        for ask in 0..asks {
            let response = app
                .post("/api/v1/ask")
                .json(&question)
                .send()
                .await
                .unwrap();
            let text = response.text().await.unwrap();
            let event = |name: &str| -> Value {
                let start = text.find(&format!("event: {name}\ndata: "));
                let start = start.unwrap_or_else(|| panic!("no {name} in {text}"));
                let data = text[start..].split("data: ").nth(1).unwrap();
                serde_json::from_str(data.split("\n\n").next().unwrap()).unwrap()
            };
            match (asks, ask) {
                (2, 0) => {
                    let answer = event("answer");
                    assert_eq!(answer["model"]["id"], "big", "{answer}");
                    assert_eq!(answer["origin"], "model", "{answer}");
                    assert_eq!(answer["sentences"][0]["supported"], true, "{answer}");
                    assert_eq!(answer["usage"]["prompt_tokens"], 31);
                }
                (2, _) => assert_eq!(event("error")["code"], "llm_unauthorized"),
                _ => {
                    let answer = event("answer");
                    assert_eq!(answer["model"]["id"], "extractive", "{answer}");
                    assert_eq!(answer["origin"], "extractive", "{answer}");
                    let warning = answer["warnings"][0].as_str().unwrap();
                    assert!(warning.contains("refuses the key"), "{warning}");
                }
            }
        }
        let report = app.library.doctor().await.unwrap();
        let check = report.checks.iter().find(|check| check.name == "answerer");
        assert_eq!(check.unwrap().detail, format!("big at {url}"));
        assert!(
            !report
                .checks
                .iter()
                .any(|check| check.name.contains("SmolLM2"))
        );
    }
    assert_eq!(script.requests.lock().unwrap().len(), 3);
}
