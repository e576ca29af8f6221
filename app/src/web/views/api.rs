//! `/api`: what the API takes and gives.

use askama::Template;

/// Words with what in them is code, or a type that the page describes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Template)]
#[template(
    source = "{% for span in spans %}{% if span.is_type %}<a href=\"#type-{{ span.text }}\"><code>\
              {{ span.text }}</code></a>{% else if span.is_code %}<code>{{ span.text }}</code>\
              {% else %}{{ span.text }}{% endif %}{% endfor %}",
    ext = "html"
)]
pub struct Phrase {
    /// Its parts, in order.
    pub spans: Vec<Span>,
}

/// A part of a [`Phrase`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Shown as code.
    pub is_code: bool,
    /// The name of a type.
    pub is_type: bool,
}

/// The page.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "api.html")]
pub struct ApiPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// Version of Lectern.
    pub version: String,
    /// What holds for all addresses, in paragraphs.
    pub introduction: Vec<Phrase>,
    /// The addresses, by what they are about.
    pub groups: Vec<Group>,
    /// What is sent and given.
    pub schemas: Vec<Described>,
}

/// Addresses that are about the same.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// What they are about.
    pub name: String,
    /// The same in a sentence.
    pub description: Phrase,
    /// A method of an address each.
    pub operations: Vec<Operation>,
}

/// A method of an address.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    /// Such as `GET`.
    pub method: String,
    /// The address, with the names of what varies in braces.
    pub path: String,
    /// What it does, in a line.
    pub summary: Phrase,
    /// More of it, in paragraphs.
    pub description: Vec<Phrase>,
    /// What it takes beside the body.
    pub parameters: Vec<Parameter>,
    /// What it takes as body.
    pub body: Option<Phrase>,
    /// Status, description and body of each answer.
    pub answers: Vec<(String, Phrase, Option<Phrase>)>,
}

/// Something that is sent in the address or in a header.
#[derive(Debug, Clone, Default)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `query`, `path` or `header`.
    pub place: String,
    /// Its type.
    pub type_name: Phrase,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it means.
    pub description: Phrase,
}

/// A type of JSON values.
#[derive(Debug, Clone, Default)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Phrase,
    /// Its type, where it is no object.
    pub type_name: Phrase,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of an object.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_name: Phrase,
    /// What it means.
    pub description: Phrase,
}
