//! From texts to the values that the program works with. Every setting is read here or in a file beside
//! this one, and one that is wrong is told with where it came from.

use std::path::PathBuf;
use std::str::FromStr;

use retrieval::onnx::Precision;

use super::known::KNOWN;
use super::{AdapterChoice, Entry, Origin, SECRETS, Settings, Values, dense, llm};
use crate::error::{Fault, Problem};

pub(super) fn parse(values: &Values) -> Result<Settings, Problem> {
    let folder = |key: &'static str| -> Result<PathBuf, Problem> {
        let (text, origin) = &values[key];
        if text.is_empty() {
            return Err(invalid(key, text, origin, "a folder"));
        }
        std::path::absolute(text).map_err(|_| invalid(key, text, origin, "a folder"))
    };
    let mut chunk = ingest::chunk::ChunkConfig {
        max_tokens: within(values, "chunk.max_tokens", 32, 510)?,
        overlap_tokens: within(values, "chunk.overlap_tokens", 0, 200)?,
    };
    // Whoever asks for short chunks alone gets an overlap to match.
    if values["chunk.overlap_tokens"].1 == Origin::Default {
        chunk.overlap_tokens = chunk.overlap_tokens.min(chunk.max_tokens / 7);
    }
    if chunk.overlap_tokens * 2 > chunk.max_tokens {
        let (text, origin) = &values["chunk.overlap_tokens"];
        return Err(invalid(
            "chunk.overlap_tokens",
            text,
            origin,
            "at most half of chunk.max_tokens",
        ));
    }
    let (embedder, embedder_origin) = &values["embedder"];
    if embedder.trim().is_empty() {
        return Err(invalid(
            "embedder",
            embedder,
            embedder_origin,
            "a name that `lectern models list` shows, or a folder",
        ));
    }
    let (precision, precision_origin) = &values["embedding.precision"];
    let (token, token_origin) = &values["token"];
    if !token.is_empty() && token.len() < 16 {
        return Err(invalid(
            "token",
            "…",
            token_origin,
            "at least 16 characters, so that it cannot be guessed",
        ));
    }
    let (language, language_origin) = &values["ocr.language"];
    let is_language = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_/".contains(c))
    };
    if !language.split('+').all(is_language) {
        return Err(invalid(
            "ocr.language",
            language,
            language_origin,
            "names that `tesseract --list-langs` shows, joined by +",
        ));
    }
    let entries = KNOWN
        .iter()
        .map(|known| {
            let (value, origin) = &values[known.key];
            let secret = SECRETS.contains(&known.key) && !value.is_empty();
            Entry {
                key: known.key,
                value: if secret {
                    "(set, not shown)".into()
                } else {
                    value.clone()
                },
                origin: origin.to_string(),
                meaning: known.meaning,
            }
        })
        .collect();
    let (llm, llm_falls_back) = llm::parse(values)?;
    Ok(Settings {
        data_dir: folder("data_dir")?,
        models_dir: folder("models_dir")?,
        offline: flag(values, "offline")?,
        addr: parsed(
            values,
            "addr",
            "an address with a port, such as 127.0.0.1:8080",
        )?,
        token: (!token.is_empty()).then(|| token.clone()),
        allowed_hosts: values["allowed_hosts"]
            .0
            .split(',')
            .map(|host| host.trim().to_ascii_lowercase())
            .filter(|host| !host.is_empty())
            .collect(),
        max_upload_bytes: within(values, "max_upload_mb", 1, 4096)? as u64 * (1 << 20),
        top_k: within(values, "top_k", 1, 100)?,
        embedder: embedder.trim().to_owned(),
        embedding_precision: match precision.trim() {
            "int8" => Precision::Int8,
            "float32" => Precision::Float32,
            _ => {
                return Err(invalid(
                    "embedding.precision",
                    precision,
                    precision_origin,
                    "int8 or float32",
                ));
            }
        },
        embedding_backend: parsed(values, "embedding.backend", "auto, onnx or candle")?,
        embedding_threads: Some(within(values, "embedding.threads", 0, 256)?)
            .filter(|threads| *threads > 0),
        search_fusion: match values["search.fusion"].0.trim() {
            "convex" => retrieval::Fusion::Convex,
            "rrf" => retrieval::Fusion::Rrf,
            _ => {
                let (text, origin) = &values["search.fusion"];
                return Err(invalid("search.fusion", text, origin, "convex or rrf"));
            }
        },
        search_reranker: values["search.reranker"].0.trim().to_owned(),
        search_rerank: flag(values, "search.rerank")?,
        chunk,
        reader_memory_bytes: within(values, "reader.memory_mb", 256, 65536)? as u64 * (1 << 20),
        reader_seconds: within(values, "reader.seconds", 1, 86400)? as u64,
        ocr_enabled: flag(values, "ocr.enabled")?,
        self_evaluation: flag(values, "answer.self_evaluation")?,
        ocr_language: language.clone(),
        ocr_tesseract: Some(&values["ocr.tesseract"].0)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        answerer: answerer(values)?,
        answer_adapter: adapter_choice(values)?,
        answer_max_tokens: within(values, "answer.max_tokens", 8, 4096)?,
        answer_evidence_tokens: within(values, "answer.evidence_tokens", 50, 4000)?,
        answer_precision: answer_precision(values)?,
        llm,
        llm_falls_back,
        openai_sources: flag(values, "openai.sources")?,
        runs_dir: match values["training.runs_dir"].0.is_empty() {
            true => folder("data_dir")?.join("runs"),
            false => folder("training.runs_dir")?,
        },
        training_is_idle: match values["training.priority"].0.trim() {
            "idle" => true,
            "normal" => false,
            _ => {
                let (text, origin) = &values["training.priority"];
                return Err(invalid("training.priority", text, origin, "idle or normal"));
            }
        },
        dense: dense::parse(values)?,
        reader_program: None,
        entries,
    })
}

pub(super) fn flag(values: &Values, key: &'static str) -> Result<bool, Problem> {
    let (text, origin) = &values[key];
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(invalid(key, text, origin, "true or false")),
    }
}

pub(super) fn within(
    values: &Values,
    key: &'static str,
    low: usize,
    high: usize,
) -> Result<usize, Problem> {
    let wanted = format!("a whole number from {low} to {high}");
    let number: usize = parsed(values, key, &wanted)?;
    if (low..=high).contains(&number) {
        Ok(number)
    } else {
        let (text, origin) = &values[key];
        Err(invalid(key, text, origin, &wanted))
    }
}

fn answerer(values: &Values) -> Result<String, Problem> {
    let (text, origin) = &values["answerer"];
    match text.trim() {
        "" => Err(invalid(
            "answerer",
            text,
            origin,
            "a name that `lectern models list` shows, or a GGUF file",
        )),
        named => Ok(named.to_owned()),
    }
}

fn adapter_choice(values: &Values) -> Result<AdapterChoice, Problem> {
    const KEY: &str = "answer.adapter";
    let (text, origin) = &values[KEY];
    let wanted = "auto, none, built-in, or the folder of an adapter";
    match text.trim() {
        "auto" => Ok(AdapterChoice::Auto),
        "none" => Ok(AdapterChoice::None),
        "built-in" => Ok(AdapterChoice::BuiltIn),
        "" => Err(invalid(KEY, text, origin, wanted)),
        folder => match std::path::absolute(folder) {
            Ok(folder) if folder.is_dir() => Ok(AdapterChoice::Folder(folder)),
            _ => Err(invalid(KEY, text, origin, wanted)),
        },
    }
}

fn answer_precision(values: &Values) -> Result<f32, Problem> {
    const KEY: &str = "answer.precision";
    let wanted = "a share from 0 (refuse nothing) to 0.99, such as 0.9";
    let share: f32 = parsed(values, KEY, wanted)?;
    if (0.0..=0.99).contains(&share) {
        Ok(share)
    } else {
        let (text, origin) = &values[KEY];
        Err(invalid(KEY, text, origin, wanted))
    }
}

fn parsed<T: FromStr>(values: &Values, key: &'static str, wanted: &str) -> Result<T, Problem> {
    let (text, origin) = &values[key];
    text.trim()
        .parse()
        .map_err(|_| invalid(key, text, origin, wanted))
}

pub(super) fn invalid(key: &str, value: &str, origin: &Origin, wanted: &str) -> Problem {
    Problem::new(
        Fault::Usage,
        "setting_invalid",
        format!("the setting {key} = {value:?} (from {origin}) is not valid"),
        format!("give {wanted}"),
    )
}
