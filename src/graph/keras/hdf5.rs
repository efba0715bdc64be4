//! What Keras keeps in HDF5 files: variables by their place in the model, or in legacy files by lists of names.

use crate::error::{Result, usage};
use hdf5_pure::{AttrValue, DType, Dataset, File, Group};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

/// Groups and datasets that a file may have. A file can make a group its own member.
const MAX_OBJECTS: usize = 10_000;
/// Groups within groups, at most.
const MAX_DEPTH: usize = 64;

/// Shape and values of a variable.
pub type Tensor = (Vec<usize>, Vec<f32>);

/// An HDF5 file in memory.
pub(in crate::graph) struct Hdf5 {
    file: File,
    /// Bytes that all datasets together may still have: those of the file, since none is compressed.
    left: Cell<u64>,
}

impl std::fmt::Debug for Hdf5 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hdf5").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Variables by their path, or by lists.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// `layers/conv2d/vars/0`, as Keras 3 saves them.
    Variables(BTreeMap<String, Tensor>),
    /// For each layer its name and its variables with names, as in legacy files.
    Lists(Vec<(String, Vec<(String, Tensor)>)>),
}

/// Where the superblock says that the file ends; none where its addresses have not 8 bytes, as they do in all files of Keras.
fn end_of_file(bytes: &[u8]) -> Option<u64> {
    let (width, at) = match *bytes.get(8)? {
        0 => (13, 40),
        1 => (13, 44),
        2 | 3 => (9, 28),
        _ => return None,
    };
    let address = bytes.get(at..at + 8).filter(|_| bytes[width] == 8)?;
    address.try_into().ok().map(u64::from_le_bytes)
}

fn damaged(what: &str, error: &dyn std::fmt::Display) -> crate::error::Error {
    usage!("not an HDF5 file of Keras: {what}: {error}")
}

impl Hdf5 {
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self> {
        let len = bytes.len() as u64;
        if let Some(end) = end_of_file(&bytes).filter(|end| *end > len) {
            return Err(usage!("not an HDF5 file of Keras: it is cut: it has {len} bytes of {end}"));
        }
        let file = File::from_bytes(bytes).map_err(|e| damaged("the file", &e))?;
        Ok(Self { file, left: Cell::new(len) })
    }

    /// A text among the attributes of the root.
    pub(super) fn root_text(&self, name: &str) -> Result<Option<String>> {
        let attributes = attributes(&self.file.root(), "/")?;
        match attributes.get(name) {
            None => Ok(None),
            Some(value) => match text(value) {
                Some(text) => Ok(Some(text)),
                None => Err(usage!("the attribute `{name}` is no text")),
            },
        }
    }

    /// All variables of the model.
    ///
    /// # Errors
    /// What is damaged, no variable of 32-bit floats, or not laid out as Keras does.
    pub(in crate::graph) fn variables(&self) -> Result<Stored> {
        let root = self.file.root();
        let groups = root.groups().map_err(|e| damaged("the root", &e))?;
        let has = |name: &str| groups.iter().any(|group| group == name);
        if has("model_weights") {
            return self.lists(&group(&root, "model_weights")?);
        }
        let known = attributes(&root, "/")?;
        if known.keys().any(|key| key.starts_with("layer_names")) {
            return self.lists(&root);
        }
        if !has("layers") {
            return Err(usage!(
                "the HDF5 file has neither `layers`, `model_weights` nor `layer_names`; it holds no weights of Keras"
            ));
        }
        let (mut found, mut objects) = (BTreeMap::new(), 0);
        self.walk(&group(&root, "layers")?, "layers", 0, &mut objects, &mut found)?;
        Ok(Stored::Variables(found))
    }

    /// The variables of the optimizer by their number; none if there is no optimizer.
    pub(in crate::graph) fn optimizer(&self) -> Result<BTreeMap<usize, Tensor>> {
        let (root, mut found) = (self.file.root(), BTreeMap::new());
        if root.groups().is_ok_and(|groups| groups.iter().any(|group| group == "optimizer")) {
            let optimizer = group(&root, "optimizer")?;
            self.walk(&optimizer, "optimizer", 0, &mut 0, &mut found)?;
        }
        let number = |path: String| path.strip_prefix("optimizer/vars/")?.parse().ok();
        Ok(found.into_iter().filter_map(|(path, tensor)| Some((number(path)?, tensor))).collect())
    }

    /// Adds the variables under `group`, whose path is `path`.
    fn walk(
        &self,
        parent: &Group,
        path: &str,
        depth: usize,
        objects: &mut usize,
        found: &mut BTreeMap<String, Tensor>,
    ) -> Result<()> {
        *objects += 1;
        if *objects > MAX_OBJECTS || depth > MAX_DEPTH {
            return Err(usage!(
                "the HDF5 file has more than {MAX_OBJECTS} groups, or more than {MAX_DEPTH} within each other"
            ));
        }
        let failed = |e: hdf5_pure::Error| damaged(&format!("`{path}`"), &e);
        for name in parent.datasets().map_err(failed)? {
            *objects += 1;
            let dataset = parent.dataset(&name).map_err(failed)?;
            let path = format!("{path}/{name}");
            let tensor = self.tensor(&dataset, &path)?;
            found.insert(path, tensor);
        }
        for name in parent.groups().map_err(failed)? {
            // The state of Keras's random numbers; here, draws follow from the run's seed.
            if name != "seed_generator" {
                self.walk(&group(parent, &name)?, &format!("{path}/{name}"), depth + 1, objects, found)?;
            }
        }
        Ok(())
    }

    /// The variables by `layer_names` and, for each layer, `weight_names`.
    fn lists(&self, weights: &Group) -> Result<Stored> {
        let (mut layers, mut objects) = (Vec::new(), 0);
        let names = names(weights, "layer_names", "model_weights")?;
        if names.len() > MAX_OBJECTS {
            return Err(usage!("the HDF5 file names more than {MAX_OBJECTS} layers"));
        }
        for layer in names {
            let of_layer = group(weights, &layer)?;
            let mut tensors = Vec::new();
            for name in self::names(&of_layer, "weight_names", &layer)? {
                objects += 1;
                if objects > MAX_OBJECTS {
                    return Err(usage!("the HDF5 file names more than {MAX_OBJECTS} weights"));
                }
                let dataset = of_layer.dataset(&name).map_err(|e| damaged(&format!("`{layer}`, `{name}`"), &e))?;
                let tensor = self.tensor(&dataset, &name)?;
                tensors.push((name, tensor));
            }
            layers.push((layer, tensors));
        }
        Ok(Stored::Lists(layers))
    }

    fn tensor(&self, dataset: &Dataset, path: &str) -> Result<Tensor> {
        let failed = |e: hdf5_pure::Error| damaged(&format!("`{path}`"), &e);
        let shape = dataset.shape().map_err(failed)?;
        let dtype = dataset.dtype().map_err(failed)?;
        let count = shape.iter().try_fold(1u64, |product, n| product.checked_mul(*n));
        let width = match &dtype {
            DType::F32 => 4,
            // A count, such as that of a Normalization.
            DType::I32 | DType::I64 | DType::U32 | DType::U64 if count == Some(1) => 8,
            other => {
                let other: String = other.to_string().chars().take(40).collect();
                return Err(usage!(
                    "variable `{path}` holds {other}, expected f32; save the model with the dtype policy float32"
                ));
            }
        };
        let left =
            count.and_then(|count| count.checked_mul(width)).and_then(|bytes| self.left.get().checked_sub(bytes));
        let Some(left) = left else {
            return Err(usage!("variable `{path}` is {shape:?}, with those before it more than the file has"));
        };
        self.left.set(left);
        let values = match &dtype {
            DType::F32 => dataset.read_f32().map_err(failed)?,
            _ => dataset.read_i64().map_err(failed)?.into_iter().map(|count| count as f32).collect(),
        };
        let shape: Vec<usize> = shape.into_iter().map(|n| n as usize).collect();
        match values.len() == shape.iter().product::<usize>() {
            true => Ok((shape, values)),
            false => Err(usage!("variable `{path}` is {shape:?} but has {} values", values.len())),
        }
    }
}

fn group(parent: &Group, name: &str) -> Result<Group> {
    parent.group(name).map_err(|e| damaged(&format!("group `{name}`"), &e))
}

fn attributes(group: &Group, path: &str) -> Result<HashMap<String, AttrValue>> {
    group.attrs().map_err(|e| damaged(&format!("attributes of `{path}`"), &e))
}

fn text(value: &AttrValue) -> Option<String> {
    match value {
        AttrValue::String(text)
        | AttrValue::AsciiString(text)
        | AttrValue::VarLenString(text)
        | AttrValue::VarLenAsciiString(text)
        | AttrValue::StringSized { value: text, .. }
        | AttrValue::AsciiStringSized { value: text, .. } => Some(text.clone()),
        _ => None,
    }
}

/// A list of names among a group's attributes. A long one is in several: `layer_names0`, `layer_names1`. An empty one is of numbers.
fn names(group: &Group, key: &str, path: &str) -> Result<Vec<String>> {
    let attributes = attributes(group, path)?;
    let parts = (0..).map_while(|i| attributes.get(&format!("{key}{i}")));
    let parts: Vec<&AttrValue> = attributes.get(key).into_iter().chain(parts).collect();
    if parts.is_empty() {
        return Err(usage!("group `{path}` has no attribute `{key}`"));
    }
    let mut names = Vec::new();
    for part in parts {
        match part {
            AttrValue::StringArray(list)
            | AttrValue::AsciiStringArray(list)
            | AttrValue::VarLenStringArray(list)
            | AttrValue::VarLenAsciiStringArray(list)
            | AttrValue::VarLenAsciiCharArray(list)
            | AttrValue::StringArraySized { values: list, .. }
            | AttrValue::AsciiStringArraySized { values: list, .. } => names.extend(list.iter().cloned()),
            AttrValue::F64Array(empty) if empty.is_empty() => {}
            one => match text(one) {
                Some(name) => names.push(name),
                None => return Err(usage!("the attribute `{key}` of `{path}` is no list of names")),
            },
        }
    }
    Ok(names)
}
