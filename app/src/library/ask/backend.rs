//! What becomes of a question where the server that should answer fails.
//!
//! It fails too, and says why: who chose a model wants to know that it is not there. With the
//! setting `llm.fallback = extractive` it gets quotes and a warning instead.

use std::sync::Arc;

use anyhow::Result;
use generation::answer::{self, Event, Request};
use generation::evidence::Sources;
use generation::{Answered, Error, Generator};

use crate::error::Problem;
use crate::library::Library;

impl Library {
    /// The model that writes the answer; none where it cannot be had and quotes may take its
    /// place, and then `warnings` says so.
    pub(super) async fn writer(
        &self,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Arc<dyn Generator>>> {
        match self.generator().await {
            Err(error) if self.settings.llm.is_some() && self.settings.llm_falls_back => {
                warnings.push(instead(&Problem::from_error(&error)));
                Ok(None)
            }
            found => {
                let found = found?;
                warnings.extend(self.adapter_warning().await);
                Ok(Some(found))
            }
        }
    }
}

/// [`answer::answer`]; where the model's server fails and `falls_back`, with quotes, and
/// `warnings` says so.
pub(super) fn answer(
    request: &Request,
    sources: &Sources,
    generator: Option<&dyn Generator>,
    falls_back: bool,
    warnings: &mut Vec<String>,
    on_event: &mut dyn FnMut(Event) -> bool,
) -> generation::Result<Answered> {
    match answer::answer(request, sources, generator, on_event) {
        Err(error @ Error::Backend(_)) if falls_back => {
            warnings.push(instead(&Problem::from_error(&error.into())));
            // The evidence was told already.
            answer::answer(request, sources, None, &mut |_| true)
        }
        answered => answered,
    }
}

fn instead(problem: &Problem) -> String {
    format!(
        "quotes stand in for the model's answer: {}; hint: {}",
        problem.message, problem.hint
    )
}
