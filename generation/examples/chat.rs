//! Asks a model file one question and prints its speed.
//!
//! `cargo run --release -p generation --example chat -- MODEL.gguf "QUESTION" [NOTES.txt]`
//!
//! With a file of notes the question is asked as Lectern asks it, so that prefill is measured on
//! a prompt of realistic length.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use generation::llama::Llama;
use generation::sampling::Sampling;
use generation::{Generator, Message};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, question, notes @ ..] = arguments.as_slice() else {
        return Err("usage: chat MODEL.gguf QUESTION [NOTES.txt]".into());
    };

    let started = Instant::now();
    let llama = Llama::load(Path::new(model), "model")?;
    let loaded = started.elapsed();

    let content = match notes.first() {
        Some(path) => {
            let notes = std::fs::read_to_string(path)?;
            format!("Notes:\n\"\"\"\n{notes}\"\"\"\n\nQuestion: {question}")
        }
        None => question.clone(),
    };
    let messages = [Message {
        role: "user".to_owned(),
        content,
    }];
    let mut out = std::io::stdout();
    let started = Instant::now();
    let completion = llama.generate(&messages, &Sampling::default(), &mut |text| {
        write!(out, "{text}").and_then(|()| out.flush()).is_ok()
    })?;
    let decode = started.elapsed().as_secs_f64() - completion.prefill_ms / 1000.0;

    let usage = completion.usage;
    eprintln!(
        "\n\nload    {:.2} s\nprefill {} tokens, {:.0} tokens/s\ndecode  {} tokens, {:.1} tokens/s",
        loaded.as_secs_f64(),
        usage.prompt_tokens,
        usage.prompt_tokens as f64 / (completion.prefill_ms / 1000.0),
        usage.completion_tokens,
        usage.completion_tokens as f64 / decode,
    );
    Ok(())
}
