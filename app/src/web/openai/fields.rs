//! The fields of a request, one by one, so that an error names the one that is wrong.
//!
//! `null` is as good as absent, as with OpenAI. Fields that nobody asks for are passed over:
//! clients send many.

use serde_json::{Map, Value};

use super::error::Refused;

/// An object's fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// What their names begin with in messages.
    prefix: &'a str,
}

type Read<T> = Result<T, Refused>;

impl<'a> Fields<'a> {
    /// Of a request's body.
    pub(super) fn of(body: &'a Value) -> Read<Self> {
        match body {
            Value::Object(object) => Ok(Self { object, prefix: "" }),
            _ => Err(Refused::field(
                "",
                "the request's body is not a JSON object",
                "send an object with the field \"model\"",
            )),
        }
    }

    /// Of an object in it.
    pub(super) fn within(self, name: &str, prefix: &'a str) -> Read<Option<Self>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Self { object, prefix })),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    /// Their names.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        self.object.keys().map(String::as_str)
    }

    /// A field that is there.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// That a field is not what it should be.
    pub(super) fn wrong(self, name: &str, wanted: &str) -> Refused {
        let name = format!("{}{name}", self.prefix);
        let message = format!("{name:?} is not valid");
        Refused::field(&name, message, &format!("give {wanted}"))
    }

    /// A text.
    pub(super) fn text(self, name: &str) -> Read<Option<&'a str>> {
        self.get(name)
            .map(|value| value.as_str().ok_or_else(|| self.wrong(name, "a string")))
            .transpose()
    }

    /// True or false; false where absent.
    pub(super) fn flag(self, name: &str) -> Read<bool> {
        self.get(name).map_or(Ok(false), |value| {
            value
                .as_bool()
                .ok_or_else(|| self.wrong(name, "true or false"))
        })
    }

    /// A number within limits.
    pub(super) fn number(self, name: &str, low: f64, high: f64) -> Read<Option<f64>> {
        self.get(name)
            .map(|value| {
                value
                    .as_f64()
                    .filter(|number| (low..=high).contains(number))
                    .ok_or_else(|| self.wrong(name, &format!("a number from {low} to {high}")))
            })
            .transpose()
    }

    /// A whole number of at least 1; more than `most` is `most`.
    pub(super) fn count(self, name: &str, most: usize) -> Read<Option<usize>> {
        self.get(name)
            .map(|value| {
                let count = value.as_u64().filter(|count| *count > 0);
                count
                    .map(|count| usize::try_from(count).unwrap_or(most).min(most))
                    .ok_or_else(|| self.wrong(name, "a whole number of at least 1"))
            })
            .transpose()
    }

    /// A list of texts, or one text.
    pub(super) fn texts(self, name: &str, most: usize) -> Read<Vec<String>> {
        let wrong = || self.wrong(name, &format!("a string, or a list of at most {most}"));
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(items)) if items.len() <= most => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }
}
