//! A reranker: the first layers of a small BERT, trained to add to the ranking of our own search
//! ([`crate::reranker`]).
//!
//! The base is the weights of a BERT folder, such as the embedder's, and the data are lists of
//! passages ([`crate::reranker::lists`]). All of the layers are trained; the tables of words and
//! positions stay.

use std::path::Path;

use retrieval::cross_encoder::{DEPTH, PairTokenizer, Residual};
use retrieval::onnx::{self, Head, Precision};

use crate::evaluate::Evaluation;
use crate::reranker::encoder::RerankerModel;
use crate::reranker::lists::Lists;
use crate::reranker::loss;
use crate::session::Session;
use crate::watch::Event;
use crate::{Error, Result, RunFolder, Summary, TrainConfig, Watch};

/// Trains a reranker and writes it to the run's folder, with its graph in int8.
///
/// # Errors
/// [`crate::Error`] with what kept it from being trained.
pub fn run(config: &TrainConfig, run: &RunFolder, watch: &mut Watch<'_>) -> Result<Summary> {
    let folder = config.base.parent().unwrap_or(Path::new("."));
    let unusable = |error: retrieval::Error| Error::run(folder, error);
    let model = RerankerModel::load(folder, config.layers, config.seed)?;
    let max_length = config.max_length.min(model.context());
    if max_length < config.max_length {
        (watch.on_event)(&Event::Warning(format!(
            "the model reads {max_length} tokens at most, so max_length is taken to be that"
        )));
    }
    let tokenizer = PairTokenizer::load(folder, max_length).map_err(unusable)?;
    let read = |path: &Path| Lists::read(path, &tokenizer, config.passages);
    let train = read(&config.train)?;
    let held_out = match config.eval.as_os_str().is_empty() {
        true => None,
        false => Some(read(&config.eval)?),
    };
    let held_out_data = held_out.as_ref().map(|lists| &lists.dataset);
    run.record_data(&train.dataset, held_out_data)?;

    let scale = loss::fit_scale(&train.lists);
    let distillation = config.distillation as f32;
    let data = &train.dataset;
    let mut session = Session::start(config, run, data, &tokenizer, model.variables(), watch)?;
    'training: loop {
        if let (true, Some(lists)) = (session.evaluation_is_due(), &held_out) {
            let go_on = &mut || session.goes_on();
            let Some(evaluation) = evaluate(&model, lists, config.eval_examples, scale, go_on)?
            else {
                break;
            };
            session.evaluated(&evaluation, &[])?;
        }
        session.save_if_due()?;
        let Some(step) = session.next_step() else {
            break;
        };
        let mut gradients = session.gradients();
        let mut losses = 0.0;
        for (which, batch) in step.batches.iter().enumerate() {
            let weight = f64::from(session.pass(&step, which).weight);
            let mut sum = 0.0;
            // One list at a time: no list is padded for another, and memory holds one.
            for list in batch.lines.iter().filter_map(|line| train.of_line(*line)) {
                let logits = model.logits(&list.pairs)?;
                let loss = loss::of_list(&logits, list, scale, distillation)?;
                sum += f64::from(loss.to_scalar::<f32>()?);
                gradients.take(&mut (loss * weight)?.backward()?)?;
            }
            losses += sum;
            if !session.check(&step, batch, sum)? {
                break 'training;
            }
        }
        session.update(&step, losses, &gradients)?;
    }
    let summary = session.finish()?;
    let residual = Residual {
        scale,
        depth: DEPTH,
        max_length,
    };
    model.save(&run.model(), &residual)?;
    let (head, precision) = (Head::Classification, Precision::Int8);
    let graph = run.model().join(onnx::file_name(head, precision));
    onnx::write(&run.model(), &graph, head, precision).map_err(unusable)?;
    Ok(summary)
}

/// How well the answers of `count` held-out lists, spread over them, are foretold; all for 0. What
/// keeps the model near the ranking is no measure of that, so it does not count here.
fn evaluate(
    model: &RerankerModel,
    held_out: &Lists,
    count: usize,
    scale: f32,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<Evaluation>> {
    let lists = &held_out.lists;
    let stride = match count {
        0 => 1,
        count => lists.len().div_ceil(count),
    };
    let (mut total, mut examples) = (0.0, 0);
    for list in lists.iter().step_by(stride) {
        if !go_on() {
            return Ok(None);
        }
        let logits = model.logits(&list.pairs)?.detach();
        let loss = loss::of_list(&logits, list, scale, 0.0)?;
        total += f64::from(loss.to_scalar::<f32>()?);
        examples += 1;
    }
    Ok(Some(Evaluation {
        loss: total / f64::from(examples.max(1) as u32),
        tokens: examples,
        examples,
    }))
}
