//! Says to the model what to do, in the form that it was trained on.
//!
//! Two halves: [`messages`] writes the instruction, the evidence and the question as a chat;
//! [`ChatTemplate`] renders a chat with the Jinja template that came with the model, as Hugging
//! Face's `apply_chat_template` does.
//!
//! Text from papers is data. It reaches the template only as the value of `content`, never as
//! template source, and [`neutralise`] breaks up any of the model's special tokens that stands
//! in it, so that a paper cannot end its message and begin another.

use minijinja::value::{Kwargs, Rest, Value};
use minijinja::{Environment, ErrorKind, State, UndefinedBehavior};
use retrieval::Passage;

use crate::evidence::Evidence;
use crate::{Message, Result};

/// What the model is told. Short and plain, because a model of 135M parameters follows one or two
/// rules, and talks about its rules if there are more.
const SYSTEM: &str = "You are a helpful assistant. Answer the question in one or two short \
sentences, with facts from the notes only. If the notes do not say, answer: The notes do not say.";

/// Text that ends the evidence in the prompt; taken out of the evidence itself.
const FENCE: &str = "\"\"\"";

/// The chat that asks the model to answer `question` from `evidence`.
pub fn messages(question: &str, passages: &[Passage], evidence: &[Evidence]) -> Vec<Message> {
    let message = |role: &str, content: String| Message {
        role: role.to_owned(),
        content,
    };
    let notes = notes(passages, evidence);
    let question = one_line(question);
    vec![
        message("system", SYSTEM.to_owned()),
        message(
            "user",
            format!("Notes:\n{FENCE}\n{notes}{FENCE}\n\nQuestion: {question}"),
        ),
    ]
}

/// The evidence as numbered notes under the titles of their papers, in the order of each paper's
/// best note. Sentences that are neighbours in a passage are one note.
fn notes(passages: &[Passage], evidence: &[Evidence]) -> String {
    let mut papers: Vec<&str> = Vec::new();
    for item in evidence {
        let document = passages[item.passage].document_id.as_str();
        if !papers.contains(&document) {
            papers.push(document);
        }
    }
    let mut text = String::new();
    let mut number = 0;
    for paper in papers {
        let mut items: Vec<&Evidence> = evidence
            .iter()
            .filter(|item| passages[item.passage].document_id == paper)
            .collect();
        items.sort_by_key(|item| (item.passage, item.range.start));
        let title = &passages[items[0].passage].title;
        text.push_str(&format!("From \"{}\":\n", quiet(title)));
        for (index, item) in items.iter().enumerate() {
            let passage = &passages[item.passage].text;
            let follows = index > 0 && {
                let before = items[index - 1];
                before.passage == item.passage
                    && passage[before.range.end..item.range.start]
                        .trim()
                        .is_empty()
            };
            if follows {
                text.pop();
                text.push(' ');
            } else {
                number += 1;
                text.push_str(&format!("{number}. "));
            }
            text.push_str(&quiet(&passage[item.range.clone()]));
            text.push('\n');
        }
    }
    text
}

/// On one line, and without what would end the fence around the notes.
fn quiet(text: &str) -> String {
    one_line(text).replace(FENCE, "\"")
}

/// With all white space, line ends too, as single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Breaks up each of `special_tokens` in `text` with a space, so that the tokenizer reads it as
/// the plain text that it is.
pub fn neutralise(text: &str, special_tokens: &[String]) -> String {
    let mut text = text.to_owned();
    for token in special_tokens {
        let Some(first) = token.chars().next() else {
            continue;
        };
        let rest = &token[first.len_utf8()..];
        let broken = if rest.is_empty() {
            " ".to_owned()
        } else {
            format!("{first} {rest}")
        };
        text = text.replace(token.as_str(), &broken);
    }
    text
}

/// A model's chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos_token: String,
    eos_token: String,
}

const NAME: &str = "chat_template";

impl ChatTemplate {
    /// ChatML, for models that know its tokens and bring no template.
    pub const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + \
        '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}\
        {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    /// Parses a template.
    ///
    /// # Errors
    /// Where it is not valid Jinja.
    pub fn new(source: &str, bos_token: &str, eos_token: &str) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_unknown_method_callback(python_method);
        environment.add_function(
            "raise_exception",
            |message: String| -> std::result::Result<Value, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
            },
        );
        environment.add_function("strftime_now", |format: String| fixed_date(&format));
        environment.add_template_owned(NAME, source.to_owned())?;
        Ok(Self {
            environment,
            bos_token: bos_token.to_owned(),
            eos_token: eos_token.to_owned(),
        })
    }

    /// The text that the model continues with its answer. A template that refuses a system
    /// message is given it as the beginning of the first user message.
    ///
    /// # Errors
    /// Where the template fails or refuses the chat.
    pub fn render(&self, messages: &[Message]) -> Result<String> {
        self.render_as_given(messages)
            .or_else(|error| match messages {
                [system, user, rest @ ..] if system.role == "system" && user.role == "user" => {
                    let joined = Message {
                        role: user.role.clone(),
                        content: format!("{}\n\n{}", system.content, user.content),
                    };
                    let merged: Vec<Message> = std::iter::once(joined)
                        .chain(rest.iter().cloned())
                        .collect();
                    self.render_as_given(&merged)
                }
                _ => Err(error),
            })
    }

    fn render_as_given(&self, messages: &[Message]) -> Result<String> {
        let template = self.environment.get_template(NAME)?;
        Ok(template.render(minijinja::context! {
            messages => messages,
            add_generation_prompt => true,
            bos_token => self.bos_token,
            eos_token => self.eos_token,
        })?)
    }
}

/// The date that templates see. The same always, the one that Llama 3's template falls back on:
/// an answer must be the same when it is replayed another day.
fn fixed_date(format: &str) -> String {
    format
        .replace("%d", "26")
        .replace("%b", "Jul")
        .replace("%B", "July")
        .replace("%m", "07")
        .replace("%Y", "2024")
}

/// The methods of Python's strings and dicts that published templates call.
fn python_method(
    _state: &State,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> std::result::Result<Value, minijinja::Error> {
    let unknown = || {
        minijinja::Error::new(
            ErrorKind::UnknownMethod,
            format!("the template calls .{method}(), which is not supported"),
        )
    };
    if method == "items" {
        return minijinja::filters::items(value);
    }
    let text = value.as_str().ok_or_else(unknown)?;
    let (Rest(texts), _): (Rest<String>, Kwargs) = minijinja::value::from_args(arguments)?;
    let text_argument = texts.first().map(String::as_str);
    let strips = |character: char| match text_argument {
        Some(set) => set.contains(character),
        None => character.is_whitespace(),
    };
    Ok(match (method, text_argument) {
        ("strip", _) => text.trim_matches(strips).into(),
        ("lstrip", _) => text.trim_start_matches(strips).into(),
        ("rstrip", _) => text.trim_end_matches(strips).into(),
        ("startswith", Some(start)) => text.starts_with(start).into(),
        ("endswith", Some(end)) => text.ends_with(end).into(),
        ("split", Some(separator)) => text.split(separator).map(Value::from).collect(),
        ("split", None) => text.split_whitespace().map(Value::from).collect(),
        ("upper", _) => text.to_uppercase().into(),
        ("lower", _) => text.to_lowercase().into(),
        ("title", _) => minijinja::filters::title(text.into()).into(),
        _ => return Err(unknown()),
    })
}
