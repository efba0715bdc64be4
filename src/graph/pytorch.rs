//! Weights of PyTorch's modules, by the order of their names: `features.0.weight` with output channels first.

use super::keras::Tensor;
use super::weights::Weights;
use super::{Graph, Node, Source};
use crate::error::{Result, usage};
use crate::layers::AnyLayer;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// What PyTorch's modules are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Conv,
    Linear,
    BatchNorm,
    /// LayerNorm with a bias, PReLU without: one axis, or none.
    Vector,
}

/// The tensors of a module, by their last names.
#[derive(Debug)]
struct Module {
    name: String,
    tensors: BTreeMap<String, Tensor>,
}

impl Module {
    /// # Errors
    /// If it is none that is known here.
    fn kind(&self) -> Result<Kind> {
        let rank = self.tensors.get("weight").map(|(shape, _)| shape.len());
        match rank {
            Some(4) => Ok(Kind::Conv),
            Some(2) => Ok(Kind::Linear),
            _ if self.tensors.contains_key("running_mean") => Ok(Kind::BatchNorm),
            Some(0 | 1) => Ok(Kind::Vector),
            Some(rank) => {
                Err(usage!("PyTorch's `{}.weight` has {rank} axes; such a module is not supported", self.name))
            }
            None => {
                let names: Vec<&str> = self.tensors.keys().map(String::as_str).collect();
                Err(usage!(
                    "PyTorch's module `{}` has {}, but no weight; it is not supported",
                    self.name,
                    names.join(", ")
                ))
            }
        }
    }
}

/// `weights`, whose names and layouts are PyTorch's, by the names and in the layouts of the graph's tensors. Modules of a kind (convolutions,
/// linear layers, normalisations) are taken in the order of their names, numbers by their value, for the graph's layers of that kind.
///
/// # Errors
/// If there are not as many modules of a kind as the graph has layers, or a tensor has another shape.
pub fn from_pytorch(weights: Weights, graph: &Graph) -> Result<Weights> {
    if weights.stored.is_some() || weights.model.is_some() {
        return Err(usage!("the file is not PyTorch's: safetensors without the model's description"));
    }
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    for (name, tensor) in weights.tensors {
        let (module, last) = name.rsplit_once('.').unwrap_or(("", &name));
        if last == "num_batches_tracked" {
            continue;
        }
        let known = modules
            .entry(module.to_owned())
            .or_insert_with(|| Module { name: module.to_owned(), tensors: BTreeMap::new() });
        known.tensors.insert(last.to_owned(), tensor);
    }
    let mut modules: Vec<Module> = modules.into_values().collect();
    modules.sort_by(|a, b| by_numbers(&a.name, &b.name));
    let mut by_kind: HashMap<Kind, Vec<Module>> = HashMap::new();
    for module in modules {
        by_kind.entry(module.kind()?).or_default().push(module);
    }
    let mut queues: HashMap<Kind, std::vec::IntoIter<Module>> = HashMap::new();
    for kind in [Kind::Conv, Kind::Linear, Kind::BatchNorm, Kind::Vector] {
        let found = by_kind.remove(&kind).unwrap_or_default();
        let wanted: Vec<&str> = graph
            .nodes
            .iter()
            .flat_map(|node| kinds(node).into_iter().filter(|k| *k == kind).map(|_| node.name.as_str()))
            .collect();
        if found.len() != wanted.len() {
            let names: Vec<&str> = found.iter().map(|module| module.name.as_str()).collect();
            return Err(usage!(
                "the file has {} {} ({}), the model {} ({})",
                found.len(),
                described(kind),
                names.join(", "),
                wanted.len(),
                wanted.join(", ")
            ));
        }
        queues.insert(kind, found.into_iter());
    }
    let flattened = flattened(graph)?;
    let mut named = HashMap::new();
    for node in &graph.nodes {
        let mut next = |kind: Kind| queues.get_mut(&kind).and_then(Iterator::next);
        let modules: Vec<Module> = kinds(node).into_iter().filter_map(&mut next).collect();
        take(node, graph, modules, flattened.get(node.name.as_str()).copied(), &mut named)?;
    }
    Ok(Weights::of_tensors(named))
}

fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Conv => "convolutions",
        Kind::Linear => "linear layers",
        Kind::BatchNorm => "batch normalisations",
        Kind::Vector => "layer normalisations and PReLUs",
    }
}

/// The modules that a layer corresponds to.
fn kinds(node: &Node) -> Vec<Kind> {
    match &node.layer {
        AnyLayer::Conv2D(_) | AnyLayer::DepthwiseConv2D(_) => vec![Kind::Conv],
        AnyLayer::SeparableConv2D(_) => vec![Kind::Conv, Kind::Conv],
        AnyLayer::Dense(_) => vec![Kind::Linear],
        AnyLayer::BatchNormalization(_) => vec![Kind::BatchNorm],
        AnyLayer::LayerNormalization(_) | AnyLayer::PReLU(_) => vec![Kind::Vector],
        _ => Vec::new(),
    }
}

/// Gives the tensors of the modules to the layer.
fn take(
    node: &Node,
    graph: &Graph,
    modules: Vec<Module>,
    image: Option<[usize; 3]>,
    named: &mut HashMap<String, Tensor>,
) -> Result<()> {
    let tensors: HashMap<&str, Vec<usize>> = graph
        .tensors(node)
        .filter_map(|tensor| Some((tensor.name.rsplit_once('.')?.1, tensor.shape.clone())))
        .collect();
    let kernels: &[&str] = match &node.layer {
        AnyLayer::SeparableConv2D(_) => &["depthwise_kernel", "pointwise_kernel"],
        AnyLayer::BatchNormalization(_) | AnyLayer::LayerNormalization(_) => &["gamma"],
        AnyLayer::PReLU(_) => &["alpha"],
        _ => &["kernel"],
    };
    let last = modules.len();
    for (i, (module, kernel)) in modules.into_iter().zip(kernels).enumerate() {
        for (name, (shape, values)) in module.tensors {
            let path = format!("{}.{name}", module.name);
            let to = match name.as_str() {
                "weight" => kernel,
                "bias" if matches!(node.layer, AnyLayer::BatchNormalization(_) | AnyLayer::LayerNormalization(_)) => {
                    "beta"
                }
                "bias" if i + 1 == last => "bias",
                "running_mean" => "moving_mean",
                "running_var" => "moving_variance",
                _ => return Err(usage!("layer `{}` has no tensor for PyTorch's `{path}` {shape:?}", node.name)),
            };
            let Some(wanted) = tensors.get(to) else {
                return Err(usage!("layer `{}` has no {to}, for PyTorch's `{path}` {shape:?}", node.name));
            };
            let turned = match (name.as_str(), shape.len()) {
                ("weight", 4) => turned_conv(&shape, &values, wanted),
                ("weight", 2) => turned_linear(&shape, &values, wanted, image),
                // One slope for each channel, shared by all pixels, or one for all.
                _ => (shape.iter().product::<usize>() == wanted.iter().product::<usize>()).then_some(values),
            };
            let Some(turned) = turned else {
                return Err(usage!("PyTorch's `{path}` is {shape:?}, but `{}.{to}` is {wanted:?}", node.name));
            };
            named.insert(format!("{}.{to}", node.name), (wanted.clone(), turned));
        }
    }
    Ok(())
}

/// From [out, in, h, w] to [h, w, in, out], of a depthwise kernel to [h, w, channels, multiplier]: its outputs lie channel by channel.
fn turned_conv(shape: &[usize], values: &[f32], wanted: &[usize]) -> Option<Vec<f32>> {
    let [outputs, inputs, h, w] = shape.try_into().ok()?;
    let is_kernel = wanted == [h, w, inputs, outputs];
    let is_depthwise = inputs == 1 && wanted[..2] == [h, w] && wanted[2] * wanted[3] == outputs;
    if !is_kernel && !is_depthwise {
        return None;
    }
    let mut turned = vec![0.0; values.len()];
    for (at, value) in values.iter().enumerate() {
        let (o, i, tap) = (at / (inputs * h * w), at / (h * w) % inputs, at % (h * w));
        turned[(tap * inputs + i) * outputs + o] = *value;
    }
    Some(turned)
}

/// From [out, in] to [in, out]; the inputs of a flattened image [h, w, c] from PyTorch's order, in which channels come first.
fn turned_linear(shape: &[usize], values: &[f32], wanted: &[usize], image: Option<[usize; 3]>) -> Option<Vec<f32>> {
    let [outputs, inputs] = shape.try_into().ok()?;
    if wanted != [inputs, outputs] {
        return None;
    }
    let mut turned = vec![0.0; values.len()];
    for (at, value) in values.iter().enumerate() {
        let (o, i) = (at / inputs, at % inputs);
        let i = match image {
            Some([h, w, c]) => i % (h * w) * c + i / (h * w),
            None => i,
        };
        turned[i * outputs + o] = *value;
    }
    Some(turned)
}

/// For each linear layer over the elements of a flattened image, that image's shape.
///
/// # Errors
/// If a layer takes such elements whose weights could not be put into order.
fn flattened(graph: &Graph) -> Result<HashMap<&str, [usize; 3]>> {
    let mut found = HashMap::new();
    // Of each node, the image that the elements of its output are those of.
    let mut images: Vec<Option<[usize; 3]>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let of_source = |source: &Source| match source {
            Source::Input => None,
            Source::Node(i) => images[*i],
        };
        let image = node.inputs.iter().find_map(of_source);
        let own = match (image, &node.layer) {
            (Some(image), AnyLayer::Dense(_)) => {
                found.insert(node.name.as_str(), image);
                None
            }
            (Some(_), _) if !kinds(node).is_empty() || node.inputs.len() > 1 => {
                return Err(usage!(
                    "layer `{}` ({}) takes the elements of a flattened image, of which PyTorch has another order; only a Dense may",
                    node.name,
                    node.layer.as_layer().kind()
                ));
            }
            (Some(image), _) => Some(image),
            (None, AnyLayer::Flatten(_) | AnyLayer::Reshape(_)) => {
                let shape = node.inputs.first().map(|source| graph.shape(*source)).unwrap_or_default();
                // Of a single pixel, or a single channel, the order is the same.
                let image = <[usize; 3]>::try_from(shape).ok();
                image.filter(|[h, w, c]| h * w > 1 && *c > 1 && node.output.len() < 3)
            }
            (None, _) => None,
        };
        images.push(own);
    }
    Ok(found)
}

/// Names by their parts, numbers among them by their value: `features.3` before `features.10`, `conv2` before `conv10`.
fn by_numbers(a: &str, b: &str) -> Ordering {
    let parts = |name: &str| {
        let mut parts: Vec<(u64, String)> = Vec::new();
        let mut rest = name;
        while !rest.is_empty() {
            let is_digit = rest.starts_with(|c: char| c.is_ascii_digit());
            let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
            let (part, tail) = rest.split_at(end);
            parts.push((part.parse().unwrap_or(0), part.trim_start_matches('0').to_owned()));
            rest = tail;
        }
        parts
    };
    parts(a).cmp(&parts(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_by_their_numbers() {
        let mut names = ["features.10", "features.3", "classifier.1", "conv2", "conv10", "3", "12", ""];
        names.sort_by(|a, b| by_numbers(a, b));
        assert_eq!(names, ["", "classifier.1", "conv2", "conv10", "features.3", "features.10", "3", "12"]);
    }
}
