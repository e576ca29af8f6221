//! Runs a Llama-family model from a GGUF file on the CPU, through candle.
//!
//! The prompt is run at once (prefill), then one token at a time, each step reading the keys and
//! values that the earlier ones left in the cache. The weights are shared and immutable; each
//! request works on a clone of the model, which costs a few hundred reference counts and brings
//! an empty cache of its own, so that requests neither wait for nor see each other.

use std::path::Path;
use std::time::Instant;

use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::{MAX_SEQ_LEN, ModelWeights};

use crate::chat::ChatFormat;
use crate::gguf::{Gguf, first_line, unusable};
use crate::sampling::{Sampler, Sampling, is_looping, repeats_a_sentence};
use crate::stop::StopStrings;
use crate::{Completion, Error, Generator, Message, Result};

/// A model of the Llama family, ready to answer.
pub struct Llama {
    id: String,
    weights: ModelWeights,
    chat: ChatFormat,
    context: usize,
}

impl std::fmt::Debug for Llama {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Llama")
            .field("id", &self.id)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl Llama {
    /// Loads a GGUF file; `id` is what answers record as the model.
    ///
    /// # Errors
    /// [`Error::Model`] where the file is missing, damaged, or not of the Llama architecture with
    /// a byte-level BPE tokenizer and a chat template.
    pub fn load(path: &Path, id: &str) -> Result<Self> {
        let gguf = Gguf::open(path)?;
        let architecture = gguf.string("general.architecture").unwrap_or("unknown");
        if architecture != "llama" {
            return Err(unusable(
                path,
                format!(
                    "it is of the {architecture} architecture and only llama can be run; \
                     hint: choose another model with `lectern models recommend`"
                ),
            ));
        }
        let chat = ChatFormat::from_open_gguf(&gguf, path, id)?;
        let trained_context = gguf.number("llama.context_length").unwrap_or(u32::MAX);
        let context = MAX_SEQ_LEN.min(trained_context as usize);

        let Gguf {
            content,
            mut reader,
        } = gguf;
        let weights = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu)
            .map_err(|error| unusable(path, first_line(&error)))?;
        Ok(Self {
            id: id.to_owned(),
            weights,
            chat,
            context,
        })
    }

    /// The most tokens that prompt and answer may have together.
    pub fn context(&self) -> usize {
        self.context
    }

    /// The tokens of a chat as the model reads it, ending where its answer begins.
    ///
    /// # Errors
    /// [`Error::Template`] where the template refuses the chat, [`Error::Tokenize`] where the
    /// tokenizer fails.
    pub fn encode(&self, messages: &[Message]) -> Result<Vec<u32>> {
        self.chat.encode(messages)
    }
}

impl Generator for Llama {
    fn id(&self) -> &str {
        &self.id
    }

    fn generate(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Completion> {
        let prompt = self.encode(messages)?;
        // One place is left for the answer's first token.
        if prompt.len() >= self.context {
            return Err(Error::TooLong {
                tokens: prompt.len(),
                context: self.context,
            });
        }
        let limit = sampling.max_tokens.min(self.context - prompt.len());

        let mut model = self.weights.clone();
        let mut sampler = Sampler::new(sampling);
        let mut stream = self.chat.stream();
        let mut stops = StopStrings::new(&sampling.stop);
        let mut completion = Completion::default();
        completion.usage.prompt_tokens = prompt.len();

        let started = Instant::now();
        let mut logits = last_logits(&mut model, &prompt, 0)?;
        completion.prefill_ms = started.elapsed().as_secs_f64() * 1000.0;

        let mut written: Vec<u32> = Vec::new();
        loop {
            if written.len() >= limit {
                completion.truncated = true;
                break;
            }
            let token = sampler.sample(&mut logits, &written);
            if self.chat.is_stop(token) {
                break;
            }
            written.push(token);
            completion.usage.completion_tokens = written.len();
            let piece = stream.push(token);
            let passed = stops.push(&piece);
            if !passed.is_empty() {
                completion.text.push_str(&passed);
                if !on_text(&passed) {
                    break;
                }
            }
            if stops.is_over() {
                break;
            }
            let ends_sentence = piece.contains(['.', '!', '?']);
            if is_looping(&written) || ends_sentence && repeats_a_sentence(&completion.text) {
                break;
            }
            if written.len() < limit {
                logits = last_logits(&mut model, &[token], prompt.len() + written.len() - 1)?;
            }
        }
        let held = stops.finish();
        if !held.is_empty() {
            completion.text.push_str(&held);
            on_text(&held);
        }
        Ok(completion)
    }
}

/// Runs `tokens`, the first of which has position `position`, and returns the last one's logits.
fn last_logits(model: &mut ModelWeights, tokens: &[u32], position: usize) -> Result<Vec<f32>> {
    let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
    Ok(model.forward(&tokens, position)?.squeeze(0)?.to_vec1()?)
}
