//! Linear layers `y = x W^T` over weights in different formats, behind one small trait.
//!
//! A frozen layer needs one thing of its backward pass, the gradient of its input, `grad W`. candle's
//! own matmul computes the gradient of the weight as well, which is as dear and thrown away, and its
//! `QMatMul` stops gradients; so the differentiable forward is an operation of ours that keeps
//! nothing but a reference to the weights. Weights in a packed format are unpacked for the forward
//! pass and again for the backward pass, one layer at a time.

use std::fmt::Debug;
use std::sync::Arc;

use candle_core::backend::BackendStorage;
use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, DType, Device, Layout, Module, Result, Shape, Storage, Tensor,
};

use super::Kernels;

/// A layer `y = x W^T`.
pub trait Linear: Debug + Send + Sync {
    /// Multiplies `x` `(tokens, in)`; returns `(tokens, out)`, in f32. Gradients pass unless
    /// `kernels` is [`Kernels::Fused`].
    ///
    /// # Errors
    /// A shape that does not fit.
    fn forward(&self, x: &Tensor, kernels: Kernels) -> Result<Tensor>;

    /// The weights `(out, in)` in f32, unpacked where they are packed, an adapter's share included.
    ///
    /// # Errors
    /// Those of the conversion.
    fn weight(&self) -> Result<Tensor>;

    /// Some rows of the weights, `(rows, in)` in f32, by their numbers (u32): an embedding's look-up.
    /// Gradients reach weights that are variables.
    ///
    /// # Errors
    /// A row that is not there.
    fn rows(&self, rows: &Tensor) -> Result<Tensor> {
        self.weight()?.index_select(rows, 0)
    }

    /// `(out, in)`.
    fn shape(&self) -> (usize, usize);

    /// Memory that the weights hold, in bytes.
    fn bytes(&self) -> usize;
}

/// Multiplies by frozen weights; the way back is `grad W`.
pub(super) fn frozen(weights: impl Linear + Clone + 'static, x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Frozen(weights))
}

struct Frozen<W>(W);

impl<W: Linear> CustomOp1 for Frozen<W> {
    fn name(&self) -> &'static str {
        "lectern-frozen-linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let weight = self.0.weight()?;
        let shape = Shape::from((layout.shape().dims2()?.0, weight.dim(0)?));
        Ok((multiply_transposed(x, layout, &weight)?, shape))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(grad.matmul(&self.0.weight()?)?))
    }
}

/// `x w^T` for `x` `(tokens, in)` and `w` `(out, in)`, without a copy of either.
pub(super) fn multiply_transposed(
    x: &CpuStorage,
    layout: &Layout,
    weight: &Tensor,
) -> Result<CpuStorage> {
    let (tokens, width) = layout.shape().dims2()?;
    let (rows, columns) = weight.dims2()?;
    if width != columns {
        candle_core::bail!("{width} numbers can't be multiplied by weights for {columns}")
    }
    let (storage, weight_layout) = weight.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        candle_core::bail!("the decoder runs on the CPU only")
    };
    let transposed = weight_layout.transpose(0, 1)?;
    x.matmul(storage, (1, tokens, rows, width), layout, &transposed)
}

/// Weights as they are, in f32 or bf16.
#[derive(Debug, Clone)]
pub struct Dense {
    weight: Tensor,
}

impl Dense {
    /// From weights `(out, in)` in f32 or bf16; other floats become f32. A variable gets gradients.
    ///
    /// # Errors
    /// Weights that are no matrix.
    pub fn new(weight: Tensor) -> Result<Self> {
        weight.dims2()?;
        let weight = match weight.dtype() {
            DType::F32 | DType::BF16 => weight,
            _ => weight.to_dtype(DType::F32)?,
        };
        Ok(Self { weight })
    }
}

impl Linear for Dense {
    fn forward(&self, x: &Tensor, kernels: Kernels) -> Result<Tensor> {
        match kernels {
            Kernels::Fused => x.matmul(&self.weight()?.detach().t()?),
            _ if self.weight.is_variable() => x.contiguous()?.apply_op2(&self.weight, Trained),
            _ => frozen(self.clone(), x),
        }
    }

    fn weight(&self) -> Result<Tensor> {
        self.weight.to_dtype(DType::F32)
    }

    fn rows(&self, rows: &Tensor) -> Result<Tensor> {
        self.weight.index_select(rows, 0)?.to_dtype(DType::F32)
    }

    fn shape(&self) -> (usize, usize) {
        self.weight.dims2().unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        self.weight.elem_count() * self.weight.dtype().size_in_bytes()
    }
}

/// Multiplication by weights that are trained as well.
struct Trained;

impl CustomOp2 for Trained {
    fn name(&self) -> &'static str {
        "lectern-trained-linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (tokens, width) = x_layout.shape().dims2()?;
        let (rows, columns) = weight_layout.shape().dims2()?;
        if width != columns {
            candle_core::bail!("{width} numbers can't be multiplied by weights for {columns}")
        }
        let transposed = weight_layout.transpose(0, 1)?;
        let out = x.matmul(weight, (1, tokens, rows, width), x_layout, &transposed)?;
        Ok((out, Shape::from((tokens, rows))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad_x = x
            .track_op()
            .then(|| grad.matmul(&weight.detach()))
            .transpose()?;
        Ok((grad_x, Some(grad.t()?.matmul(&x.detach())?)))
    }
}

/// Weights in one of GGUF's block formats.
#[derive(Debug, Clone)]
pub struct Quantised {
    weight: Arc<QTensor>,
    multiply: QMatMul,
    shape: (usize, usize),
}

impl Quantised {
    /// From a matrix as a GGUF file holds it. Formats that candle multiplies one number at a time
    /// become Q8_0.
    ///
    /// # Errors
    /// Weights that are no matrix.
    pub fn new(weight: QTensor) -> Result<Self> {
        let shape = weight.shape().dims2()?;
        let weight = match crate::gguf::is_slow(weight.dtype()) {
            true => QTensor::quantize(&weight.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)?,
            false => weight,
        };
        let weight = Arc::new(weight);
        Ok(Self {
            multiply: QMatMul::from_arc(weight.clone())?,
            weight,
            shape,
        })
    }

    /// True where unpacking the weights costs less than it saves. candle has kernels for many rows at
    /// a time only where a row of weights is a multiple of 256 long (SmolLM2-135M's 576 is not), and
    /// goes through all weights for each row elsewhere.
    fn is_better_unpacked(&self, rows: usize) -> bool {
        const ROWS: usize = 16;
        const RUN: usize = 256;
        let format = self.weight.dtype();
        let has_kernel = matches!(format, GgmlDType::Q8_0 | GgmlDType::Q4K | GgmlDType::Q6K)
            && self.shape.1.is_multiple_of(RUN);
        rows >= ROWS && !has_kernel
    }

    /// The weights as they are held.
    pub fn blocks(&self) -> &QTensor {
        &self.weight
    }
}

impl Linear for Quantised {
    fn forward(&self, x: &Tensor, kernels: Kernels) -> Result<Tensor> {
        match kernels {
            Kernels::Fused if self.is_better_unpacked(x.dim(0)?) => x.matmul(&self.weight()?.t()?),
            Kernels::Fused => self.multiply.forward(&x.contiguous()?),
            _ => frozen(self.clone(), x),
        }
    }

    fn weight(&self) -> Result<Tensor> {
        self.weight.dequantize(&Device::Cpu)
    }

    fn rows(&self, rows: &Tensor) -> Result<Tensor> {
        self.weight.embedding(rows)
    }

    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    fn bytes(&self) -> usize {
        self.weight.storage_size_in_bytes()
    }
}
