//! Weights files: safetensors, with tensors named and laid out as in Keras and the model's description in the metadata, and the files that
//! Keras writes.

use super::keras::{Archive, Layout, Stored, Tensor, is_hdf5, is_zip};
use super::{FunctionalLayer, Graph, ImagesInfo, Model};
use crate::bounds::{MAX_TEXT, check_values};
use crate::error::{Error, Result, usage};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// The only key of the file's `__metadata__`. A second key would make the bytes depend on the iteration order of the
/// map.
const MODEL_KEY: &str = "gpu_cnn.model";

/// The content of a weights file.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// The model, if the file describes it.
    pub model: Option<Model>,
    /// Name, shape and values of each tensor.
    pub tensors: HashMap<String, Tensor>,
    /// The tensors of a file of Keras, which have no such names; [`Self::name_by_layer`] gives them.
    pub stored: Option<Stored>,
    /// Whether such a file describes its model, too.
    pub has_model: bool,
    /// The training images, as far as the file says.
    pub images: ImagesInfo,
    /// Where the file says that they belong.
    layout: Layout,
}

impl Weights {
    /// Weights of these names, shapes and values.
    pub fn of_tensors(tensors: HashMap<String, Tensor>) -> Self {
        Self {
            model: None,
            tensors,
            stored: None,
            has_model: false,
            images: ImagesInfo::default(),
            layout: Layout::default(),
        }
    }

    /// Those of a file of Keras, whose model has this layout.
    pub(super) fn of_archive(archive: &Archive, layout: Layout) -> Result<Self> {
        let (stored, has_model) = (Some(archive.variables.variables()?), archive.config.is_some());
        Ok(Self { stored, has_model, layout, ..Self::of_tensors(HashMap::new()) })
    }

    /// Gives tensors the names of the graph's: those of Keras's files by their place in `layout`, and tensors of inner models by their layers.
    ///
    /// # Errors
    /// [`Error::Usage`] if the layers with weights are not as many as the graph's; `path` is used in messages only.
    pub fn name_by_layer(&mut self, layout: &Layout, graph: &Graph, path: &Path) -> Result<()> {
        match self.stored.take() {
            Some(stored) => {
                let layout = if self.layout.is_of(graph) { &self.layout } else { layout };
                self.tensors = layout.named(stored, graph).map_err(|e| of_another_model(&e, path))?;
            }
            None => self.name_inner(&layout.inner(), graph),
        }
        Ok(())
    }

    /// Gives tensors of inner models the names of their layers. Where `inner` holds (`conv2d`, `block`), `block.kernel` is the kernel of
    /// `conv2d`, as Keras lists it among the weights of the outer model's layers, unless another layer of `block` has a kernel, too.
    pub fn name_inner(&mut self, inner: &[(String, String)], graph: &Graph) {
        let outer: HashMap<&str, &str> = inner.iter().map(|(layer, outer)| (layer.as_str(), outer.as_str())).collect();
        let mut layers: HashMap<String, Vec<&str>> = HashMap::new();
        for (tensor, _) in graph.weights() {
            let Some((layer, weight)) = tensor.name.rsplit_once('.') else { continue };
            if let Some(outer) = outer.get(layer) {
                layers.entry(format!("{outer}.{weight}")).or_default().push(&tensor.name);
            }
        }
        for (listed, names) in layers {
            if let [name] = names[..]
                && graph.weights().all(|(tensor, _)| tensor.name != listed)
                && !self.tensors.contains_key(name)
                && let Some(tensor) = self.tensors.remove(&listed)
            {
                self.tensors.insert(name.to_owned(), tensor);
            }
        }
    }
}

/// What the file says about its weights: the model, and the images that it was trained on.
#[derive(Serialize)]
struct Description<'a> {
    #[serde(flatten)]
    model: &'a Model,
    #[serde(flatten)]
    images: &'a ImagesInfo,
}

/// The same, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    input: [usize; 3],
    layers: Vec<FunctionalLayer>,
    #[serde(default)]
    class_names: Vec<String>,
    #[serde(default)]
    bright_border: Option<bool>,
}

/// Encodes all weights, laid out as [`Graph::weights`] says, as a file, with what is known of the training images; the same weights
/// always give the same bytes.
pub fn save_weights(model: &Model, graph: &Graph, weights: &[f32], images: &ImagesInfo) -> Result<Vec<u8>> {
    let views = graph.weights().map(|(t, range)| {
        let bytes = bytemuck::cast_slice(&weights[range]);
        TensorView::new(Dtype::F32, t.shape.clone(), bytes).map(|view| (t.name.clone(), view))
    });
    let failed = |e| Error::device(format!("cannot lay out the weights: {e}"));
    let views: Vec<_> = views.collect::<Result<_, _>>().map_err(failed)?;
    let description =
        serde_json::to_string(&Description { model, images }).map_err(|e| usage!("cannot describe the model: {e}"))?;
    let metadata = HashMap::from([(MODEL_KEY.to_owned(), description)]);
    safetensors::serialize(views, Some(metadata)).map_err(failed)
}

/// Reads a weights file: safetensors, or what Keras writes (`.keras`, `.weights.h5`, `.h5`), which its first bytes tell.
///
/// # Errors
/// [`Error::Usage`] if there is no such file, [`Error::Data`] if it is not a valid weights file of `F32` tensors; single integers are read, too.
pub fn load_weights(path: &Path) -> Result<Weights> {
    parse_weights(read_safetensors(path, "weights file")?, path)
}

/// What the bytes of a weights file hold; `path` is used in messages only.
///
/// # Errors
/// [`Error::Data`], as [`load_weights`].
pub fn parse_weights(bytes: Vec<u8>, path: &Path) -> Result<Weights> {
    if is_zip(&bytes) || is_hdf5(&bytes) {
        let weights = Archive::read(bytes).and_then(|archive| Weights::of_archive(&archive, archive.layout()));
        return weights.map_err(|e| Error::data(path, e.to_string()));
    }
    parse_safetensors(&bytes, path)
}

/// What the bytes of a safetensors file hold; `path` is used in messages only.
///
/// # Errors
/// [`Error::Data`], as [`load_weights`].
pub(crate) fn parse_safetensors(bytes: &[u8], path: &Path) -> Result<Weights> {
    let is_text = bytes.starts_with(b"{") && !bytes.iter().take(8).any(|byte| *byte == 0);
    if is_text {
        let text = "JSON, not weights: a model's description has none, and weights in several files (`.weights.json`) are not supported";
        return Err(Error::data(path, text));
    }
    let damaged = |e: &dyn std::fmt::Display| Error::data(path, format!("not a weights file ({e})"));
    check_header(bytes).map_err(|e| damaged(&e))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(&e))?;
    let description = header.metadata().as_ref().and_then(|m| m.get(MODEL_KEY));
    description.map_or(Ok(()), |text| check_values(text)).map_err(|e| damaged(&e))?;
    let unusable =
        |e: &dyn std::fmt::Display| Error::data(path, format!("the model in `{MODEL_KEY}` cannot be used ({e})"));
    let described: Option<Described> =
        description.map(|text| serde_json::from_str(text)).transpose().map_err(|e| unusable(&e))?;
    let (model, images) = match described {
        Some(Described { input, layers, class_names, bright_border }) => {
            (Some(Model::from_layers(input, layers)), ImagesInfo { class_names, bright_border })
        }
        None => (None, ImagesInfo::default()),
    };
    if let Some(model) = &model {
        let classes = model.graph().map_err(|e| unusable(&e))?.classes();
        images.check(classes).map_err(|e| unusable(&e))?;
    }
    let mut tensors = HashMap::new();
    for (name, view) in file.tensors() {
        let values = match (view.dtype(), view.data()) {
            (Dtype::F32, data) => data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            // A count, such as that of a Normalization.
            (Dtype::I32, &[a, b, c, d]) => vec![i32::from_le_bytes([a, b, c, d]) as f32],
            (Dtype::I64, &[a, b, c, d, e, f, g, h]) => vec![i64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32],
            (dtype, _) => return Err(Error::data(path, format!("tensor `{name}` holds {dtype:?}, expected F32"))),
        };
        tensors.insert(name, (view.shape().to_vec(), values));
    }
    Ok(Weights { model, images, ..Weights::of_tensors(tensors) })
}

/// The bytes of a `kind` of file; see [`read_whole`].
///
/// # Errors
/// [`Error::Usage`] if there is no such file, [`Error::Device`] without memory for it, else [`Error::Data`].
pub(crate) fn read_safetensors(path: &Path, kind: &str) -> Result<Vec<u8>> {
    read_whole(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => usage!("no such {kind}: {}", path.display()),
        ErrorKind::IsADirectory => {
            Error::data(path, format!("the {kind} is a folder; that of a run is the model.safetensors in it"))
        }
        ErrorKind::OutOfMemory => Error::device(format!("out of memory for the {kind} {}", path.display())),
        _ => Error::data(path, format!("cannot read the {kind}: {e}")),
    })
}

/// Checks the length of the header of a file of tensors before it is parsed.
///
/// # Errors
/// If it has more than [`MAX_TEXT`] bytes.
pub(crate) fn check_header(bytes: &[u8]) -> Result<()> {
    match bytes.first_chunk().map(|len| u64::from_le_bytes(*len)) {
        Some(len) if len > MAX_TEXT => Err(usage!("a header of {len} bytes, more than {MAX_TEXT}")),
        _ => Ok(()),
    }
}

/// Where a tensor lies; other keys are not kept.
#[derive(Deserialize)]
struct Extent {
    data_offsets: (u64, u64),
}

/// The bytes of a weights file, which may be a pipe: no more than its header declares, and one, so that more is noticed.
fn read_whole(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(8).read_to_end(&mut bytes)?;
    if is_zip(&bytes) || is_hdf5(&bytes) {
        file.read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let Ok(header_len) = <[u8; 8]>::try_from(&bytes[..]).map(u64::from_le_bytes) else { return Ok(bytes) };
    file.by_ref().take(header_len.min(MAX_TEXT)).read_to_end(&mut bytes)?;
    let header: HashMap<String, &RawValue> = serde_json::from_slice(&bytes[8..]).unwrap_or_default();
    let end =
        |tensor: &&RawValue| serde_json::from_str::<Extent>(tensor.get()).ok().map(|tensor| tensor.data_offsets.1);
    let ends = header.values().filter_map(end);
    file.take(ends.max().unwrap_or(0).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The tensors of `weights`, parameters and state, laid out as [`Graph::weights`] says. `path` is used in messages only.
///
/// # Errors
/// [`Error::Usage`] if the names or shapes differ from the model's, [`Error::Data`] if a value is not finite.
pub fn weights_of(weights: &Weights, graph: &Graph, path: &Path) -> Result<Vec<f32>> {
    let mismatch = |what: String| of_another_model(&what, path);
    let mut named = weights.stored.is_some().then(|| weights.clone());
    named.iter_mut().try_for_each(|named| named.name_by_layer(&Layout::default(), graph, path))?;
    let tensors = named.as_ref().map_or(&weights.tensors, |named| &named.tensors);
    let mut found = Vec::new();
    for (tensor, range) in graph.weights() {
        let (shape, values) = tensors
            .get(&tensor.name)
            .ok_or_else(|| mismatch(format!("tensor `{}` {:?} is missing", tensor.name, tensor.shape)))?;
        if *shape != tensor.shape {
            return Err(mismatch(format!("tensor `{}` is {shape:?}, the model has {:?}", tensor.name, tensor.shape)));
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::data(path, format!("tensor `{}` holds {} at index {i}", tensor.name, values[i])));
        }
        found.push((range, values));
    }
    let known: HashSet<&str> = graph.weights().map(|(tensor, _)| tensor.name.as_str()).collect();
    match tensors.iter().filter(|(name, _)| !known.contains(name.as_str())).min_by_key(|(name, _)| *name) {
        Some((extra, (shape, _))) => Err(mismatch(format!("the model has no tensor `{extra}`, which is {shape:?}"))),
        None => {
            // Only now: a file can describe a model of any size.
            let mut all = vec![0.0; graph.weights_len()];
            found.into_iter().for_each(|(range, values)| all[range].copy_from_slice(values));
            Ok(all)
        }
    }
}

fn of_another_model(what: &dyn std::fmt::Display, path: &Path) -> Error {
    usage!("the weights are of another model: {what}: {}", path.display())
}
