//! An ONNX file read again and evaluated node by node, by the definitions of ONNX's operators: what the file says, apart from how it was
//! written. Only the operators and attributes that this project writes are known.

mod attributes;
mod operators;
mod sums;
mod tensor;
mod windows;

use super::message::{F32, Graph, I64, Model, Node, Tensor as Constant, ValueInfo};
use crate::error::{Result, usage};
use crate::real::Real;
use attributes::Attributes;
use operators::{Inputs, evaluate};
use prost::Message;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tensor::{Tensor, size};

/// Images that are evaluated together.
const BATCH: usize = 3;

/// The floats that a file is evaluated in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// As other programs do.
    Single,
    /// The reference.
    Double,
}

/// The network of a file.
#[derive(Debug)]
pub struct Network {
    /// Version of the operators.
    pub opset: i64,
    /// Names of the classes; empty if the file has none.
    pub class_names: Vec<String>,
    input: String,
    /// Shape of one image.
    image: Vec<usize>,
    output: String,
    /// Outputs of an image.
    outputs: usize,
    steps: Vec<Step>,
    floats: HashMap<String, (Vec<usize>, Vec<f32>)>,
    ints: HashMap<String, Vec<i64>>,
}

/// A node.
#[derive(Debug)]
struct Step {
    name: String,
    op: String,
    inputs: Vec<String>,
    output: String,
    attributes: Attributes,
}

impl Network {
    /// Reads a file as [`super::to_onnx`] writes it.
    ///
    /// # Errors
    /// What is damaged, or unknown here: an operator, an attribute, a tensor that no node before writes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let model = Model::decode(bytes).map_err(|e| usage!("not an ONNX file ({e})"))?;
        let opset = match &model.opset_import[..] {
            [only] if only.domain.as_deref().unwrap_or_default().is_empty() => only.version.unwrap_or_default(),
            other => return Err(usage!("{} sets of operators; expected ONNX's alone", other.len())),
        };
        let Some(graph) = model.graph else { return Err(usage!("the ONNX file has no graph")) };
        let names = model.metadata_props.iter().find(|entry| entry.key.as_deref() == Some("class_names"));
        let names = names.and_then(|entry| entry.value.as_deref()).unwrap_or("[]");
        let class_names = serde_json::from_str(names).map_err(|e| usage!("class_names are no list of names ({e})"))?;
        let (input, image) = batch(&graph.input)?;
        let (output, outputs) = batch(&graph.output)?;
        let [outputs] = outputs[..] else { return Err(usage!("the output is {outputs:?}; expected one axis")) };
        let (floats, ints) = constants(&graph)?;
        let steps = graph.node.into_iter().map(Step::new).collect::<Result<Vec<_>>>()?;
        let network = Self { opset, class_names, input, image, output, outputs, steps, floats, ints };
        network.check_names()?;
        Ok(network)
    }

    /// Names of the nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.name.as_str())
    }

    /// Whether each tensor is written once, before it is read, and each constant is read.
    fn check_names(&self) -> Result<()> {
        let mut written: HashSet<&str> = [self.input.as_str()].into();
        for name in self.floats.keys().chain(self.ints.keys()) {
            if !written.insert(name) {
                return Err(usage!("two tensors are named `{name}`"));
            }
        }
        let mut read: HashSet<&str> = [self.output.as_str()].into();
        let mut nodes = HashSet::new();
        for step in &self.steps {
            if let Some(missing) = step.inputs.iter().find(|input| !written.contains(input.as_str())) {
                return Err(usage!("node `{}` takes `{missing}`, which no node before it writes", step.name));
            }
            read.extend(step.inputs.iter().map(String::as_str));
            if !written.insert(&step.output) || !nodes.insert(&step.name) {
                return Err(usage!("two nodes or tensors are named `{}` or `{}`", step.name, step.output));
            }
        }
        match written.iter().find(|name| !read.contains(*name)) {
            Some(unread) => Err(usage!("no node takes `{unread}`")),
            None if !written.contains(self.output.as_str()) => Err(usage!("no node writes `{}`", self.output)),
            None => Ok(()),
        }
    }

    /// The outputs for images given as bytes, [n, height, width, channels].
    ///
    /// # Errors
    /// If the bytes are not whole images, or a node cannot take its inputs; its name.
    pub fn predict(&self, pixels: &[u8], precision: Precision) -> Result<Vec<Vec<f64>>> {
        match precision {
            Precision::Single => self.predict_in::<f32>(pixels),
            Precision::Double => self.predict_in::<f64>(pixels),
        }
    }

    fn predict_in<F: Real>(&self, pixels: &[u8]) -> Result<Vec<Vec<f64>>> {
        let image_len = size(&self.image)?;
        if image_len == 0 || !pixels.len().is_multiple_of(image_len) {
            return Err(usage!("{} bytes are not whole images of {:?} = {image_len}", pixels.len(), self.image));
        }
        let constants: HashMap<&str, Arc<Tensor<F>>> = self
            .floats
            .iter()
            .map(|(name, (shape, values))| {
                let values = values.iter().map(|value| F::from_f64(f64::from(*value))).collect();
                (name.as_str(), Arc::new(Tensor { shape: shape.clone(), values }))
            })
            .collect();
        let batches = pixels.par_chunks(BATCH * image_len).map(|pixels| self.run(pixels, &constants));
        let outputs = batches.collect::<Result<Vec<_>>>()?;
        let rows = outputs.iter().flat_map(|tensor| tensor.values.chunks_exact(self.outputs.max(1)));
        Ok(rows.map(|row| row.iter().map(|value| value.to_f64()).collect()).collect())
    }

    /// The output for a batch.
    fn run<F: Real>(&self, pixels: &[u8], constants: &HashMap<&str, Arc<Tensor<F>>>) -> Result<Arc<Tensor<F>>> {
        let n = pixels.len() / size(&self.image)?.max(1);
        let values = pixels.iter().map(|byte| F::from_f64(f64::from(*byte))).collect();
        let images = Tensor { shape: [&[n], &self.image[..]].concat(), values };
        let mut known = constants.clone();
        known.insert(&self.input, Arc::new(images));
        for step in &self.steps {
            let inputs = Inputs {
                floats: step.inputs.iter().filter_map(|name| known.get(name.as_str()).map(|t| &**t)).collect(),
                ints: step.inputs.iter().filter_map(|name| self.ints.get(name).map(Vec::as_slice)).collect(),
            };
            let output = evaluate(&step.op, &inputs, &step.attributes);
            let output = output.map_err(|e| usage!("node `{}` ({}): {e}", step.name, step.op))?;
            known.insert(&step.output, Arc::new(output));
        }
        let output = known.remove(self.output.as_str()).ok_or_else(|| usage!("no node writes `{}`", self.output))?;
        match output.shape == [n, self.outputs] {
            true => Ok(output),
            false => Err(usage!("the output is {:?}; the file says [N, {}]", output.shape, self.outputs)),
        }
    }
}

impl Step {
    fn new(node: Node) -> Result<Self> {
        let Node { input, output, name, op_type, attribute } = node;
        let (name, op) = (name.unwrap_or_default(), op_type.unwrap_or_default());
        let Ok([output]) = <[String; 1]>::try_from(output) else {
            return Err(usage!("node `{name}` has more outputs than one, or none"));
        };
        let attributes = Attributes::new(&op, attribute).map_err(|e| usage!("node `{name}` ({op}): {e}"))?;
        Ok(Self { name, op, inputs: input, output, attributes })
    }
}

/// Name and image shape of the one input or output, whose first axis is open.
fn batch(infos: &[ValueInfo]) -> Result<(String, Vec<usize>)> {
    let [info] = infos else { return Err(usage!("{} inputs or outputs; expected one", infos.len())) };
    let name = info.name.clone().unwrap_or_default();
    let tensor = info.r#type.as_ref().and_then(|of| of.tensor_type.as_ref());
    let dims = tensor.and_then(|tensor| tensor.shape.as_ref()).map_or(&[][..], |shape| &shape.dim);
    let is_batch = tensor.is_some_and(|tensor| tensor.elem_type == Some(F32))
        && dims.first().is_some_and(|dim| dim.dim_param.is_some() && dim.dim_value.is_none());
    let image = dims.iter().skip(1).map(|dim| dim.dim_value.and_then(|n| usize::try_from(n).ok()));
    match image.collect::<Option<Vec<usize>>>() {
        Some(image) if is_batch => Ok((name, image)),
        _ => Err(usage!("`{name}` is no batch of floats of a known shape")),
    }
}

/// Shape and values of the floats, and the whole numbers.
type Constants = (HashMap<String, (Vec<usize>, Vec<f32>)>, HashMap<String, Vec<i64>>);

fn constants(graph: &Graph) -> Result<Constants> {
    let (mut floats, mut ints) = (HashMap::new(), HashMap::new());
    for Constant { dims, data_type, name, raw_data } in &graph.initializer {
        let (name, bytes) = (name.clone().unwrap_or_default(), raw_data.as_deref().unwrap_or_default());
        let shape: Option<Vec<usize>> = dims.iter().map(|n| usize::try_from(*n).ok()).collect();
        let Some(shape) = shape else { return Err(usage!("constant `{name}` is {dims:?}")) };
        let count = size(&shape)?;
        let is_new = match *data_type {
            Some(F32) if bytes.len() == 4 * count => {
                let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                floats.insert(name.clone(), (shape, values.collect())).is_none()
            }
            Some(I64) if bytes.len() == 8 * count && shape.len() == 1 => {
                let (values, _) = bytes.as_chunks::<8>();
                ints.insert(name.clone(), values.iter().map(|b| i64::from_le_bytes(*b)).collect()).is_none()
            }
            other => return Err(usage!("constant `{name}` is {dims:?} of type {other:?}, in {} bytes", bytes.len())),
        };
        if !is_new {
            return Err(usage!("two constants are named `{name}`"));
        }
    }
    Ok((floats, ints))
}
