//! Writes a graph node by node: each call names the value that it makes.

use super::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute, element,
};

/// ONNX Runtime's own operators.
const CONTRIB: &str = "com.microsoft";
/// Operator set of the standard ones.
const OPSET: i64 = 17;
/// Version of the file format that goes with it.
const IR_VERSION: i64 = 8;

/// The name of a value in a graph.
pub(super) type Value = String;

/// A graph being written.
#[derive(Default)]
pub(super) struct Graph {
    graph: GraphProto,
    named: usize,
}

/// A constant argument of a node.
pub(super) enum Argument<'a> {
    Int(&'a str, i64),
    Ints(&'a str, &'a [i64]),
    Float(&'a str, f32),
}

impl Graph {
    /// Adds an operation of the standard set with one result.
    pub(super) fn op(
        &mut self,
        kind: &str,
        inputs: &[&Value],
        arguments: &[Argument<'_>],
    ) -> Value {
        self.node("", kind, inputs, 1, arguments).swap_remove(0)
    }

    /// Adds an operation of the standard set with several results.
    pub(super) fn op_many(
        &mut self,
        kind: &str,
        inputs: &[&Value],
        outputs: usize,
        arguments: &[Argument<'_>],
    ) -> Vec<Value> {
        self.node("", kind, inputs, outputs, arguments)
    }

    /// Adds an operation of ONNX Runtime's own set with one result.
    pub(super) fn contrib(
        &mut self,
        kind: &str,
        inputs: &[&Value],
        arguments: &[Argument<'_>],
    ) -> Value {
        self.node(CONTRIB, kind, inputs, 1, arguments)
            .swap_remove(0)
    }

    fn node(
        &mut self,
        domain: &str,
        kind: &str,
        inputs: &[&Value],
        outputs: usize,
        arguments: &[Argument<'_>],
    ) -> Vec<Value> {
        let name = self.fresh(kind);
        let output: Vec<Value> = (0..outputs)
            .map(|index| match outputs {
                1 => name.clone(),
                _ => format!("{name}_{index}"),
            })
            .collect();
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.clone()).collect(),
            output: output.clone(),
            name,
            op_type: kind.to_owned(),
            attribute: arguments.iter().map(Argument::to_proto).collect(),
            domain: domain.to_owned(),
        });
        output
    }

    /// Adds a constant of floats.
    pub(super) fn floats(&mut self, dims: &[usize], values: &[f32]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.constant(element::FLOAT, dims, bytes.collect())
    }

    /// Adds one float.
    pub(super) fn float(&mut self, value: f32) -> Value {
        self.floats(&[], &[value])
    }

    /// Adds a constant of 64-bit integers along one axis.
    pub(super) fn ints(&mut self, values: &[i64]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.constant(element::INT64, &[values.len()], bytes.collect())
    }

    /// Adds a constant of signed bytes.
    pub(super) fn bytes(&mut self, dims: &[usize], values: &[i8]) -> Value {
        let bytes = values.iter().map(|&value| value.cast_unsigned());
        self.constant(element::INT8, dims, bytes.collect())
    }

    /// Adds one unsigned byte.
    pub(super) fn unsigned(&mut self, value: u8) -> Value {
        self.constant(element::UINT8, &[], vec![value])
    }

    fn constant(&mut self, data_type: i32, dims: &[usize], raw_data: Vec<u8>) -> Value {
        let name = self.fresh("constant");
        self.graph.initializer.push(TensorProto {
            dims: dims.iter().map(|&size| size as i64).collect(),
            data_type,
            name: name.clone(),
            raw_data,
        });
        name
    }

    /// Declares an input of `(batch, sequence)` 64-bit integers.
    pub(super) fn input(&mut self, name: &str) -> Value {
        let axes = [axis("batch"), axis("sequence")];
        self.graph
            .input
            .push(value_info(name, element::INT64, &axes));
        name.to_owned()
    }

    /// Gives a value its name as a result of floats; axes are a size, or a name where they vary.
    pub(super) fn output(&mut self, name: &str, value: &Value, axes: &[DimensionProto]) {
        self.graph.node.push(NodeProto {
            input: vec![value.clone()],
            output: vec![name.to_owned()],
            name: format!("{name}_output"),
            op_type: "Identity".to_owned(),
            ..NodeProto::default()
        });
        self.graph
            .output
            .push(value_info(name, element::FLOAT, axes));
    }

    /// The file.
    pub(super) fn into_model(mut self, name: &str) -> ModelProto {
        name.clone_into(&mut self.graph.name);
        let opset = |domain: &str, version| OperatorSetIdProto {
            domain: domain.to_owned(),
            version,
        };
        ModelProto {
            ir_version: IR_VERSION,
            producer_name: "lectern".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.graph),
            opset_import: vec![opset("", OPSET), opset(CONTRIB, 1)],
        }
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.named += 1;
        format!("{kind}_{}", self.named)
    }
}

impl Argument<'_> {
    fn to_proto(&self) -> AttributeProto {
        match *self {
            Argument::Int(name, value) => AttributeProto {
                name: name.to_owned(),
                i: Some(value),
                kind: attribute::INT,
                ..AttributeProto::default()
            },
            Argument::Ints(name, values) => AttributeProto {
                name: name.to_owned(),
                ints: values.to_vec(),
                kind: attribute::INTS,
                ..AttributeProto::default()
            },
            Argument::Float(name, value) => AttributeProto {
                name: name.to_owned(),
                f: Some(value),
                kind: attribute::FLOAT,
                ..AttributeProto::default()
            },
        }
    }
}

/// An axis whose size varies.
pub(super) fn axis(name: &str) -> DimensionProto {
    DimensionProto {
        value: None,
        name: Some(name.to_owned()),
    }
}

/// An axis of fixed size.
pub(super) fn size(value: usize) -> DimensionProto {
    DimensionProto {
        value: Some(value as i64),
        name: None,
    }
}

fn value_info(name: &str, element: i32, axes: &[DimensionProto]) -> ValueInfoProto {
    ValueInfoProto {
        name: name.to_owned(),
        kind: Some(TypeProto {
            tensor: Some(TensorTypeProto {
                element,
                shape: Some(TensorShapeProto { dim: axes.to_vec() }),
            }),
        }),
    }
}
