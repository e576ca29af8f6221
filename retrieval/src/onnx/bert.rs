//! The graph of a BERT-family encoder (Devlin et al., 2019), RoBERTa's and DistilBERT's variants
//! included: embeddings, then layers of attention and feed-forward, each with a layer norm after
//! the sum with its input.
//!
//! In int8, each matrix product quantises its input as it comes. One scale for a whole input, as
//! `DynamicQuantizeLinear` finds it, is what ONNX Runtime fuses into one operation, and serves for
//! attention's two products. Those of the feed-forward get a scale for each token: a few tokens,
//! `[CLS]` and `[SEP]` before all, have values many times those of the others, in the layer norm
//! before and in what comes out of GELU. Over passages of 254 tokens this moves the worst cosine
//! to float32 from 0.988 to 0.997, at no measurable cost.

use serde::Deserialize;

use super::graph::{Argument, Graph, Value, axis, size};
use super::int8;
use super::proto::{ModelProto, element};
use super::weights::{Linear, Reason, Weights};
use super::{Head, Pooling, Precision};

/// Which names a family gives to the weights, and how it counts positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Bert,
    /// Positions start after the padding token's number.
    Roberta,
    /// No token types.
    DistilBert,
}

/// `config.json`, as far as it shapes the graph. DistilBERT has names of its own.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    model_type: String,
    #[serde(alias = "dim")]
    hidden_size: usize,
    #[serde(alias = "n_layers")]
    num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    num_attention_heads: usize,
    #[serde(alias = "hidden_dim")]
    intermediate_size: usize,
    #[serde(alias = "activation", default = "gelu")]
    hidden_act: String,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default)]
    type_vocab_size: usize,
    #[serde(default = "layer_norm_eps")]
    layer_norm_eps: f32,
    #[serde(default)]
    pad_token_id: i64,
    #[serde(default)]
    position_embedding_type: Option<String>,
    /// What a classifier reads: `cls`, the first token, or `mean`, that of all tokens.
    #[serde(default)]
    classifier_pooling: Option<String>,
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn layer_norm_eps() -> f32 {
    1e-12
}

impl Config {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Reason> {
        let about: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| format!("config.json: {error}"))?;
        let kind = about["model_type"].as_str().unwrap_or_default();
        family(kind)?;
        let config: Config =
            serde_json::from_value(about).map_err(|error| format!("config.json: {error}"))?;
        let heads = config.num_attention_heads;
        if heads == 0 || config.hidden_size == 0 || !config.hidden_size.is_multiple_of(heads) {
            return Err(format!(
                "config.json: {} dimensions cannot be shared by {heads} heads",
                config.hidden_size
            ));
        }
        if let Some(kind) = &config.position_embedding_type
            && kind != "absolute"
        {
            return Err(format!("config.json: {kind} positions are not known here"));
        }
        if let Some(pooling) = &config.classifier_pooling
            && !["cls", "mean"].contains(&pooling.as_str())
        {
            return Err(format!(
                "config.json: {pooling} is no way of pooling that is known here"
            ));
        }
        Ok(config)
    }
}

fn family(kind: &str) -> Result<Family, Reason> {
    match kind {
        "bert" | "" => Ok(Family::Bert),
        "roberta" | "xlm-roberta" | "camembert" => Ok(Family::Roberta),
        "distilbert" => Ok(Family::DistilBert),
        other => Err(format!(
            "its architecture `{other}` is not of the BERT family (bert, roberta, xlm-roberta, \
             camembert, distilbert)"
        )),
    }
}

/// The whole model.
pub(super) fn graph(
    config: &Config,
    weights: &Weights<'_>,
    head: Head,
    precision: Precision,
) -> Result<ModelProto, Reason> {
    let mut writer = Writer {
        graph: Graph::default(),
        config,
        weights,
        family: family(&config.model_type)?,
        precision,
    };
    let ids = writer.graph.input("input_ids");
    let mask = writer.graph.input("attention_mask");
    let types = writer.graph.input("token_type_ids");
    let mut states = writer.embeddings(&ids, &mask, &types)?;
    let keys = writer.graph.op(
        "Cast",
        &[&mask],
        &[Argument::Int("to", element::INT32.into())],
    );
    for layer in 0..config.num_hidden_layers {
        states = writer.layer(layer, &states, &keys)?;
    }
    match head {
        Head::Embedding(pooling) => writer.embedding(&states, &mask, pooling),
        Head::Classification => writer.classification(&states, &mask)?,
    }
    Ok(writer.graph.into_model("encoder"))
}

struct Writer<'a> {
    graph: Graph,
    config: &'a Config,
    weights: &'a Weights<'a>,
    family: Family,
    precision: Precision,
}

/// An input of matrix products, quantised once for all of them.
enum Input {
    Float(Value),
    /// Bytes, scale and zero point of the whole.
    Whole(Value, Value, Value),
    /// Bytes around 128 and a scale for each token.
    Rows(Value, Value),
}

impl Writer<'_> {
    fn embeddings(&mut self, ids: &Value, mask: &Value, types: &Value) -> Result<Value, Reason> {
        let width = self.config.hidden_size;
        let words = self.weights.tensor(
            "embeddings.word_embeddings.weight",
            &[self.config.vocab_size, width],
        )?;
        let mut sum = self.look_up_words(&words, ids);

        let places = self.config.max_position_embeddings;
        let table = self
            .weights
            .tensor("embeddings.position_embeddings.weight", &[places, width])?;
        let table = self.graph.floats(&[places, width], &table);
        let positions = match self.family {
            Family::Roberta => {
                let along = self.graph.ints(&[1]);
                let counted = self.graph.op("CumSum", &[mask, &along], &[]);
                let counted = self.graph.op("Mul", &[&counted, mask], &[]);
                let first = self.graph.ints(&[self.config.pad_token_id]);
                let place = self.graph.op("Add", &[&counted, &first], &[]);
                self.graph.op("Gather", &[&table, &place], &[])
            }
            Family::Bert | Family::DistilBert => {
                let shape = self.graph.op("Shape", &[ids], &[]);
                let (zero, one) = (self.graph.ints(&[0]), self.graph.ints(&[1]));
                let length = self.graph.op("Gather", &[&shape, &one], &[]);
                self.graph.op("Slice", &[&table, &zero, &length], &[])
            }
        };
        if self.family != Family::DistilBert && self.config.type_vocab_size > 0 {
            let kinds = self.config.type_vocab_size;
            let table = self
                .weights
                .tensor("embeddings.token_type_embeddings.weight", &[kinds, width])?;
            let table = self.graph.floats(&[kinds, width], &table);
            let kind = self.graph.op("Gather", &[&table, types], &[]);
            sum = self.graph.op("Add", &[&sum, &kind], &[]);
        }
        let sum = self.graph.op("Add", &[&sum, &positions], &[]);
        self.layer_norm(&sum, "embeddings.LayerNorm")
    }

    /// The table of words is two thirds of a small model: bytes keep it small in memory too.
    fn look_up_words(&mut self, words: &[f32], ids: &Value) -> Value {
        let (rows, width) = (self.config.vocab_size, self.config.hidden_size);
        if self.precision == Precision::Float32 {
            let table = self.graph.floats(&[rows, width], words);
            return self.graph.op("Gather", &[&table, ids], &[]);
        }
        let quantised = int8::by_row(words, width);
        let table = self.graph.bytes(&[rows, width], &quantised.values);
        let scales = self.graph.floats(&[rows, 1], &quantised.scales);
        let levels = self.graph.op("Gather", &[&table, ids], &[]);
        let levels = self.as_float(&levels);
        let scale = self.graph.op("Gather", &[&scales, ids], &[]);
        self.graph.op("Mul", &[&levels, &scale], &[])
    }

    fn layer(&mut self, index: usize, states: &Value, keys: &Value) -> Result<Value, Reason> {
        let (width, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let base = match self.family {
            Family::DistilBert => format!("transformer.layer.{index}"),
            _ => format!("encoder.layer.{index}"),
        };
        let named = |bert: &str, distilbert: &str| match self.family {
            Family::DistilBert => format!("{base}.{distilbert}"),
            _ => format!("{base}.{bert}"),
        };
        let projections = [
            ("attention.self.query", "attention.q_lin"),
            ("attention.self.key", "attention.k_lin"),
            ("attention.self.value", "attention.v_lin"),
        ]
        .map(|(bert, distilbert)| self.weights.linear(&named(bert, distilbert), width, width));
        let [query, key, value] = projections;
        let projection = Linear::beside(&[query?, key?, value?]);
        let joining = named("attention.output.dense", "attention.out_lin");
        let after_attention = named("attention.output.LayerNorm", "sa_layer_norm");
        let widening = named("intermediate.dense", "ffn.lin1");
        let narrowing = named("output.dense", "ffn.lin2");
        let after_all = named("output.LayerNorm", "output_layer_norm");

        let input = self.whole(states);
        let projected = self.product(&input, &projection);
        let split = self.graph.ints(&[width as i64; 3]);
        let parts = self.graph.op_many(
            "Split",
            &[&projected, &split],
            3,
            &[Argument::Int("axis", 2)],
        );
        let bias = self.graph.floats(&[3 * width], &projection.bias);
        let attended = self.graph.contrib(
            "MultiHeadAttention",
            &[&parts[0], &parts[1], &parts[2], &bias, keys],
            &[Argument::Int(
                "num_heads",
                self.config.num_attention_heads as i64,
            )],
        );
        let input = self.whole(&attended);
        let joined = self.linear(&input, &self.weights.linear(&joining, width, width)?);
        let sum = self.graph.op("Add", &[&joined, states], &[]);
        let states = self.layer_norm(&sum, &after_attention)?;

        let input = self.rows(&states);
        let widened = self.linear(&input, &self.weights.linear(&widening, width, inner)?);
        let activated = self.activation(&widened)?;
        let input = self.rows(&activated);
        let narrowed = self.linear(&input, &self.weights.linear(&narrowing, inner, width)?);
        let sum = self.graph.op("Add", &[&narrowed, &states], &[]);
        self.layer_norm(&sum, &after_all)
    }

    fn embedding(&mut self, states: &Value, mask: &Value, pooling: Pooling) {
        let width = self.config.hidden_size;
        let pooled = match pooling {
            Pooling::Cls => self.first_token(states),
            // The sum has the mean's direction, and its length is lost below.
            Pooling::Mean => self.sum_of_tokens(states, mask),
        };
        let axes = [Argument::Ints("axes", &[1]), Argument::Int("keepdims", 1)];
        let length = self.graph.op("ReduceL2", &[&pooled], &axes);
        let smallest = self.graph.float(1e-12);
        let length = self.graph.op("Max", &[&length, &smallest], &[]);
        let unit = self.graph.op("Div", &[&pooled, &length], &[]);
        self.graph
            .output("sentence_embedding", &unit, &[axis("batch"), size(width)]);
        let axes = [axis("batch"), axis("sequence"), size(width)];
        self.graph.output("token_embeddings", states, &axes);
    }

    /// The sum of the states of all tokens but padding, `(batch, width)`.
    fn sum_of_tokens(&mut self, states: &Value, mask: &Value) -> Value {
        let mask = self.as_float(mask);
        let last = self.graph.ints(&[2]);
        let mask = self.graph.op("Unsqueeze", &[&mask, &last], &[]);
        let kept = self.graph.op("Mul", &[states, &mask], &[]);
        let along = self.graph.ints(&[1]);
        let keep = [Argument::Int("keepdims", 0)];
        self.graph.op("ReduceSum", &[&kept, &along], &keep)
    }

    /// Their mean.
    fn mean_of_tokens(&mut self, states: &Value, mask: &Value) -> Value {
        let sum = self.sum_of_tokens(states, mask);
        let mask = self.as_float(mask);
        let along = self.graph.ints(&[1]);
        let keep = [Argument::Int("keepdims", 1)];
        let count = self.graph.op("ReduceSum", &[&mask, &along], &keep);
        self.graph.op("Div", &[&sum, &count], &[])
    }

    /// The classifiers of `BertForSequenceClassification` and its relatives: two layers over the
    /// first token or, where `config.json` says so, over the mean of all; tanh between them, ReLU in
    /// DistilBERT's.
    fn classification(&mut self, states: &Value, mask: &Value) -> Result<(), Reason> {
        let width = self.config.hidden_size;
        let last = match self.family {
            Family::Roberta => "classifier.out_proj",
            Family::Bert | Family::DistilBert => "classifier",
        };
        let labels = self
            .weights
            .rows(&format!("{last}.weight"))
            .ok_or_else(|| {
                format!("model.safetensors has no {last}.weight: it is no classifier")
            })?;
        let first = match self.family {
            Family::Bert => self.weights.linear("pooler.dense", width, width)?,
            Family::Roberta => self
                .weights
                .named_linear("classifier.dense", width, width)?,
            Family::DistilBert => self.weights.named_linear("pre_classifier", width, width)?,
        };
        let last = self.weights.named_linear(last, width, labels)?;
        let pooled = match self.config.classifier_pooling.as_deref() {
            Some("mean") => self.mean_of_tokens(states, mask),
            _ => self.first_token(states),
        };
        let inner = self.linear(&Input::Float(pooled), &first);
        let bend = match self.family {
            Family::DistilBert => "Relu",
            Family::Bert | Family::Roberta => "Tanh",
        };
        let inner = Input::Float(self.graph.op(bend, &[&inner], &[]));
        let logits = self.linear(&inner, &last);
        self.graph
            .output("logits", &logits, &[axis("batch"), size(labels)]);
        Ok(())
    }

    fn first_token(&mut self, states: &Value) -> Value {
        let zero = self.graph.ints(&[0]);
        let first = self
            .graph
            .op("Gather", &[states, &zero], &[Argument::Int("axis", 1)]);
        let along = self.graph.ints(&[1]);
        self.graph.op("Squeeze", &[&first, &along], &[])
    }

    fn layer_norm(&mut self, input: &Value, name: &str) -> Result<Value, Reason> {
        let width = self.config.hidden_size;
        let weight = self.weights.tensor(&format!("{name}.weight"), &[width])?;
        let bias = self.weights.tensor(&format!("{name}.bias"), &[width])?;
        let weight = self.graph.floats(&[width], &weight);
        let bias = self.graph.floats(&[width], &bias);
        Ok(self.graph.op(
            "LayerNormalization",
            &[input, &weight, &bias],
            &[
                Argument::Int("axis", -1),
                Argument::Float("epsilon", self.config.layer_norm_eps),
            ],
        ))
    }

    fn activation(&mut self, input: &Value) -> Result<Value, Reason> {
        let (half, one) = (self.graph.float(0.5), self.graph.float(1.0));
        let bent = match self.config.hidden_act.as_str() {
            "relu" => return Ok(self.graph.op("Relu", &[input], &[])),
            "gelu" => {
                let root = self.graph.float(std::f32::consts::SQRT_2);
                let scaled = self.graph.op("Div", &[input, &root], &[]);
                self.graph.op("Erf", &[&scaled], &[])
            }
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => {
                let (three, cubic) = (self.graph.float(3.0), self.graph.float(0.044_715));
                let root = self.graph.float((2.0 / std::f32::consts::PI).sqrt());
                let cube = self.graph.op("Pow", &[input, &three], &[]);
                let cube = self.graph.op("Mul", &[&cube, &cubic], &[]);
                let sum = self.graph.op("Add", &[input, &cube], &[]);
                let sum = self.graph.op("Mul", &[&sum, &root], &[]);
                self.graph.op("Tanh", &[&sum], &[])
            }
            other => {
                return Err(format!(
                    "config.json: the activation {other} is not known here"
                ));
            }
        };
        let bent = self.graph.op("Add", &[&bent, &one], &[]);
        let whole = self.graph.op("Mul", &[input, &bent], &[]);
        Ok(self.graph.op("Mul", &[&whole, &half], &[]))
    }

    fn as_float(&mut self, value: &Value) -> Value {
        let to = [Argument::Int("to", element::FLOAT.into())];
        self.graph.op("Cast", &[value], &to)
    }

    /// An input with one scale.
    fn whole(&mut self, input: &Value) -> Input {
        if self.precision == Precision::Float32 {
            return Input::Float(input.clone());
        }
        let mut parts = self
            .graph
            .op_many("DynamicQuantizeLinear", &[input], 3, &[]);
        let (zero, scale, bytes) = (parts.pop(), parts.pop(), parts.pop());
        Input::Whole(
            bytes.unwrap_or_default(),
            scale.unwrap_or_default(),
            zero.unwrap_or_default(),
        )
    }

    /// An input with a scale for each token.
    fn rows(&mut self, input: &Value) -> Input {
        if self.precision == Precision::Float32 {
            return Input::Float(input.clone());
        }
        let magnitude = self.graph.op("Abs", &[input], &[]);
        let axes = [Argument::Ints("axes", &[-1]), Argument::Int("keepdims", 1)];
        let largest = self.graph.op("ReduceMax", &[&magnitude], &axes);
        let level = self.graph.float(1.0 / 127.0);
        let scale = self.graph.op("Mul", &[&largest, &level], &[]);
        let smallest = self.graph.float(1e-12);
        let scale = self.graph.op("Max", &[&scale, &smallest], &[]);
        let inverse = self.graph.op("Reciprocal", &[&scale], &[]);
        let scaled = self.graph.op("Mul", &[input, &inverse], &[]);
        // Conversion cuts off, so half is added to round.
        let middle = self.graph.float(128.5);
        let shifted = self.graph.op("Add", &[&scaled, &middle], &[]);
        let to = [Argument::Int("to", element::UINT8.into())];
        Input::Rows(self.graph.op("Cast", &[&shifted], &to), scale)
    }

    fn linear(&mut self, input: &Input, layer: &Linear) -> Value {
        let product = self.product(input, layer);
        let bias = self.graph.floats(&[layer.outputs], &layer.bias);
        self.graph.op("Add", &[&product, &bias], &[])
    }

    /// A layer without its bias.
    fn product(&mut self, input: &Input, layer: &Linear) -> Value {
        let dims = [layer.inputs, layer.outputs];
        match input {
            Input::Float(input) => {
                let weight = self.graph.floats(&dims, &layer.weight);
                self.graph.op("MatMul", &[input, &weight], &[])
            }
            Input::Whole(bytes, scale, zero) => {
                let (weight, scales) = self.quantised(layer);
                let sum = self.graph.op("MatMulInteger", &[bytes, &weight, zero], &[]);
                let sum = self.as_float(&sum);
                let scale = self.graph.op("Mul", &[scale, &scales], &[]);
                self.graph.op("Mul", &[&sum, &scale], &[])
            }
            Input::Rows(bytes, scale) => {
                let (weight, scales) = self.quantised(layer);
                let (one, zero) = (self.graph.float(1.0), self.graph.unsigned(128));
                // It knows one scale for its input, so that of each token is applied after.
                let sum = self.graph.contrib(
                    "MatMulIntegerToFloat",
                    &[bytes, &weight, &one, &scales, &zero],
                    &[],
                );
                self.graph.op("Mul", &[&sum, scale], &[])
            }
        }
    }

    /// A layer's weight in bytes, and the scales of its columns.
    fn quantised(&mut self, layer: &Linear) -> (Value, Value) {
        let quantised = int8::by_column(layer, int8::levels());
        let dims = [layer.inputs, layer.outputs];
        let weight = self.graph.bytes(&dims, &quantised.values);
        let scales = self.graph.floats(&[layer.outputs], &quantised.scales);
        (weight, scales)
    }
}
