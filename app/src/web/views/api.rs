//! `/api`: what the API takes and gives.

use askama::Template;

/// The page.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "api.html")]
pub struct ApiPage {
    /// Sent back by the scripts as `X-CSRF-Token`.
    pub csrf_token: String,
    /// Version of Lectern.
    pub version: String,
    /// What holds for all addresses, in paragraphs.
    pub introduction: Vec<String>,
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
    pub description: String,
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
    pub summary: String,
    /// More of it, in paragraphs.
    pub description: Vec<String>,
    /// What it takes beside the body.
    pub parameters: Vec<Parameter>,
    /// What it takes as body.
    pub body: Option<String>,
    /// Status, description and body of each answer.
    pub answers: Vec<(String, String, Option<String>)>,
}

/// Something that is sent in the address or in a header.
#[derive(Debug, Clone, Default)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `query`, `path` or `header`.
    pub place: String,
    /// Its type.
    pub type_name: String,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it means.
    pub description: String,
}

/// A type of JSON values.
#[derive(Debug, Clone, Default)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its type, where it is no object.
    pub type_name: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of an object.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_name: String,
    /// What it means.
    pub description: String,
}
