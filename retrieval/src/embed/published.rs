//! Models that fastembed knows: where their graphs are published and how they are to be read.

use fastembed::{EmbeddingModel as Known, TextEmbedding, TextRerank};

use crate::onnx::Pooling;

/// A model with a published graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// fastembed's name of it, such as `BGESmallENV15`.
    pub name: String,
    /// `owner/name` on the model hub.
    pub repository: String,
    /// The graph in the repository.
    pub graph: String,
    /// Further files that the graph needs.
    pub tensor_files: Vec<String>,
    /// Length of a vector; 0 for a reranker.
    pub dimension: usize,
    /// Which vector stands for a text.
    pub pooling: Pooling,
}

/// The embedders.
pub fn published() -> Vec<Published> {
    TextEmbedding::list_supported_models()
        .into_iter()
        .map(|info| Published {
            name: format!("{:?}", info.model),
            pooling: pooling(&info.model),
            repository: info.model_code,
            graph: info.model_file,
            tensor_files: info.additional_files,
            dimension: info.dim,
        })
        .collect()
}

/// The rerankers.
pub fn published_rerankers() -> Vec<Published> {
    TextRerank::list_supported_models()
        .into_iter()
        .map(|info| Published {
            name: format!("{:?}", info.model),
            repository: info.model_code,
            graph: info.model_file,
            tensor_files: info.additional_files,
            dimension: 0,
            pooling: Pooling::Cls,
        })
        .collect()
}

fn pooling(model: &Known) -> Pooling {
    match TextEmbedding::get_default_pooling_method(model) {
        Some(fastembed::Pooling::Mean) => Pooling::Mean,
        Some(fastembed::Pooling::Cls) | None => Pooling::Cls,
    }
}
