//! Makes an answer again from what was kept of it.
//!
//! What a model writes is a function of its weights, its prompt and how tokens are drawn. All of
//! these are in the [`Trace`], so the same build writes the same text. [`replay`] gives the model
//! the prompt of then, word for word, even where this version would word it otherwise, and ties
//! what it writes to the evidence of then: what differs after that is due to the model, or to how
//! this version aligns and decides.

use retrieval::Passage;

use crate::answer::{self, Event, Request};
use crate::evidence::{Evidence, Sources};
use crate::sampling::Sampling;
use crate::{Answered, Completion, Generator, Message, Result, Trace};

/// An answer that was made again.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The answer as it is made now.
    pub answered: Answered,
    /// True where this version words the prompt otherwise; the model was given the prompt of then.
    pub prompt_differs: bool,
    /// Texts of the evidence that stand in none of the passages any more.
    pub lost: Vec<String>,
}

/// Answers again from the evidence of `trace`. The passages of `sources` are those of
/// [`Trace::passages`] that there still are, in their order and under their chunk ids. The sampling
/// of then takes the place of the request's.
///
/// # Errors
/// Where running the model fails.
pub fn replay(
    request: &Request,
    trace: &Trace,
    sources: &Sources,
    generator: Option<&dyn Generator>,
    on_event: &mut dyn FnMut(Event) -> bool,
) -> Result<Replayed> {
    let request = Request {
        sampling: trace.sampling.clone(),
        extractive: trace.extractive,
        ..request.clone()
    };
    let (evidence, lost) = evidence(trace, sources.passages);
    let prompted = generator.map(|model| Prompted {
        model,
        prompt: &trace.prompt,
    });
    let answered = answer::from_evidence(
        &request,
        sources,
        &evidence,
        prompted.as_ref().map(|prompted| prompted as &dyn Generator),
        on_event,
    )?;
    let asked = &answered.trace.prompt;
    Ok(Replayed {
        prompt_differs: !asked.is_empty() && !trace.prompt.is_empty() && *asked != trace.prompt,
        answered,
        lost,
    })
}

/// The evidence of then as ranges of `passages`, and the texts that none of them holds.
fn evidence(trace: &Trace, passages: &[Passage]) -> (Vec<Evidence>, Vec<String>) {
    let mut found = Vec::new();
    let mut lost = Vec::new();
    for item in &trace.evidence {
        let place = passages
            .iter()
            .position(|passage| passage.chunk_id == item.chunk_id)
            .and_then(|index| {
                let text = &passages[index].text;
                let range = match text.get(item.start..item.end) {
                    Some(same) if same == item.text => item.start..item.end,
                    _ => {
                        let start = text.find(&item.text)?;
                        start..start + item.text.len()
                    }
                };
                Some((index, range))
            });
        match place {
            Some((passage, range)) => found.push(Evidence {
                passage,
                range,
                ..item.chosen.clone()
            }),
            None => lost.push(item.text.clone()),
        }
    }
    (found, lost)
}

/// A model that is always given the same prompt.
struct Prompted<'a> {
    model: &'a dyn Generator,
    prompt: &'a [Message],
}

impl Generator for Prompted<'_> {
    fn id(&self) -> &str {
        self.model.id()
    }

    fn adapter(&self) -> Option<&str> {
        self.model.adapter()
    }

    fn generate(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Completion> {
        // An answer that needed no model then may need one now.
        let prompt = match self.prompt {
            [] => messages,
            prompt => prompt,
        };
        self.model.generate(prompt, sampling, on_text)
    }
}
