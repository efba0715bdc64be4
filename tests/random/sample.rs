//! A random model with its batch, shown as a model file.

use super::training::Training;
use gpu_cnn::internals::verify::Case;
use gpu_cnn::{AnyLayer, Flatten, Functional};
use serde_json::Value;
use std::fmt;

/// A random model with its batch.
#[derive(Clone)]
pub(super) struct Sample {
    pub(super) model: Functional,
    /// Images in a batch.
    pub(super) batch: usize,
    /// Valid images in it, at most `batch`.
    pub(super) images: usize,
    /// Which dispatches and which profiles are compared on an adapter, and whether differences are finite ones, too.
    pub(super) turn: usize,
    pub(super) training: Training,
}

impl Sample {
    pub(super) fn case(&self) -> Case {
        self.training.of(Case { images: self.images, ..Case::new("random", self.batch, self.model.clone()) })
    }
}

/// A chain of layers named `a`, `b`, ..., then `flat` and three classes.
pub(super) fn chain(input: [usize; 3], layers: impl IntoIterator<Item = AnyLayer>) -> Functional {
    let (mut model, mut before) = (Functional::new(input), "input".to_owned());
    for (name, layer) in ('a'..='z').zip(layers) {
        model = model.add(&name.to_string(), layer, &[&before]);
        before = name.to_string();
    }
    end(model, &before, &Training::default())
}

/// The classes over the output of layer `last`.
pub(super) fn end(model: Functional, last: &str, training: &Training) -> Functional {
    model.add("flat", Flatten {}, &[last]).add("end", training.end(), &["flat"])
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, batch, images, turn, training } = self;
        writeln!(f, "# batch size {batch}, {images} images in the batch, turn {turn}\n# {training:?}")?;
        writeln!(f, "input = {:?}", model.input)?;
        for layer in &model.layers {
            writeln!(f, "\n[[layers]]")?;
            let Ok(Value::Object(fields)) = serde_json::to_value(layer) else { return Err(fmt::Error) };
            // JSON's strings, numbers, booleans and lists are TOML's; what is absent has no line.
            fields.iter().filter(|(_, value)| !value.is_null()).try_for_each(|(k, v)| writeln!(f, "{k} = {v}"))?;
        }
        Ok(())
    }
}

#[test]
fn a_sample_is_shown_as_the_model_file_it_is() {
    use gpu_cnn::internals::graph::ModelFile;
    use gpu_cnn::{Activation, Axes, Conv2D, LayerNormalization, MaxPooling2D, PReLU};
    let layers: [AnyLayer; 4] = [
        Conv2D::new(4, [2, 3]).activation(Activation::Relu).into(),
        MaxPooling2D::new(2).into(),
        LayerNormalization { axis: Axes::from([2, 3]), ..LayerNormalization::new() }.into(),
        PReLU::new().shared_axes([1, 2]).into(),
    ];
    let sample =
        Sample { model: chain([7, 8, 2], layers), batch: 3, images: 2, turn: 0, training: Training::default() };
    let file = ModelFile::parse(&format!("{sample:?}")).unwrap();
    assert_eq!(file.layers, sample.model.layers);
    assert_eq!(file.input, sample.model.input.map(Some));
}
