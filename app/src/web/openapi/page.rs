//! The page `/api`: the OpenAPI document as lists that a person can read, without any script.

use serde_json::Value;

use super::super::views::{ApiPage, Described, Field, Group, Operation, Parameter};

/// The page of a document.
pub(super) fn of(document: &Value, csrf_token: &str) -> ApiPage {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let groups = list(&document["tags"]).map(|tag| Group {
        name: text(&tag["name"]),
        description: text(&tag["description"]),
        operations: operations(document, &tag["name"]),
    });
    let schemas = entries(&document["components"]["schemas"]).map(|(name, schema)| Described {
        name: name.clone(),
        description: text(&schema["description"]),
        type_name: type_name(schema),
        fields: fields(schema),
    });
    ApiPage {
        csrf_token: csrf_token.to_owned(),
        version: text(&document["info"]["version"]),
        introduction: paragraphs(&document["info"]["description"]),
        groups: groups.collect(),
        schemas: schemas.collect(),
    }
}

fn operations(document: &Value, tag: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in entries(&document["paths"]) {
        for (method, operation) in entries(item) {
            if !list(&operation["tags"]).any(|one| one == tag) {
                continue;
            }
            let parameters = list(&operation["parameters"]).map(|parameter| Parameter {
                name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                place: parameter["in"].as_str().unwrap_or_default().to_owned(),
                type_name: type_name(&parameter["schema"]),
                is_required: parameter["required"] == true,
                description: words(&parameter["description"]),
            });
            let answers = entries(&operation["responses"])
                .filter(|(status, _)| *status != "default")
                .map(|(status, response)| {
                    let description = words(&response["description"]);
                    (status.clone(), description, body(response))
                });
            found.push(Operation {
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                summary: words(&operation["summary"]),
                description: paragraphs(&operation["description"]),
                parameters: parameters.collect(),
                body: body(&operation["requestBody"]),
                answers: answers.collect(),
            });
        }
    }
    found
}

/// What a body is, in words.
fn body(holder: &Value) -> Option<String> {
    let (kind, content) = entries(&holder["content"]).next()?;
    let type_name = type_name(&content["schema"]);
    Some(match kind.as_str() {
        "application/json" => type_name,
        other => format!("{type_name} as {other}"),
    })
}

fn fields(schema: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    for part in list(&schema["allOf"]) {
        if let Some(name) = reference(part) {
            found.push(Field {
                name: "…".into(),
                type_name: name.to_owned(),
                description: format!("all fields of {name}"),
            });
        }
        found.extend(fields(part));
    }
    for (name, field) in entries(&schema["properties"]) {
        found.push(Field {
            name: name.clone(),
            type_name: type_name(field),
            description: words(&field["description"]),
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

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().trim().to_owned()
}

fn paragraphs(value: &Value) -> Vec<String> {
    let text = value.as_str().unwrap_or_default();
    text.split("\n\n")
        .map(|paragraph| paragraph.trim().to_owned())
        .filter(|paragraph| !paragraph.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
