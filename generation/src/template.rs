//! Renders a chat in the form that a model was trained on: with the Jinja template that came with
//! it, as Hugging Face's `apply_chat_template` does, or with its family's where it brings none.

use minijinja::value::{Kwargs, Rest, Value};
use minijinja::{Environment, ErrorKind, State, UndefinedBehavior};

use crate::{Message, Result};

/// A model's chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos_token: String,
    eos_token: String,
}

const NAME: &str = "chat_template";

impl ChatTemplate {
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
