//! The tensors of a safetensors file, by name, as float32.

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device};

/// What is wrong with a file, to be told with its folder.
pub(super) type Reason = String;

/// Tensors of a file in memory.
pub(super) struct Weights<'a> {
    file: SliceSafetensors<'a>,
    /// What stands before the encoder's names: nothing, or `bert.` where a head is beside it.
    prefix: String,
}

/// A linear layer: `weight` is `(inputs, outputs)`, row by row, so that a row vector is multiplied
/// from the left.
pub(super) struct Linear {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl<'a> Weights<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Reason> {
        let file = SliceSafetensors::new(bytes)
            .map_err(|error| format!("model.safetensors is damaged: {error}"))?;
        const EMBEDDINGS: &str = "embeddings.word_embeddings.weight";
        let prefix = file
            .tensors()
            .iter()
            .find_map(|(name, _)| name.strip_suffix(EMBEDDINGS).map(str::to_owned))
            .ok_or_else(|| format!("model.safetensors has no {EMBEDDINGS}"))?;
        Ok(Self { file, prefix })
    }

    /// A tensor of the encoder, flat, which must have that shape.
    pub(super) fn tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, Reason> {
        self.named(&format!("{}{name}", self.prefix), dims)
    }

    /// A tensor of a head, flat, which must have that shape.
    pub(super) fn named(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, Reason> {
        let name = self.known_as(name);
        let tensor = self
            .file
            .load(&name, &Device::Cpu)
            .map_err(|_| format!("model.safetensors has no {name}"))?;
        if tensor.dims() != dims {
            return Err(format!(
                "{name} has the shape {:?} where config.json means {dims:?}",
                tensor.dims()
            ));
        }
        tensor
            .to_dtype(DType::F32)
            .and_then(|tensor| tensor.flatten_all()?.to_vec1())
            .map_err(|error| format!("{name}: {error}"))
    }

    /// Length of a head's first axis.
    pub(super) fn rows(&self, name: &str) -> Option<usize> {
        self.file
            .get(name)
            .ok()
            .and_then(|tensor| tensor.shape().first().copied())
    }

    /// A linear layer of the encoder.
    pub(super) fn linear(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Linear, Reason> {
        self.named_linear(&format!("{}{name}", self.prefix), inputs, outputs)
    }

    /// A linear layer of a head.
    pub(super) fn named_linear(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Linear, Reason> {
        let published = self.named(&format!("{name}.weight"), &[outputs, inputs])?;
        let mut weight = vec![0.0; published.len()];
        for (output, row) in published.chunks_exact(inputs).enumerate() {
            for (input, &value) in row.iter().enumerate() {
                weight[input * outputs + output] = value;
            }
        }
        Ok(Linear {
            inputs,
            outputs,
            weight,
            bias: self.named(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// TensorFlow's names for a layer norm's weights are still found in old files.
    fn known_as(&self, name: &str) -> String {
        if self.file.get(name).is_err() {
            for (ours, theirs) in [(".weight", ".gamma"), (".bias", ".beta")] {
                if let Some(stem) = name.strip_suffix(ours) {
                    let old = format!("{stem}{theirs}");
                    if self.file.get(&old).is_ok() {
                        return old;
                    }
                }
            }
        }
        name.to_owned()
    }
}

impl Linear {
    /// Layers of the same input as one, their outputs side by side.
    pub(super) fn beside(layers: &[Linear]) -> Linear {
        let inputs = layers[0].inputs;
        let outputs = layers.iter().map(|layer| layer.outputs).sum();
        let mut weight = Vec::with_capacity(inputs * outputs);
        for input in 0..inputs {
            for layer in layers {
                let start = input * layer.outputs;
                weight.extend_from_slice(&layer.weight[start..start + layer.outputs]);
            }
        }
        Linear {
            inputs,
            outputs,
            weight,
            bias: layers
                .iter()
                .flat_map(|layer| layer.bias.iter().copied())
                .collect(),
        }
    }
}
