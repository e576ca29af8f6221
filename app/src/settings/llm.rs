//! The server that answers, where it is not the model in this process: the settings `llm.*`.

use std::time::Duration;

use super::Values;
use super::parse::{invalid, within};
use crate::error::Problem;
use crate::models::server::{Address, Key, ServerConfig};

/// The settings, parsed: the server, where one is named, and whether quotes take its place when
/// it fails.
pub(super) fn parse(values: &Values) -> Result<(Option<ServerConfig>, bool), Problem> {
    let timeout = Duration::from_secs(within(values, "llm.timeout_seconds", 1, 3600)? as u64);
    let retries = within(values, "llm.retries", 0, 10)? as u32;
    let (text, origin) = &values["llm.fallback"];
    let falls_back = match text.trim() {
        "error" => false,
        "extractive" => true,
        _ => return Err(invalid("llm.fallback", text, origin, "error or extractive")),
    };
    let (key, origin) = &values["llm.api_key"];
    let api_key = match key.trim() {
        "" => None,
        key => Some(Key::parse(key).map_err(|reason| {
            invalid(
                "llm.api_key",
                "…",
                origin,
                &format!("the server's key: {reason}"),
            )
        })?),
    };
    let (model, model_origin) = &values["llm.model"];
    let model = Some(model.trim()).filter(|model| !model.is_empty());
    let (url, origin) = &values["llm.url"];
    let server = match (url.trim(), model) {
        ("", None) => None,
        ("", Some(model)) => {
            return Err(invalid(
                "llm.model",
                model,
                model_origin,
                "llm.url too: it names the server that has the model",
            ));
        }
        // What is wrong may be a password in it, so the value is not repeated.
        (url, model) => Some(ServerConfig {
            address: Address::parse(url).map_err(|reason| {
                invalid(
                    "llm.url",
                    "…",
                    origin,
                    &format!("an address such as http://localhost:11434 ({reason})"),
                )
            })?,
            api_key,
            model: model.map(str::to_owned),
            timeout,
            retries,
        }),
    };
    Ok((server, falls_back))
}
