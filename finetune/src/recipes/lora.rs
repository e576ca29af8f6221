//! LoRA (Hu et al., 2021, <https://arxiv.org/abs/2106.09685>): a low-rank adapter over frozen
//! weights in f32 or bf16.

use generation::chat::ChatFormat;
use generation::decoder::{Decoder, Precision};

use super::{adapter_to_train, read_data, to_keep_to};
use crate::backward::{Keeper, Pass, accumulate};
use crate::config::BasePrecision;
use crate::evaluate::{evaluate, samples};
use crate::session::Session;
use crate::{Result, RunFolder, Summary, TrainConfig, Watch};

/// Trains an adapter and writes it to the run's folder.
///
/// # Errors
/// [`crate::Error`] with what kept it from being trained.
pub fn run(config: &TrainConfig, run: &RunFolder, watch: &mut Watch<'_>) -> Result<Summary> {
    let precision = match config.precision {
        BasePrecision::F32 => Precision::F32,
        BasePrecision::Bf16 => Precision::Bf16,
    };
    let chat = ChatFormat::from_gguf(&config.base)?;
    let base = Decoder::from_gguf(&config.base, precision)?;
    let (train, held_out) = read_data(config, &chat, base.config().context, watch)?;
    run.record_data(&train, held_out.as_ref())?;

    let adapter = adapter_to_train(config, run, &base, chat.name())?;
    let model = base.with_adapter(&adapter)?;
    let before = to_keep_to(config, run, &base, &train)?;
    let keeper = before.as_ref().map(|model| Keeper {
        model,
        share: config.self_distillation as f32,
    });

    let mut session = Session::start(config, run, &train, &chat, adapter.variables(), watch)?;
    'training: loop {
        if let (true, Some(data)) = (session.evaluation_is_due(), &held_out) {
            let go_on = &mut || session.goes_on();
            let Some(evaluation) = evaluate(&model, data, config.eval_examples, go_on)? else {
                break;
            };
            let samples = samples(&model, &chat, data, config.samples)?;
            session.evaluated(&evaluation, &samples)?;
        }
        session.save_if_due()?;
        let Some(step) = session.next_step() else {
            break;
        };
        let mut gradients = session.gradients();
        let mut losses = 0.0;
        for (which, batch) in step.batches.iter().enumerate() {
            let pass = Pass {
                keeper,
                ..session.pass(&step, which)
            };
            let loss = accumulate(&model, batch, pass, &mut gradients)?;
            losses += loss;
            if !session.check(&step, batch, loss)? {
                break 'training;
            }
        }
        session.update(&step, losses, &gradients)?;
    }
    let summary = session.finish()?;
    adapter.save(&run.adapter())?;
    Ok(summary)
}
