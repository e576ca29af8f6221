//! Full fine-tuning: every weight, embeddings and norms too. The most that can be learnt, forgotten
//! and held in memory: weights, gradients and two moments for each, all in f32.

use candle_core::DType;
use generation::chat::ChatFormat;
use generation::decoder::merge::{GgufFormat, save_folder, save_gguf};
use generation::decoder::{Decoder, Precision};

use super::read_data;
use crate::evaluate::{evaluate, samples};
use crate::session::Session;
use crate::{Result, RunFolder, Summary, TrainConfig, Watch, backward, start};

/// Trains the model and writes it to the run's folder, as safetensors in f32 and as GGUF in Q8_0.
///
/// # Errors
/// [`crate::Error`] with what kept it from being trained.
pub fn run(config: &TrainConfig, run: &RunFolder, watch: &mut Watch<'_>) -> Result<Summary> {
    let chat = ChatFormat::from_gguf(&config.base)?;
    let base = Decoder::from_gguf(&config.base, Precision::F32)?;
    let (train, held_out) = read_data(config, &chat, base.config().context, watch)?;
    run.record_data(&train, held_out.as_ref())?;

    let base = match start::of(config, run)? {
        None => base,
        Some(adapter) => base.with_adapter(&adapter)?,
    };
    let (model, variables) = base.to_variables()?;
    // A copy of every weight that is not needed any more.
    drop(base);

    let mut session = Session::start(config, run, &train, &chat, variables, watch)?;
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
            let pass = session.pass(&step, which);
            let loss = backward::accumulate(&model, batch, pass, &mut gradients)?;
            losses += loss;
            if !session.check(&step, batch, loss)? {
                break 'training;
            }
        }
        session.update(&step, losses, &gradients)?;
    }
    let summary = session.finish()?;
    save_folder(&model, &run.model(), DType::F32)?;
    chat.save(&run.model())?;
    let gguf = run.model().join("model.gguf");
    save_gguf(&model, &config.base, &gguf, GgufFormat::Q8_0)?;
    Ok(summary)
}
