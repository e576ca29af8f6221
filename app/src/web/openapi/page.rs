//! The page `/api`: the OpenAPI document as lists that a person can read, without any script.

use serde_json::Value;

use super::super::views::{ApiPage, Described, Field, Group, Operation, Parameter, Phrase, Span};

/// The page of a document.
pub(super) fn of(document: &Value, csrf_token: &str) -> ApiPage {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let schemas = &document["components"]["schemas"];
    let types = Types(schemas);
    let groups = list(&document["tags"]).map(|tag| Group {
        name: text(&tag["name"]),
        description: types.words(&tag["description"]),
        operations: operations(document, &tag["name"], &types),
    });
    let schemas = entries(schemas).map(|(name, schema)| Described {
        name: name.clone(),
        description: types.words(&schema["description"]),
        type_name: types.marked(&type_name(schema)),
        fields: fields(schema, &types),
    });
    ApiPage {
        csrf_token: csrf_token.to_owned(),
        version: text(&document["info"]["version"]),
        introduction: types.paragraphs(&document["info"]["description"]),
        groups: groups.collect(),
        schemas: schemas.collect(),
    }
}

fn operations(document: &Value, tag: &Value, types: &Types) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in entries(&document["paths"]) {
        for (method, operation) in entries(item) {
            if !list(&operation["tags"]).any(|one| one == tag) {
                continue;
            }
            let parameters = list(&operation["parameters"]).map(|parameter| Parameter {
                name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                place: parameter["in"].as_str().unwrap_or_default().to_owned(),
                type_name: types.marked(&type_name(&parameter["schema"])),
                is_required: parameter["required"] == true,
                description: types.words(&parameter["description"]),
            });
            let answers = entries(&operation["responses"])
                .filter(|(status, _)| *status != "default")
                .map(|(status, response)| {
                    let description = types.words(&response["description"]);
                    (status.clone(), description, body(response, types))
                });
            found.push(Operation {
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                summary: types.words(&operation["summary"]),
                description: types.paragraphs(&operation["description"]),
                parameters: parameters.collect(),
                body: body(&operation["requestBody"], types),
                answers: answers.collect(),
            });
        }
    }
    found
}

/// What a body is, in words.
fn body(holder: &Value, types: &Types) -> Option<Phrase> {
    let (kind, content) = entries(&holder["content"]).next()?;
    let type_name = type_name(&content["schema"]);
    Some(match kind.as_str() {
        "application/json" => types.marked(&type_name),
        other => types.marked(&format!("{type_name} as {other}")),
    })
}

fn fields(schema: &Value, types: &Types) -> Vec<Field> {
    let mut found = Vec::new();
    for part in list(&schema["allOf"]) {
        if let Some(name) = reference(part) {
            found.push(Field {
                name: "…".into(),
                type_name: types.marked(name),
                description: types.marked(&format!("all fields of {name}")),
            });
        }
        found.extend(fields(part, types));
    }
    for (name, field) in entries(&schema["properties"]) {
        found.push(Field {
            name: name.clone(),
            type_name: types.marked(&type_name(field)),
            description: types.words(&field["description"]),
        });
    }
    found
}

/// A schema's type in a few words: `string`, `list of Citation`, `integer or null`.
fn type_name(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return name.to_owned();
    }
    for either in ["oneOf", "anyOf"] {
        if schema[either].is_array() {
            let names: Vec<String> = list(&schema[either]).map(type_name).collect();
            return names.join(" or ");
        }
    }
    if schema["enum"].is_array() {
        let values: Vec<String> = list(&schema["enum"])
            .map(|value| format!("{value}"))
            .collect();
        return values.join(" or ");
    }
    let one = |name: &str| match name {
        "array" if schema["items"].is_object() => {
            format!("list of {}", type_name(&schema["items"]))
        }
        name => name.to_owned(),
    };
    match &schema["type"] {
        Value::String(name) => one(name),
        Value::Array(names) => {
            let names: Vec<String> = names.iter().filter_map(Value::as_str).map(one).collect();
            names.join(" or ")
        }
        _ => "object".to_owned(),
    }
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The types that the document describes, by their names.
struct Types<'a>(&'a Value);

impl Types<'_> {
    /// Text with what it has between backticks as code, types among it.
    fn words(&self, text: &Value) -> Phrase {
        let text = text.as_str().unwrap_or_default().trim();
        let spans = text.split('`').enumerate().map(|(place, part)| Span {
            text: part.to_owned(),
            is_code: place % 2 == 1,
            is_type: place % 2 == 1 && self.0[part].is_object(),
        });
        Phrase {
            spans: spans.filter(|span| !span.text.is_empty()).collect(),
        }
    }

    fn paragraphs(&self, text: &Value) -> Vec<Phrase> {
        let text = text.as_str().unwrap_or_default();
        text.split("\n\n")
            .map(|paragraph| self.words(&paragraph.into()))
            .filter(|paragraph| !paragraph.spans.is_empty())
            .collect()
    }

    /// A type in words, with the types that it is made of.
    fn marked(&self, type_name: &str) -> Phrase {
        let words = type_name.split_inclusive(' ').flat_map(|part| {
            let word = part.trim_end();
            [word, &part[word.len()..]]
        });
        let spans = words.filter(|word| !word.is_empty()).map(|word| Span {
            text: word.to_owned(),
            is_code: false,
            is_type: self.0[word].is_object(),
        });
        Phrase {
            spans: spans.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn code_is_marked_and_types_lead_to_what_they_are() {
        use askama::Template;
        let schemas = json!({"Job": {"type": "object"}});
        let types = Types(&schemas);
        for (text, expected) in [
            (
                "Gives `a<b` or a `Job`.",
                "Gives <code>a&#60;b</code> or a <a href=\"#type-Job\"><code>Job</code></a>.",
            ),
            (
                "a lone ` is code to the end",
                "a lone <code> is code to the end</code>",
            ),
            ("", ""),
        ] {
            assert_eq!(types.words(&text.into()).render().unwrap(), expected);
        }
        let marked = types.marked("list of Job or null").render().unwrap();
        assert_eq!(
            marked,
            "list of <a href=\"#type-Job\"><code>Job</code></a> or null"
        );
    }

    #[test]
    fn types_are_told_in_words() {
        for (schema, expected) in [
            (json!({"type": "string"}), "string"),
            (json!({"type": ["integer", "null"]}), "integer or null"),
            (
                json!({"type": "array", "items": {"$ref": "#/components/schemas/Citation"}}),
                "list of Citation",
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Job"}]}),
                "null or Job",
            ),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                "\"a\" or \"b\"",
            ),
            (json!({}), "object"),
        ] {
            assert_eq!(type_name(&schema), expected);
        }
    }
}
