//! Answers with a model from a GGUF file on the CPU: chat to tokens, tokens through the
//! [`decoder`](crate::decoder), tokens to text.
//!
//! The prompt is run at once (prefill), then one token at a time, each step reading the keys and
//! values that the earlier ones left in the cache. The weights are shared and immutable and each
//! request brings a cache of its own, so that requests neither wait for nor see each other. A model
//! with an adapter is another [`Llama`] over the same weights ([`Llama::with_adapter`]): whoever serves
//! puts it in place of the old one, and requests that have begun finish on what they began with.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use candle_core::Tensor;

use crate::chat::ChatFormat;
use crate::decoder::{Adapter, Decoder, DecoderConfig, Kernels, KvCache, Precision};
use crate::gguf::Gguf;
use crate::sampling::{Sampler, Sampling, is_looping, log_prob, repeats_a_sentence};
use crate::stop::StopStrings;
use crate::{Completion, Error, Generator, Message, Result};

/// Tokens that prompt and answer may have together at most, however many the model was trained to
/// read: a CPU would take minutes for more.
const MAX_CONTEXT: usize = 8192;

/// A model of the Llama, Mistral or Qwen2 family, ready to answer.
pub struct Llama {
    id: String,
    adapter: Option<String>,
    decoder: Decoder,
    chat: Arc<ChatFormat>,
    context: usize,
}

impl std::fmt::Debug for Llama {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Llama")
            .field("id", &self.id)
            .field("adapter", &self.adapter)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl Llama {
    /// Loads a GGUF file; `id` is what answers record as the model.
    ///
    /// # Errors
    /// [`Error::Model`] where the file is missing, damaged, or not of the llama, mistral or qwen2
    /// architecture with a byte-level BPE tokenizer and a chat template.
    pub fn load(path: &Path, id: &str) -> Result<Self> {
        let gguf = Gguf::open(path)?;
        let config = DecoderConfig::from_gguf(&gguf, path)?;
        let chat = ChatFormat::from_open_gguf(&gguf, path, id)?;
        let context = MAX_CONTEXT.min(config.context);
        let decoder = Decoder::from_open_gguf(gguf, path, Precision::AsStored)?;
        Ok(Self {
            id: id.to_owned(),
            adapter: None,
            decoder,
            chat: Arc::new(chat),
            context,
        })
    }

    /// The same model over the same weights with an adapter, which answers record as `id`, or without
    /// one. This one is not changed: whoever holds it goes on with it.
    ///
    /// # Errors
    /// [`Error::Adapter`] where it is for another model.
    pub fn with_adapter(&self, adapter: Option<(&str, &Adapter)>) -> Result<Self> {
        let decoder = match adapter {
            Some((_, adapter)) => self.decoder.with_adapter(&adapter.frozen()?)?,
            None => self.decoder.without_adapter(),
        };
        Ok(Self {
            id: self.id.clone(),
            adapter: adapter.map(|(id, _)| id.to_owned()),
            decoder,
            chat: self.chat.clone(),
            context: self.context,
        })
    }

    /// How it reads chats.
    pub fn chat(&self) -> &ChatFormat {
        &self.chat
    }

    /// The most tokens that prompt and answer may have together.
    pub fn context(&self) -> usize {
        self.context
    }

    /// The model as it is run.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
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

/// A prompt that a model has read. What comes behind it can be written, and other text be judged,
/// any number of times without reading it again.
#[derive(Debug)]
pub struct Prompt<'m> {
    llama: &'m Llama,
    tokens: Vec<u32>,
    cache: KvCache,
    /// Of the token behind it.
    logits: Vec<f32>,
    prefill_ms: f64,
}

impl Llama {
    /// Reads a prompt, with room for an answer of `answer` tokens.
    ///
    /// # Errors
    /// As [`Generator::generate`].
    pub fn read(&self, messages: &[Message], answer: usize) -> Result<Prompt<'_>> {
        let tokens = self.encode(messages)?;
        // One place is left for the answer's first token.
        if tokens.len() >= self.context {
            return Err(Error::TooLong {
                tokens: tokens.len(),
                context: self.context,
            });
        }
        let room = answer.min(self.context - tokens.len()).min(512);
        let mut cache = KvCache::new(self.decoder.config(), tokens.len() + room);
        let started = Instant::now();
        let logits = last_logits(&self.decoder, &tokens, &mut cache)?;
        Ok(Prompt {
            llama: self,
            tokens,
            cache,
            logits,
            prefill_ms: started.elapsed().as_secs_f64() * 1000.0,
        })
    }
}

impl Prompt<'_> {
    /// Writes what comes behind it.
    ///
    /// # Errors
    /// As [`Generator::generate`].
    pub fn write(
        &mut self,
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Completion> {
        let Llama { chat, decoder, .. } = self.llama;
        self.cache.truncate(self.tokens.len());
        let limit = sampling
            .max_tokens
            .min(self.llama.context - self.tokens.len());
        let mut sampler = Sampler::new(sampling);
        let mut stream = chat.stream();
        let mut stops = StopStrings::new(&sampling.stop);
        let mut completion = Completion::default();
        completion.usage.prompt_tokens = self.tokens.len();
        completion.prefill_ms = self.prefill_ms;

        let mut logits = self.logits.clone();
        let mut written: Vec<u32> = Vec::new();
        loop {
            if written.len() >= limit {
                completion.truncated = true;
                break;
            }
            let token = sampler.sample(&mut logits, &written);
            completion.log_probs.push(log_prob(&logits, token));
            if chat.is_stop(token) {
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
                logits = last_logits(decoder, &[token], &mut self.cache)?;
            }
        }
        let held = stops.finish();
        if !held.is_empty() {
            completion.text.push_str(&held);
            on_text(&held);
        }
        Ok(completion)
    }

    /// The normalised states `(tokens, hidden)` that the model predicts each of `tokens` from, where
    /// they stand behind the prompt. [`Decoder::head`] turns them into logits.
    ///
    /// # Errors
    /// No tokens, or one that is not in the vocabulary.
    pub fn predicting(&mut self, tokens: &[u32]) -> Result<Tensor> {
        // The last token of the prompt predicts the first, and the last of `tokens` none of them.
        let (Some((last, _)), Some((_, rest))) = (self.tokens.split_last(), tokens.split_last())
        else {
            return Err(
                candle_core::Error::Msg("there are no tokens to predict".to_owned()).into(),
            );
        };
        self.cache.truncate(self.tokens.len() - 1);
        let run = [&[*last], rest].concat();
        let kernels = Kernels::Fused;
        let states = self
            .llama
            .decoder
            .states_behind(&run, &mut self.cache, kernels)?;
        self.cache.truncate(self.tokens.len());
        Ok(states)
    }
}

impl Generator for Llama {
    fn id(&self) -> &str {
        &self.id
    }

    fn adapter(&self) -> Option<&str> {
        self.adapter.as_deref()
    }

    fn generate(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Completion> {
        self.read(messages, sampling.max_tokens)?
            .write(sampling, on_text)
    }
}

/// Runs `tokens` behind those in the cache and returns the last one's logits.
fn last_logits(decoder: &Decoder, tokens: &[u32], cache: &mut KvCache) -> Result<Vec<f32>> {
    Ok(decoder.forward(tokens, cache, Kernels::Fused)?.to_vec1()?)
}
