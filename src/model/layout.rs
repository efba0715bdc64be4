//! Shape inference, layer names, and where every parameter lies in the arena.

use super::Sequential;
use crate::error::{Error, Result, usage};
use crate::kernels::{Activation, Init};
use crate::plan::SLICE_ALIGN;
use std::collections::HashMap;

/// One parameter in the arena.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// `conv2d_1.kernel`.
    pub name: String,
    /// In Keras's layout.
    pub shape: Vec<usize>,
    /// First float in the arena.
    pub offset: usize,
    /// How it starts.
    pub init: Init,
}

impl Tensor {
    /// Floats.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A layer once its input is known.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerInfo {
    /// Keras's name: `conv2d`, `conv2d_1`, ...
    pub name: String,
    /// One image's input.
    pub input: Vec<usize>,
    /// One image's output.
    pub output: Vec<usize>,
    /// Its parameters, a range of [`Layout::tensors`].
    pub tensors: std::ops::Range<usize>,
}

/// Names, shapes and the parameter arena of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// As the model's layers.
    pub layers: Vec<LayerInfo>,
    /// All parameters; a layer's lie side by side, each layer's block starts at a multiple of [`SLICE_ALIGN`].
    pub tensors: Vec<Tensor>,
    /// Floats of the arena.
    pub arena_len: usize,
    /// Outputs of the last layer.
    pub classes: usize,
}

impl Layout {
    /// The parameters' block of layer `i`: first float and length.
    pub fn block(&self, i: usize) -> (usize, usize) {
        let tensors = &self.tensors[self.layers[i].tensors.clone()];
        (tensors.first().map_or(0, |t| t.offset), tensors.iter().map(Tensor::size).sum())
    }
}

/// No buffer may have more elements: the shaders count in 32 bits.
pub(super) const MAX_ELEMENTS: usize = 1 << 30;

fn checked_len(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= MAX_ELEMENTS)
}

impl Sequential {
    /// Infers shapes, names the layers and lays out the parameters, or says which layer does not fit.
    pub fn layout(&self) -> Result<Layout> {
        let classes = self.classes()?;
        let [h, w, c] = self.input;
        if h == 0 || w == 0 || c == 0 {
            return Err(usage!("images of {:?}: height, width and channels must be at least 1", self.input));
        }
        if checked_len(&self.input).is_none() {
            return Err(usage!("images of {:?} are more than {MAX_ELEMENTS} numbers", self.input));
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut layout = Layout { layers: Vec::new(), tensors: Vec::new(), arena_len: 0, classes };
        let mut shape = self.input.to_vec();
        for (i, layer) in self.layers.iter().enumerate() {
            let spec = layer.spec();
            let count = seen.entry(spec.base_name()).or_default();
            let name = if *count == 0 { spec.base_name().to_owned() } else { format!("{}_{count}", spec.base_name()) };
            *count += 1;
            let in_layer = |e: Error| Error::Usage(format!("layer {} `{name}`: {e}", i + 1));
            if spec.activation() == Activation::Softmax && i + 1 < self.layers.len() {
                return Err(in_layer(usage!("softmax is for the last layer only")));
            }
            let output = spec.output_shape(&shape).map_err(in_layer)?;
            if checked_len(&output).is_none() {
                return Err(in_layer(usage!("an output of {output:?} is more than {MAX_ELEMENTS} numbers")));
            }
            let first = layout.tensors.len();
            let mut offset = layout.arena_len;
            for param in spec.params(&shape) {
                let too_many =
                    || in_layer(usage!("its {} of {:?} is more than {MAX_ELEMENTS} numbers", param.name, param.shape));
                let size = checked_len(&param.shape).ok_or_else(too_many)?;
                layout.tensors.push(Tensor {
                    name: format!("{name}.{}", param.name),
                    shape: param.shape,
                    offset,
                    init: param.init,
                });
                offset += size;
            }
            layout.arena_len = offset.next_multiple_of(SLICE_ALIGN);
            layout.layers.push(LayerInfo {
                name,
                input: shape,
                output: output.clone(),
                tensors: first..layout.tensors.len(),
            });
            shape = output;
        }
        Ok(layout)
    }
}
