//! Every failure that a person or a script sees: what failed, why, and what to do about it.
//!
//! Libraries return their own enums; `app` adds context with `anyhow`. At the edge,
//! [`Problem::from_error`] finds who is at fault, and that decides both the exit code and the
//! HTTP status.

use serde::{Deserialize, Serialize};

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The call is wrong: a flag, a setting, a malformed request.
    Usage,
    /// The input is wrong: an unreadable file, a question too long.
    Input,
    /// What was named does not exist.
    NotFound,
    /// More than the limit.
    TooLarge,
    /// Not allowed: Host, Origin or CSRF token.
    Forbidden,
    /// A token is needed.
    Unauthorized,
    /// There is something at that address, but not for that HTTP method.
    MethodNotAllowed,
    /// Another process or job is in the way.
    Conflict,
    /// The body of a request is of a kind that is not read.
    UnsupportedMedia,
    /// Something outside is missing: a model, the network.
    Unavailable,
    /// The machine or Lectern itself.
    Machine,
}

impl Fault {
    /// Exit code of the command line: 2 wrong use, 1 all else.
    pub fn exit_code(self) -> u8 {
        match self {
            Fault::Usage | Fault::MethodNotAllowed | Fault::UnsupportedMedia => 2,
            _ => 1,
        }
    }

    /// HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Fault::Usage => 400,
            Fault::Unauthorized => 401,
            Fault::Forbidden => 403,
            Fault::NotFound => 404,
            Fault::MethodNotAllowed => 405,
            Fault::Conflict => 409,
            Fault::TooLarge => 413,
            Fault::UnsupportedMedia => 415,
            Fault::Input => 422,
            Fault::Machine => 500,
            Fault::Unavailable => 503,
        }
    }
}

/// A failure as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Problem {
    /// Who is at fault.
    pub fault: Fault,
    /// Stable name for scripts.
    pub code: String,
    /// What failed on which thing, and why.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Problem {
    /// A failure with its three parts.
    pub fn new(
        fault: Fault,
        code: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            fault,
            code: code.to_owned(),
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Finds the most telling error of a chain and what it means for the person.
    pub fn from_error(error: &anyhow::Error) -> Self {
        let message = format!("{error:#}");
        for cause in error.chain() {
            if let Some(problem) = cause.downcast_ref::<Problem>() {
                // Context that was added around the problem says on which thing it failed.
                return if message.ends_with(&problem.message) && message != problem.message {
                    Problem {
                        message,
                        ..problem.clone()
                    }
                } else {
                    problem.clone()
                };
            }
            if let Some(error) = cause.downcast_ref::<ingest::Error>() {
                let fault = match error {
                    ingest::Error::Worker(_) => Fault::Machine,
                    _ => Fault::Input,
                };
                return Problem::new(fault, error.code(), message, error.hint());
            }
            if let Some(error) = cause.downcast_ref::<retrieval::Error>() {
                return from_retrieval(error, message);
            }
            if let Some(error) = cause.downcast_ref::<finetune::Error>() {
                return from_training(error, message);
            }
            if let Some(error) = cause.downcast_ref::<generation::Error>() {
                return from_generation(error, message);
            }
            if cause.downcast_ref::<sqlx::Error>().is_some() {
                return Problem::new(
                    Fault::Machine,
                    "catalog_failed",
                    message,
                    "run `lectern doctor`; check that the disk is not full and that the data folder can be written",
                );
            }
            if cause.downcast_ref::<std::io::Error>().is_some() {
                return Problem::new(
                    Fault::Machine,
                    "io_failed",
                    message,
                    "check that the path exists, that you may read and write it, and that the disk is not full",
                );
            }
        }
        Problem::new(
            Fault::Machine,
            "internal",
            message,
            "this is a fault in Lectern; run again with LECTERN_LOG=debug and report what it prints",
        )
    }
}

fn from_retrieval(error: &retrieval::Error, message: String) -> Problem {
    match error {
        retrieval::Error::Model { .. } => Problem::new(
            Fault::Unavailable,
            "embedder_unusable",
            message,
            "for a model that Lectern fetched, delete that folder and run `lectern models pull`; for \
             a folder of yours, see docs/embedding.md",
        ),
        retrieval::Error::Onnx(_) => Problem::new(
            Fault::Unavailable,
            "onnx_unusable",
            message,
            "run `lectern models pull onnxruntime`, name a library in ORT_DYLIB_PATH, or set \
             LECTERN_EMBEDDING_BACKEND=candle",
        ),
        retrieval::Error::Dense(_) | retrieval::Error::Lexical(_) => Problem::new(
            Fault::Machine,
            "index_failed",
            message,
            "run `lectern reindex`: indexes are rebuilt from the catalog, nothing is lost",
        ),
        retrieval::Error::Unavailable { .. } => Problem::new(
            Fault::Unavailable,
            "index_unreachable",
            message,
            "start that server, or unset LECTERN_QDRANT_URL to keep vectors in the data folder",
        ),
        _ => Problem::new(
            Fault::Machine,
            "search_failed",
            message,
            "run `lectern doctor`",
        ),
    }
}

fn from_training(error: &finetune::Error, message: String) -> Problem {
    let (fault, code) = match error {
        finetune::Error::Config(_) => (Fault::Usage, "training_settings_invalid"),
        finetune::Error::Diverged { .. } => (Fault::Input, "training_diverged"),
        finetune::Error::Run { .. } => (Fault::Machine, "run_unusable"),
        finetune::Error::Generation(_) => (Fault::Input, "base_unusable"),
        finetune::Error::Compute(_) => (Fault::Machine, "training_failed"),
        _ => (Fault::Input, "training_data_unusable"),
    };
    // Several problems with settings have a hint each, and stay together.
    let one = match error {
        finetune::Error::Config(problems) => problems.len() == 1,
        _ => true,
    };
    match message.rsplit_once("; hint: ") {
        Some((message, hint)) if one => {
            let message = message.replace(":\n  ", ": ");
            Problem::new(fault, code, message, hint)
        }
        _ => Problem::new(fault, code, message, "see docs/training.md"),
    }
}

fn from_generation(error: &generation::Error, message: String) -> Problem {
    match error {
        generation::Error::Model { .. } => Problem::new(
            Fault::Unavailable,
            "answerer_unusable",
            message,
            "delete that file and run `lectern models pull`",
        ),
        generation::Error::Adapter { .. } => Problem::new(
            Fault::Unavailable,
            "adapter_unusable",
            message,
            "see docs/decoder.md for what an adapter's folder holds",
        ),
        generation::Error::TooLong { .. } => Problem::new(
            Fault::Input,
            "prompt_too_long",
            message,
            "ask a shorter question",
        ),
        generation::Error::Retrieval(error) => from_retrieval(error, message),
        generation::Error::Backend(error) => match error.downcast_ref::<Problem>() {
            Some(problem) => problem.clone(),
            None => Problem::new(
                Fault::Unavailable,
                "llm_failed",
                message,
                "run `lectern doctor`",
            ),
        },
        _ => Problem::new(
            Fault::Machine,
            "generation_failed",
            message,
            "run `lectern doctor`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn context_is_kept_and_the_cause_decides() {
        let error = Err::<(), _>(ingest::Error::Empty)
            .context("reading a.pdf")
            .unwrap_err();
        let problem = Problem::from_error(&error);
        assert_eq!(problem.code, "empty_file");
        assert_eq!(problem.message, "reading a.pdf: the file is empty");
        assert_eq!(problem.fault.exit_code(), 1);

        let usage = Problem::new(Fault::Usage, "bad_flag", "no such mode", "use hybrid");
        let error = anyhow::Error::from(usage.clone()).context("search");
        assert_eq!(Problem::from_error(&error).message, "search: no such mode");
        assert_eq!(Problem::from_error(&error).fault.exit_code(), 2);
    }
}
