//! What turns a chat into a model's tokens and tokens back into text: its tokenizer, its chat
//! template and the tokens that end an answer.
//!
//! Serving and training both go through here, so that a model is trained on the very prompt that it
//! will be given. The weights are not needed for it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use tokenizers::Tokenizer;

use crate::decoder::files;
use crate::family::Family;
use crate::fence::neutralise;
use crate::gguf::{Gguf, unusable};
use crate::template::ChatTemplate;
use crate::tokenizer::{self, Utf8Stream};
use crate::{Error, Message, Result};

/// Tokens that end an answer in the chat formats that Llama-family models use.
const STOP_TOKENS: [&str; 6] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "</s>",
];

/// What the template is asked to put a stop token behind.
const MARK: &str = "mark";

/// How a model reads chats.
pub struct ChatFormat {
    name: String,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    /// The template as it was written.
    source: String,
    /// Texts of the tokens that begin and end a text.
    ends: [String; 2],
    special_tokens: Vec<String>,
    stop_tokens: Vec<u32>,
    end_of_turn: u32,
}

impl std::fmt::Debug for ChatFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ChatFormat")
            .field("name", &self.name)
            .field("end_of_turn", &self.end_of_turn)
            .finish_non_exhaustive()
    }
}

impl ChatFormat {
    /// Reads it from the header of a GGUF file.
    ///
    /// # Errors
    /// [`Error::Model`] where the file is missing or damaged, or has no byte-level BPE tokenizer, no
    /// chat template or no token to end an answer with.
    pub fn from_gguf(path: &Path) -> Result<Self> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::from_open_gguf(&Gguf::open(path)?, path, &name)
    }

    pub(crate) fn from_open_gguf(gguf: &Gguf, path: &Path, id: &str) -> Result<Self> {
        let tokenizer = tokenizer::from_gguf(gguf, path)?;
        let special_tokens: Vec<String> = tokenizer
            .get_added_tokens_decoder()
            .into_values()
            .filter(|token| token.special)
            .map(|token| token.content)
            .collect();
        let token_text = |key: &str| {
            gguf.number(key)
                .and_then(|token| tokenizer.id_to_token(token))
                .unwrap_or_default()
        };
        let name = gguf.string("general.name").unwrap_or(id);
        let family = Family::detect(name, |token| tokenizer.token_to_id(token).is_some());
        let source = match (gguf.string("tokenizer.chat_template"), family) {
            (Some(source), _) => source,
            (None, Some(family)) => family.template(),
            (None, None) => {
                return Err(unusable(
                    path,
                    "it has no chat template, so it is not trained to answer; hint: choose an \
                     instruct model",
                ));
            }
        };
        let ends = ["bos", "eos"].map(|end| token_text(&format!("tokenizer.ggml.{end}_token_id")));
        let template = ChatTemplate::new(source, &ends[0], &ends[1])?;
        let stop_tokens: Vec<u32> = STOP_TOKENS
            .iter()
            .filter_map(|token| tokenizer.token_to_id(token))
            .chain(gguf.number("tokenizer.ggml.eos_token_id"))
            .collect();
        let Some(end_of_turn) = end_of_turn(&template, &tokenizer, &stop_tokens) else {
            return Err(unusable(
                path,
                "it has no token that ends an answer; hint: choose an instruct model",
            ));
        };
        Ok(Self {
            name: name.to_owned(),
            tokenizer,
            source: source.to_owned(),
            template,
            ends,
            special_tokens,
            stop_tokens,
            end_of_turn,
        })
    }

    /// What the model calls itself, or its file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes it beside a model's weights as `transformers` reads it: `tokenizer.json`,
    /// `tokenizer_config.json` with the chat template, and `generation_config.json` with the tokens
    /// that end an answer. Files appear whole or not at all.
    ///
    /// # Errors
    /// [`Error::Model`] where they can't be written, [`Error::Tokenize`] where the tokenizer can't be.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let tokenizer = self
            .tokenizer
            .to_string(false)
            .map_err(|error| Error::Tokenize(error.to_string()))?;
        let [bos, eos] = self.ends.each_ref().map(|text| match text.is_empty() {
            true => serde_json::Value::Null,
            false => text.as_str().into(),
        });
        let settings = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "chat_template": self.source,
            "bos_token": bos,
            "eos_token": eos,
            "add_bos_token": false,
            "clean_up_tokenization_spaces": false,
        });
        let stops: BTreeSet<u32> = self.stop_tokens.iter().copied().collect();
        let generation = json!({ "eos_token_id": stops, "do_sample": false });
        for (name, text) in [
            ("tokenizer.json", tokenizer),
            ("tokenizer_config.json", format!("{settings:#}\n")),
            ("generation_config.json", format!("{generation:#}\n")),
        ] {
            let path = folder.join(name);
            files::write_bytes(&path, text.as_bytes())
                .map_err(|error| files::unwritable(&path, &error))?;
        }
        Ok(())
    }

    /// The tokens of a chat as the model reads it, ending where its answer begins.
    ///
    /// # Errors
    /// [`Error::Template`] where the template refuses the chat, [`Error::Tokenize`] where the
    /// tokenizer fails.
    pub fn encode(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let messages: Vec<Message> = messages
            .iter()
            .map(|message| Message {
                role: message.role.clone(),
                content: neutralise(&message.content, &self.special_tokens),
            })
            .collect();
        self.tokens(&self.template.render(&messages)?)
    }

    /// The tokens of an answer as the model should write it: the text and the token that ends it.
    /// The text is data, as that of prompts is: it never becomes a special token.
    ///
    /// # Errors
    /// [`Error::Tokenize`] where the tokenizer fails.
    pub fn encode_completion(&self, text: &str) -> Result<Vec<u32>> {
        let mut tokens = self.tokens(&neutralise(text, &self.special_tokens))?;
        tokens.push(self.end_of_turn);
        Ok(tokens)
    }

    fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|error| Error::Tokenize(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of tokens that a model wrote.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut stream = self.stream();
        tokens.iter().map(|token| stream.push(*token)).collect()
    }

    pub(crate) fn stream(&self) -> Utf8Stream<'_> {
        Utf8Stream::new(&self.tokenizer)
    }

    /// True for a token that ends an answer.
    pub fn is_stop(&self, token: u32) -> bool {
        self.stop_tokens.contains(&token)
    }
}

/// The token that the template puts behind an assistant's message, which is the one that the model
/// was trained to end with; the first that it might be where the template puts none.
fn end_of_turn(template: &ChatTemplate, tokenizer: &Tokenizer, stop_tokens: &[u32]) -> Option<u32> {
    let message = |role: &str| Message {
        role: role.to_owned(),
        content: MARK.to_owned(),
    };
    let by_template = || {
        let text = template
            .render(&[message("user"), message("assistant")])
            .ok()?;
        let (_, rest) = text.rsplit_once(MARK)?;
        let encoding = tokenizer.encode_fast(rest, false).ok()?;
        let mut tokens = encoding.get_ids().iter();
        tokens.find(|token| stop_tokens.contains(token)).copied()
    };
    by_template().or_else(|| stop_tokens.first().copied())
}
