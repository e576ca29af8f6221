//! The table of codes in `docs/api.md` against the codes that the sources give.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use app::error::Fault;

/// Sources whose problems no request over HTTP meets.
const ELSEWHERE: &[&str] = &[
    "bench",
    "cli",
    "control",
    "eval",
    "mcp",
    "openai",
    "settings",
    "settings.rs",
    "tests.rs",
    "zotero.rs",
];
/// Problems that keep a server from starting.
const AT_START: &[&str] = &["address_unavailable", "folder_in_use", "token_required"];

type Codes = BTreeMap<String, BTreeSet<u16>>;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn the_table_of_codes_is_complete() {
    let mut given = Codes::new();
    sources(&root().join("app/src"), &mut given);
    let errors = std::fs::read_to_string(root().join("ingest/src/error.rs")).unwrap();
    let codes = errors.split("fn code(").nth(1).unwrap();
    for code in codes
        .split("fn ")
        .next()
        .unwrap()
        .split('"')
        .skip(1)
        .step_by(2)
    {
        let status = match code {
            "reader_unavailable" => Fault::Machine,
            _ => Fault::Input,
        };
        given
            .entry(code.to_owned())
            .or_default()
            .insert(status.status());
    }
    // Named after the parameter of a search that is wrong.
    for name in ["mode", "rerank", "expand"] {
        given
            .entry(format!("{name}_invalid"))
            .or_default()
            .insert(400);
    }
    given.retain(|code, _| !AT_START.contains(&code.as_str()));

    let docs = std::fs::read_to_string(root().join("docs/api.md")).unwrap();
    let table = docs
        .split("## Codes")
        .nth(1)
        .expect("docs/api.md has a table of codes");
    let mut listed = Codes::new();
    for line in table.lines().filter_map(|line| line.strip_prefix("| `")) {
        let mut cells = line.split('|');
        let code = cells.next().unwrap().trim().trim_end_matches('`');
        let statuses = cells.next().unwrap().split(',');
        let statuses = statuses.map(|status| status.trim().parse().unwrap());
        listed.insert(code.to_owned(), statuses.collect());
        assert!(
            cells.next().unwrap().trim().len() > 10,
            "{code} is not explained"
        );
    }
    assert_eq!(listed, given, "left: docs/api.md; right: the sources");
}

fn sources(folder: &Path, given: &mut Codes) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if ELSEWHERE.contains(&name) {
            continue;
        }
        if path.is_dir() {
            sources(&path, given);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            problems(text.split("#[cfg(test)]").next().unwrap(), given);
        }
    }
}

/// The codes of problems: the first string after a fault, as in
/// `Problem::new(Fault::Usage, "code", ...)`.
fn problems(text: &str, given: &mut Codes) {
    for rest in text.split("Fault::").skip(1) {
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (fault, after) = rest.split_at(end);
        let code = after
            .strip_prefix(',')
            .and_then(|after| after.trim_start().strip_prefix('"'));
        if let Some(code) = code.and_then(|code| code.split('"').next()) {
            let status = fault_named(fault).status();
            given.entry(code.to_owned()).or_default().insert(status);
        }
    }
    // What a model server does wrong goes through a function that adds the fault.
    for code in text
        .split("\"llm_")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
    {
        let status = Fault::Unavailable.status();
        given
            .entry(format!("llm_{}", code.0))
            .or_default()
            .insert(status);
    }
}

fn fault_named(name: &str) -> Fault {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    serde_json::from_value(snake.into()).unwrap_or_else(|_| panic!("no fault {name}"))
}
