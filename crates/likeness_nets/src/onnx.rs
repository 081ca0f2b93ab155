//! Networks as ONNX files, normalisation folded into the convolutions, for use in other runtimes.
//!
//! Operators of opset 17: `Conv`, `Relu`, `Add`, `Flatten`, `Gemm`, `Clip`, `Sigmoid`, `Reshape`. The input `images` is
//! `[batch, 3, size, size]`, values `(rgb / 255 - 0.5) / 0.5`. The format is protocol buffers, written by the few lines in
//! [`proto`].

mod proto;

use candle_core::Tensor;

use crate::bone_point::BonePointNet;
use crate::error::Result;
use crate::landmark::{LANDMARKS, LandmarkNet};
use crate::linear::Dense;
use crate::trunk::ResidualTrunk;
use proto::Message;

/// Version of the ONNX format, and of its operators.
const IR_VERSION: u64 = 8;
const OPSET: u64 = 17;

/// `elem_type` and `data_type` of f32 and i64.
const FLOAT: u64 = 1;
const INT64: u64 = 7;

impl BonePointNet {
    /// An ONNX file with the outputs `features`, `parameters` (clamped to 0..1), `expression` and `pose`, which mean what
    /// [`crate::BonePointOutput`] says.
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn to_onnx(&self) -> Result<Vec<u8>> {
        let config = self.config();
        let mut graph = Graph::new("bone_point", config.input);
        let extracted = graph.trunk(&self.trunk)?;
        let [fc1, fc2, fc3] = &self.layers;
        let features = graph.dense("fc1", fc1, &extracted, Inputs::ChannelsLast(&self.trunk))?;
        graph.output("features", &features, &[config.hidden[0]]);
        let hidden = graph.dense("fc2", fc2, &features, Inputs::Plain)?;
        let free = graph.dense("fc3", fc3, &hidden, Inputs::Plain)?;
        graph.tensor("zero", &[], &[0.0]);
        graph.tensor("one", &[], &[1.0]);
        graph.node("Clip", "clamp", &[&free, "zero", "one"], "clamped", &[]);
        graph.output("parameters", "clamped", &[config.parameters]);
        let [side1, side2] = &self.side;
        let hidden = graph.dense("side1", side1, &extracted, Inputs::ChannelsLast(&self.trunk))?;
        // Pose and expression are rows of one layer: two layers here, which spares cutting its result.
        let pose = graph.rows("pose_layer", side2, &hidden, 0..config.pose)?;
        graph.output("pose", &pose, &[config.pose]);
        let outputs = config.pose + config.expression;
        let logits = graph.rows("expression_layer", side2, &hidden, config.pose..outputs)?;
        graph.node("Sigmoid", "expression_sigmoid", &[&logits], "shown", &[]);
        graph.output("expression", "shown", &[config.expression]);
        Ok(graph.finish())
    }
}

impl LandmarkNet {
    /// An ONNX file with the output `points` `[batch, 68, 2]`, crop coordinates (0..1, y down).
    ///
    /// # Errors
    /// Only those of the tensor library.
    pub fn to_onnx(&self) -> Result<Vec<u8>> {
        let mut graph = Graph::new("landmarks", self.config().input);
        let extracted = graph.trunk(&self.trunk)?;
        let [fc1, fc2] = &self.layers;
        let hidden = graph.dense("fc1", fc1, &extracted, Inputs::ChannelsLast(&self.trunk))?;
        let points = graph.dense("fc2", fc2, &hidden, Inputs::Plain)?;
        graph.integers("shape", &[0, LANDMARKS as i64, 2]);
        graph.node("Reshape", "pairs", &[&points, "shape"], "paired", &[]);
        graph.output("points", "paired", &[LANDMARKS, 2]);
        Ok(graph.finish())
    }
}

/// In which order a layer's inputs come.
enum Inputs<'a> {
    /// As the layer has them.
    Plain,
    /// The layer has a trunk's features channels last; ONNX flattens them channels first.
    ChannelsLast(&'a ResidualTrunk),
}

/// A graph under construction. Results carry the name of what made them.
struct Graph {
    message: Message,
    outputs: Vec<(String, String, Vec<usize>)>,
    name: &'static str,
    input: usize,
}

impl Graph {
    fn new(name: &'static str, input: usize) -> Self {
        Self { message: Message::default(), outputs: Vec::new(), name, input }
    }

    /// Adds a node with attributes of whole numbers; its result has the given name.
    fn node(&mut self, kind: &str, name: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[i64])]) {
        let mut node = Message::default();
        inputs.iter().for_each(|input| node.text(1, input));
        node.text(2, output);
        node.text(3, name);
        node.text(4, kind);
        for (name, values) in attributes {
            let mut attribute = Message::default();
            attribute.text(1, name);
            // `i` with type INT, or `ints` with type INTS.
            if let [value] = values {
                attribute.number(3, *value as u64);
                attribute.number(20, 2);
            } else {
                values.iter().for_each(|&value| attribute.number(8, value as u64));
                attribute.number(20, 7);
            }
            node.message(5, &attribute);
        }
        self.message.message(1, &node);
    }

    fn tensor(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, dims, FLOAT, &bytes);
    }

    fn integers(&mut self, name: &str, values: &[i64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, &[values.len()], INT64, &bytes);
    }

    fn initializer(&mut self, name: &str, dims: &[usize], kind: u64, bytes: &[u8]) {
        let mut tensor = Message::default();
        dims.iter().for_each(|&dim| tensor.number(1, dim as u64));
        tensor.number(2, kind);
        tensor.text(8, name);
        tensor.bytes(9, bytes);
        self.message.message(5, &tensor);
    }

    /// The residual modules and the flattening.
    fn trunk(&mut self, trunk: &ResidualTrunk) -> Result<String> {
        let layers = trunk.folded_layers()?;
        let mut before = "images".to_owned();
        for (index, (stage, [conv1, conv2, shortcut])) in
            trunk.stages().iter().zip(layers.as_chunks::<3>().0).enumerate()
        {
            let name = |what: &str| format!("module{index}.{what}");
            for (what, shape, (weight, bias), input) in [
                ("conv1", stage.conv1, conv1, before.clone()),
                ("conv2", stage.conv2, conv2, name("inner")),
                ("shortcut", stage.shortcut, shortcut, before.clone()),
            ] {
                let layer = name(what);
                let (weight_name, bias_name) = (format!("{layer}.weight"), format!("{layer}.bias"));
                self.tensor(&weight_name, &[shape.cout, shape.cin, shape.kernel, shape.kernel], weight);
                self.tensor(&bias_name, &[shape.cout], bias);
                let (kernel, stride, pad) = (shape.kernel as i64, shape.stride as i64, shape.pad as i64);
                let result = name(&format!("{what}.out"));
                let inputs = [input.as_str(), &weight_name, &bias_name];
                let attributes: [(&str, &[i64]); 3] =
                    [("kernel_shape", &[kernel; 2]), ("strides", &[stride; 2]), ("pads", &[pad; 4])];
                self.node("Conv", &layer, &inputs, &result, &attributes);
                if what == "conv1" {
                    self.node("Relu", &name("relu1"), &[&result], &name("inner"), &[]);
                }
            }
            let branches = [name("conv2.out"), name("shortcut.out")];
            self.node("Add", &name("add"), &[&branches[0], &branches[1]], &name("sum"), &[]);
            before = name("out");
            self.node("Relu", &name("relu2"), &[&name("sum")], &before, &[]);
        }
        self.node("Flatten", "flatten", &[&before], "extracted", &[]);
        Ok("extracted".to_owned())
    }

    fn dense(&mut self, name: &str, layer: &Dense, input: &str, inputs: Inputs<'_>) -> Result<String> {
        let (weight, bias) = layer.tensors();
        let weight = match inputs {
            Inputs::Plain => weight.clone(),
            Inputs::ChannelsLast(trunk) => channels_first(weight, trunk)?,
        };
        let result = self.gemm(name, &weight, bias, input)?;
        if !layer.is_relu() {
            return Ok(result);
        }
        let active = format!("{name}.active");
        self.node("Relu", &format!("{name}.relu"), &[&result], &active, &[]);
        Ok(active)
    }

    /// Some of a layer's outputs, without its activation.
    fn rows(&mut self, name: &str, layer: &Dense, input: &str, rows: std::ops::Range<usize>) -> Result<String> {
        let (weight, bias) = layer.tensors();
        let (first, count) = (rows.start, rows.len());
        self.gemm(name, &weight.narrow(0, first, count)?, &bias.narrow(0, first, count)?, input)
    }

    fn gemm(&mut self, name: &str, weight: &Tensor, bias: &Tensor, input: &str) -> Result<String> {
        let (weight_name, bias_name) = (format!("{name}.weight"), format!("{name}.bias"));
        self.tensor(&weight_name, weight.dims(), &weight.flatten_all()?.to_vec1::<f32>()?);
        self.tensor(&bias_name, bias.dims(), &bias.flatten_all()?.to_vec1::<f32>()?);
        let result = format!("{name}.out");
        self.node("Gemm", name, &[input, &weight_name, &bias_name], &result, &[("transB", &[1])]);
        Ok(result)
    }

    /// Declares a result as an output called `name`.
    fn output(&mut self, name: &str, result: &str, dims: &[usize]) {
        self.outputs.push((name.to_owned(), result.to_owned(), dims.to_vec()));
    }

    fn finish(mut self) -> Vec<u8> {
        for (name, result, dims) in std::mem::take(&mut self.outputs) {
            self.node("Identity", &format!("{name}.output"), &[&result], &name, &[]);
            self.message.message(12, &value(&name, &dims));
        }
        self.message.message(11, &value("images", &[3, self.input, self.input]));
        self.message.text(2, self.name);
        let mut opset = Message::default();
        opset.text(1, "");
        opset.number(2, OPSET);
        let mut model = Message::default();
        model.number(1, IR_VERSION);
        model.text(2, "likeness_nets");
        model.text(3, env!("CARGO_PKG_VERSION"));
        model.message(7, &self.message);
        model.message(8, &opset);
        model.finish()
    }
}

/// A named f32 value `[batch, dims]`.
fn value(name: &str, dims: &[usize]) -> Message {
    let mut shape = Message::default();
    let mut batch = Message::default();
    batch.text(2, "batch");
    shape.message(1, &batch);
    for &dim in dims {
        let mut size = Message::default();
        size.number(1, dim as u64);
        shape.message(1, &size);
    }
    let mut tensor = Message::default();
    tensor.number(1, FLOAT);
    tensor.message(2, &shape);
    let mut kind = Message::default();
    kind.message(1, &tensor);
    let mut value = Message::default();
    value.text(1, name);
    value.message(2, &kind);
    value
}

/// A layer's weight `[outputs, side * side * channels]` with its inputs in the order `[channels, side, side]`.
fn channels_first(weight: &Tensor, trunk: &ResidualTrunk) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    let side = trunk.stages().last().map_or(1, |stage| stage.side());
    let channels = inputs / (side * side);
    let split = weight.reshape((outputs, side * side, channels))?;
    Ok(split.transpose(1, 2)?.contiguous()?.reshape((outputs, inputs))?)
}
