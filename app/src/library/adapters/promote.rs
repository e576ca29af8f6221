//! Which adapter answers: let in by the gate, by force, or back again.

use anyhow::Result;
use finetune::gate::Verdict;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::evaluation::Evaluation;
use super::service::on_server;
use super::{AdapterDetails, AdapterList};
use crate::catalog::{AdapterAction, AdapterChange, AdapterRecord};
use crate::error::{Fault, Problem};
use crate::library::Library;
use crate::library::feedback::check;
use crate::models::answerer::Answerer;

/// What to promote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PromoteRequest {
    /// An adapter's id or a start of it, a run's name, or the absolute path of a folder. Over HTTP the
    /// address names it.
    #[schema(ignore)]
    pub adapter: String,
    /// Not to be worse is enough.
    pub tolerant: bool,
    /// Whatever the gate says; `reason` must say why.
    pub force: bool,
    /// Why.
    pub reason: Option<String>,
    /// Who says so.
    pub by: Option<String>,
}

/// Who wants the adapter before back, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RollbackRequest {
    /// Why.
    pub reason: Option<String>,
    /// Who says so.
    pub by: Option<String>,
}

impl Library {
    /// Lets an adapter answer from now on, without a restart; answers that have begun finish as they
    /// began.
    ///
    /// # Errors
    /// As [`register_adapter`](Self::register_adapter); a problem `reason_missing`,
    /// `adapter_in_service`, `adapter_base_differs`, `adapter_not_evaluated`, `evaluation_outdated`,
    /// `not_enough_evidence` or `adapter_not_better`.
    pub async fn promote_adapter(&self, request: &PromoteRequest) -> Result<AdapterDetails> {
        let by = check::name(request.by.as_deref())?;
        let reason = check::note(request.reason.as_deref())?;
        if request.force && reason.is_none() {
            return Err(Problem::new(
                Fault::Usage,
                "reason_missing",
                "an adapter is only promoted by force for a reason",
                "say why, with --reason TEXT; it is kept",
            )
            .into());
        }
        if let Answerer::Server(_) = &self.answerer {
            return Err(on_server().into());
        }
        let record = self.register_adapter(&request.adapter).await?;
        let _one = self.adapting.lock().await;
        self.check_base(&record).await?;
        let before = self.catalog.adapter_in_service().await?.map(|one| one.id);
        if before.as_ref() == Some(&record.id) {
            return Err(super::in_service(&record).into());
        }
        let action = match request.force {
            true => AdapterAction::Forced,
            false => {
                let (serving, _) = self.serving_now().await?;
                gate(&record, serving.as_deref(), request.tolerant)?;
                AdapterAction::Promoted
            }
        };
        let commit = async {
            let id = Some(record.id.as_str());
            let done = self
                .catalog
                .put_in_service(id, before.as_deref(), action, &by, reason.as_deref())
                .await?;
            committed(done)
        };
        self.swap(Some(&record.id), commit).await?;
        self.adapter(&record.id).await
    }

    /// Brings back what answered before the last promotion that still holds. Returns what is there
    /// then.
    ///
    /// # Errors
    /// A problem `nothing_to_roll_back`, or where the adapter before cannot be used.
    pub async fn rollback_adapter(&self, request: &RollbackRequest) -> Result<AdapterList> {
        let by = check::name(request.by.as_deref())?;
        let reason = check::note(request.reason.as_deref())?;
        let _one = self.adapting.lock().await;
        let Some(current) = self.catalog.adapter_in_service().await? else {
            return Err(Problem::new(
                Fault::Conflict,
                "nothing_to_roll_back",
                "no adapter was promoted that answers now",
                "`lectern finetune adapters list` shows what answers",
            )
            .into());
        };
        let known: Vec<String> = self
            .catalog
            .adapters()
            .await?
            .into_iter()
            .map(|one| one.id)
            .collect();
        let history = self.catalog.adapter_history().await?;
        let back = before_the_last(&history, &known);
        let commit = async {
            let done = self
                .catalog
                .put_in_service(
                    back.as_deref(),
                    Some(&current.id),
                    AdapterAction::RolledBack,
                    &by,
                    reason.as_deref(),
                )
                .await?;
            committed(done)
        };
        match &self.answerer {
            Answerer::Server(_) => commit.await?,
            _ => self.swap(back.as_deref(), commit).await?,
        }
        self.adapters().await
    }
}

fn committed(done: bool) -> Result<()> {
    match done {
        true => Ok(()),
        false => Err(Problem::new(
            Fault::Conflict,
            "adapter_changed",
            "another adapter was promoted or deleted meanwhile",
            "look at `lectern finetune adapters list` and try again",
        )
        .into()),
    }
}

/// What answered before the one that does now: promotions are put on top of each other, and rolling
/// back takes the top one away. What was deleted since is passed over.
fn before_the_last(history: &[AdapterChange], known: &[String]) -> Option<String> {
    let mut stack: Vec<&Option<String>> = Vec::new();
    for change in history {
        match change.action {
            AdapterAction::RolledBack => drop(stack.pop()),
            AdapterAction::Promoted | AdapterAction::Forced => stack.push(&change.adapter),
        }
    }
    stack.pop();
    stack
        .into_iter()
        .rev()
        .flatten()
        .find(|id| known.contains(id))
        .cloned()
}

/// Whether the gate lets an adapter in, in place of what answers.
fn gate(record: &AdapterRecord, serving: Option<&str>, tolerant: bool) -> Result<(), Problem> {
    let id = &record.id;
    let anyway = "or promote it with --force --reason TEXT";
    let Some(evaluation) = &record.evaluation else {
        return Err(Problem::new(
            Fault::Conflict,
            "adapter_not_evaluated",
            format!("the adapter {id} was not evaluated"),
            format!("run `lectern finetune evaluate {id}` first, {anyway}"),
        ));
    };
    if evaluation.against.adapter.as_deref() != serving {
        let name = |adapter: Option<&str>| {
            adapter.map_or("the model without an adapter".to_owned(), |id| {
                format!("the adapter {id}")
            })
        };
        return Err(Problem::new(
            Fault::Conflict,
            "evaluation_outdated",
            format!(
                "the adapter {id} was compared with {}, and {} answers now",
                name(evaluation.against.adapter.as_deref()),
                name(serving)
            ),
            format!("run `lectern finetune evaluate {id}` again, {anyway}"),
        ));
    }
    decided(id, evaluation, tolerant, anyway)
}

fn decided(id: &str, evaluation: &Evaluation, tolerant: bool, anyway: &str) -> Result<(), Problem> {
    match evaluation.verdict {
        Verdict::Better => Ok(()),
        Verdict::NotEnoughEvidence => Err(Problem::new(
            Fault::Conflict,
            "not_enough_evidence",
            format!(
                "not enough evidence, {} more questions needed: the adapter {id} was asked {}",
                evaluation.needed, evaluation.n
            ),
            format!(
                "{}; {anyway}",
                evaluation.how_to_get_more().unwrap_or_default()
            ),
        )),
        Verdict::NotBetter if tolerant && evaluation.not_worse => Ok(()),
        Verdict::NotBetter => {
            let hint = match evaluation.not_worse && !tolerant {
                true => format!("it is not worse either: --tolerant promotes it, {anyway}"),
                false => format!("train on more or better data, {anyway}"),
            };
            Err(Problem::new(
                Fault::Conflict,
                "adapter_not_better",
                format!(
                    "the adapter {id} is not better than what answers: {}",
                    evaluation.reasons.join("; ")
                ),
                hint,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: AdapterAction, adapter: Option<&str>) -> AdapterChange {
        AdapterChange {
            at: String::new(),
            by: String::new(),
            action,
            adapter: adapter.map(str::to_owned),
            before: None,
            note: None,
        }
    }

    #[test]
    fn rolling_back_twice_goes_two_promotions_back() {
        use AdapterAction::{Forced, Promoted, RolledBack};
        let known: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let mut history = vec![
            change(Promoted, Some("a")),
            change(Forced, Some("b")),
            change(Promoted, Some("c")),
        ];
        assert_eq!(before_the_last(&history, &known).as_deref(), Some("b"));
        history.push(change(RolledBack, Some("b")));
        assert_eq!(before_the_last(&history, &known).as_deref(), Some("a"));
        // What was deleted is passed over.
        assert_eq!(
            before_the_last(&history[..3], &known[..1]).as_deref(),
            Some("a")
        );
        history.push(change(RolledBack, Some("a")));
        assert_eq!(before_the_last(&history, &known), None);
        history.push(change(Promoted, Some("c")));
        assert_eq!(before_the_last(&history, &known).as_deref(), Some("a"));
        assert_eq!(before_the_last(&[], &known), None);
    }
}
