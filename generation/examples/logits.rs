//! What a model makes of a chat, for comparison with other programs (`scripts/check_export.py`).
//!
//! `logits MODEL.gguf [ADAPTER]` reads a chat in JSON (`[{"role","content"}]`) from standard input and
//! prints one JSON object: the chat's tokens, the logits of the token behind it, computed in f32, and
//! the text that the model as it is served writes behind it, always taking the likeliest token.

#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::path::Path;

use generation::decoder::{Adapter, Decoder, Kernels, KvCache, Precision};
use generation::llama::Llama;
use generation::sampling::Sampling;
use generation::{Generator, Message};

/// Tokens of the text.
const TOKENS: usize = 32;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments
        .next()
        .ok_or("usage: logits MODEL.gguf [ADAPTER]")?;
    let adapter = arguments.next();
    let adapter = adapter.map(|folder| Adapter::load(Path::new(&folder)));
    let adapter = adapter.transpose()?;
    let chat: Vec<Message> = serde_json::from_reader(std::io::stdin())?;

    let llama = Llama::load(Path::new(&model), "model")?;
    let llama = match &adapter {
        Some(adapter) => llama.with_adapter(Some(("adapter", adapter)))?,
        None => llama,
    };
    let sampling = Sampling {
        max_tokens: TOKENS,
        ..Sampling::default()
    };
    let text = llama.generate(&chat, &sampling, &mut |_| true)?.text;
    let tokens = llama.encode(&chat)?;

    let decoder = Decoder::from_gguf(Path::new(&model), Precision::F32)?;
    let decoder = match &adapter {
        Some(adapter) => decoder.with_adapter(adapter)?,
        None => decoder,
    };
    let mut cache = KvCache::new(decoder.config(), tokens.len());
    let logits = decoder.forward(&tokens, &mut cache, Kernels::Fused)?;
    let logits: Vec<f32> = logits.to_vec1()?;
    let found = serde_json::json!({ "tokens": tokens, "logits": logits, "text": text });
    println!("{found}");
    Ok(())
}
