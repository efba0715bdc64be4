//! Normalisations.

use super::message::Attribute;
use super::writer::{Layout, Name, Writer};
use crate::graph::Source;
use crate::layers::{BatchNormalization, LayerNormalization, Normalization};

/// The first version of the operators with LayerNormalization.
const LAYER_NORMALIZATION: i64 = 17;

impl Writer<'_> {
    /// Appends a batch normalisation by the moving moments, with the channels first.
    pub(super) fn batch_normalization(&mut self, source: Source, layer: &BatchNormalization) -> String {
        let x = self.tensor(source, Layout::ChannelsFirst);
        let channels = self.shape(source).last().copied().unwrap_or(1);
        let gamma = self.parameter("gamma", layer.scale, &[channels], 1.0);
        let beta = self.parameter("beta", layer.center, &[channels], 0.0);
        let [mean, variance] = ["moving_mean", "moving_variance"].map(|name| {
            let (shape, values) = self.weight(name);
            self.named(name, shape, values)
        });
        let attributes = vec![Attribute::float("epsilon", layer.epsilon)];
        self.node(Name::Layer, "BatchNormalization", &[&x, &gamma, &beta, &mean, &variance], attributes)
    }

    /// The layer's tensor `name`, or if it has none a constant of one value.
    fn parameter(&mut self, name: &str, is_there: bool, shape: &[usize], value: f32) -> String {
        match is_there {
            true => {
                let (shape, values) = self.weight(name);
                self.named(name, shape, values)
            }
            false => self.floats(name, shape, &vec![value; shape.iter().product()]),
        }
    }

    /// Appends a normalisation over the last axes, with the channels last.
    pub(super) fn layer_normalization(&mut self, source: Source, layer: &LayerNormalization, axes: &[usize]) -> String {
        let x = self.tensor(source, Layout::ChannelsLast);
        let count = axes.len();
        if self.opset >= LAYER_NORMALIZATION {
            let gamma = self.parameter("gamma", layer.scale, axes, 1.0);
            let beta = layer.center.then(|| self.parameter("beta", true, axes, 0.0));
            let inputs: Vec<&str> = [x.as_str(), &gamma].into_iter().chain(beta.as_deref()).collect();
            let attributes = vec![Attribute::int("axis", -(count as i64)), Attribute::float("epsilon", layer.epsilon)];
            return self.node(Name::Layer, "LayerNormalization", &inputs, attributes);
        }
        let rank = self.shape(source).len();
        let mean_over = |writer: &mut Self, of: &str, part: &str| {
            let axes = Attribute::ints("axes", rank + 1 - count..=rank);
            writer.node(Name::Part(part), "ReduceMean", &[of], vec![axes, Attribute::int("keepdims", 1)])
        };
        let mean = mean_over(self, &x, "mean");
        let centered = self.node(Name::Part("centered"), "Sub", &[&x, &mean], vec![]);
        let square = self.node(Name::Part("square"), "Mul", &[&centered, &centered], vec![]);
        let variance = mean_over(self, &square, "variance");
        let epsilon = self.scalar("epsilon", layer.epsilon);
        let sum = self.node(Name::Part("variance_and_epsilon"), "Add", &[&variance, &epsilon], vec![]);
        let deviation = self.node(Name::Part("deviation"), "Sqrt", &[&sum], vec![]);
        // The last of the nodes is the layer's.
        let name = |is_last: bool, part: &'static str| if is_last { Name::Layer } else { Name::Part(part) };
        let is_plain = !layer.scale && !layer.center;
        let mut y = self.node(name(is_plain, "normalized"), "Div", &[&centered, &deviation], vec![]);
        if layer.scale {
            let gamma = self.parameter("gamma", true, axes, 1.0);
            y = self.node(name(!layer.center, "scaled"), "Mul", &[&y, &gamma], vec![]);
        }
        if layer.center {
            let beta = self.parameter("beta", true, axes, 0.0);
            y = self.node(Name::Layer, "Add", &[&y, &beta], vec![]);
        }
        y
    }

    /// Appends a normalisation by `moments`, the means and deviations of the channels, one or as many as there are; returns the layout, too.
    pub(super) fn normalization(&mut self, source: Source, layer: &Normalization, moments: [Vec<f32>; 2]) -> String {
        let layout = self.layout(source);
        let x = self.tensor(source, layout);
        let rank = self.shape(source).len();
        let [mean, deviation] = [("mean", &moments[0]), ("deviation", &moments[1])].map(|(name, values)| {
            // One number for all is one for each axis, too.
            let mut shape = vec![1; rank];
            if let Some(last) = shape.last_mut() {
                *last = values.len();
            }
            self.floats(name, &layout.order(&shape), values)
        });
        match layer.invert {
            false => {
                let centered = self.node(Name::Part("centered"), "Sub", &[&x, &mean], vec![]);
                self.node(Name::Layer, "Div", &[&centered, &deviation], vec![])
            }
            true => {
                let scaled = self.node(Name::Part("scaled"), "Mul", &[&x, &deviation], vec![]);
                self.node(Name::Layer, "Add", &[&scaled, &mean], vec![])
            }
        }
    }
}
