//! The nodes of each layer: a layer that is not here does not compile.

use super::functions::Rectifier;
use super::joins::Join;
use super::message::Attribute;
use super::windows::{Groups, Reduction, Windows};
use super::writer::{Layout, Name, Value, Writer};
use crate::error::Result;
use crate::graph::{Node, Source};
use crate::kernels::Padding;
use crate::kernels::norm::MIN_DEVIATION;
use crate::layers::{Activation, AnyLayer, Normalization, PReLU, Pair};

impl Writer<'_> {
    /// Appends the nodes of `node`, of which one has its name, for inference.
    pub(super) fn append(&mut self, node: &Node) -> Result<Value> {
        self.begin(&node.name);
        let x = node.inputs.first().copied().unwrap_or(Source::Input);
        let shape = &node.output[..];
        let first = |tensor| Value::new(shape, Layout::ChannelsFirst, tensor);
        Ok(match &node.layer {
            AnyLayer::Conv2D(l) => {
                let windows = windows(l.kernel_size, l.strides, l.dilation_rate, l.padding);
                let input = (&*self.tensor(x, Layout::ChannelsFirst), self.shape(x));
                let y = self.convolution(Name::Layer, input, windows, ("kernel", Groups::Of(l.groups)), l.use_bias)?;
                self.activated(first(y), l.activation)
            }
            AnyLayer::DepthwiseConv2D(l) => {
                let windows = windows(l.kernel_size, l.strides, l.dilation_rate, l.padding);
                let input = (&*self.tensor(x, Layout::ChannelsFirst), self.shape(x));
                let y = self.convolution(Name::Layer, input, windows, ("kernel", Groups::EachChannel), l.use_bias)?;
                self.activated(first(y), l.activation)
            }
            AnyLayer::SeparableConv2D(l) => {
                let each = windows(l.kernel_size, l.strides, l.dilation_rate, l.padding);
                let input = (&*self.tensor(x, Layout::ChannelsFirst), self.shape(x));
                let kernel = ("depthwise_kernel", Groups::EachChannel);
                let between = self.convolution(Name::Part("depthwise"), input, each, kernel, false)?;
                let pixels = windows(1.into(), 1.into(), 1.into(), Padding::Valid);
                let kernel = ("pointwise_kernel", Groups::Of(1));
                let y = self.convolution(Name::Layer, (&between, shape), pixels, kernel, l.use_bias)?;
                self.activated(first(y), l.activation)
            }
            AnyLayer::MaxPooling2D(l) => {
                first(self.pool(x, pool(l.pool_size, l.strides, l.padding), Reduction::Max)?)
            }
            AnyLayer::MinPooling2D(l) => {
                first(self.pool(x, pool(l.pool_size, l.strides, l.padding), Reduction::Min)?)
            }
            AnyLayer::AveragePooling2D(l) => {
                first(self.pool(x, pool(l.pool_size, l.strides, l.padding), Reduction::Average)?)
            }
            AnyLayer::GlobalMaxPooling2D(_) => self.global_pool(x, shape, "GlobalMaxPool"),
            AnyLayer::GlobalAveragePooling2D(_) => self.global_pool(x, shape, "GlobalAveragePool"),
            AnyLayer::Flatten(_) => {
                let x = self.tensor(x, Layout::ChannelsLast);
                let y = self.node(Name::Layer, "Flatten", &[&x], vec![Attribute::int("axis", 1)]);
                Value::new(shape, Layout::ChannelsLast, y)
            }
            AnyLayer::Reshape(_) => {
                let x = self.tensor(x, Layout::ChannelsLast);
                Value::new(shape, Layout::ChannelsLast, self.reshaped(Name::Layer, &x, shape))
            }
            AnyLayer::ZeroPadding2D(l) => self.in_layout(x, shape, |writer, x, layout| {
                let [[top, bottom], [left, right]] = l.padding;
                let sides = [[top, left, 0], [bottom, right, 0]].map(|side| layout.order(&side));
                // Before and after each axis, of which the first is the batch's.
                let pads: Vec<i64> =
                    sides.iter().flat_map(|side| [0].into_iter().chain(side.iter().map(|n| *n as i64))).collect();
                let pads = writer.ints("pads", &pads);
                writer.node(Name::Layer, "Pad", &[x, &pads], vec![])
            }),
            AnyLayer::Dense(l) => {
                let y = self.dense(x, l.use_bias);
                self.activated(Value::new(shape, Layout::ChannelsLast, y), l.activation)
            }
            AnyLayer::Activation(l) => self.function(x, shape, l.activation),
            AnyLayer::Softmax(_) => self.function(x, shape, Activation::Softmax),
            AnyLayer::ReLU(l) => self.in_layout(x, shape, |writer, x, _| {
                let (max_value, negative_slope, threshold) = (l.max_value, l.negative_slope, l.threshold);
                writer.rectifier(x, Rectifier { max_value, negative_slope, threshold }, Name::Layer)
            }),
            AnyLayer::LeakyReLU(l) => self.in_layout(x, shape, |writer, x, _| {
                let rectifier = Rectifier { max_value: None, negative_slope: l.negative_slope, threshold: 0.0 };
                writer.rectifier(x, rectifier, Name::Layer)
            }),
            AnyLayer::PReLU(PReLU { .. }) => self.in_layout(x, shape, |writer, x, layout| {
                let (shape, values) = writer.weight("alpha");
                let alpha = writer.named("alpha", &layout.order(shape), &in_layout(values, shape, layout));
                writer.node(Name::Layer, "PRelu", &[x, &alpha], vec![])
            }),
            AnyLayer::ELU(l) => self.in_layout(x, shape, |writer, x, _| writer.elu(x, l.alpha, Name::Layer)),
            AnyLayer::Rescaling(l) => {
                self.in_layout(x, shape, |writer, x, _| writer.affine(x, [l.scale, l.offset], Name::Layer))
            }
            AnyLayer::BatchNormalization(l) => first(self.batch_normalization(x, l)),
            AnyLayer::LayerNormalization(l) => {
                let y = self.layer_normalization(x, l, l.normalized(self.shape(x))?);
                Value::new(shape, Layout::ChannelsLast, y)
            }
            AnyLayer::Normalization(l) => {
                let moments = self.moments(l, shape)?;
                let layout = self.layout(x);
                Value::new(shape, layout, self.normalization(x, l, moments))
            }
            // What they do, they do in training.
            AnyLayer::RandomFlip(_)
            | AnyLayer::RandomTranslation(_)
            | AnyLayer::RandomRotation(_)
            | AnyLayer::RandomZoom(_)
            | AnyLayer::RandomBrightness(_)
            | AnyLayer::RandomContrast(_)
            | AnyLayer::Dropout(_)
            | AnyLayer::SpatialDropout2D(_) => self.function(x, shape, Activation::Linear),
            AnyLayer::Add(_) => self.join(&node.inputs, shape, Join::Add),
            AnyLayer::Subtract(_) => self.join(&node.inputs, shape, Join::Subtract),
            AnyLayer::Multiply(_) => self.join(&node.inputs, shape, Join::Multiply),
            AnyLayer::Average(_) => self.join(&node.inputs, shape, Join::Average),
            AnyLayer::Maximum(_) => self.join(&node.inputs, shape, Join::Maximum),
            AnyLayer::Concatenate(l) => self.concatenate(&node.inputs, shape, l.index(shape.len())?),
        })
    }

    /// The value of what `append` makes of `x` in the layout that it is held in, which the result has, too.
    fn in_layout(
        &mut self,
        x: Source,
        shape: &[usize],
        append: impl FnOnce(&mut Self, &str, Layout) -> String,
    ) -> Value {
        let layout = self.layout(x);
        let x = self.tensor(x, layout);
        let y = append(self, &x, layout);
        Value::new(shape, layout, y)
    }

    /// An activation as a layer of its own.
    fn function(&mut self, x: Source, shape: &[usize], activation: Activation) -> Value {
        self.in_layout(x, shape, |writer, x, layout| match activation {
            Activation::Linear => writer.node(Name::Layer, "Identity", &[x], vec![]),
            _ => writer.activation(x.to_owned(), activation, layout.channels(), Name::Layer),
        })
    }

    /// The activation that follows a layer's own sum `y`.
    fn activated(&mut self, mut y: Value, activation: Activation) -> Value {
        let layout = y.layout();
        let x = self.turned(&mut y, layout);
        let activated = self.activation(x, activation, layout.channels(), Name::Part("activation"));
        Value::new(&y.shape, layout, activated)
    }

    fn global_pool(&mut self, x: Source, shape: &[usize], op: &str) -> Value {
        let x = self.tensor(x, Layout::ChannelsFirst);
        let y = self.node(Name::Layer, op, &[&x], vec![]);
        match shape.len() {
            1 => {
                let flat = self.node(Name::Part("flat"), "Flatten", &[&y], vec![Attribute::int("axis", 1)]);
                Value::new(shape, Layout::ChannelsLast, flat)
            }
            _ => Value::new(shape, Layout::ChannelsFirst, y),
        }
    }

    /// The sums of a dense layer over the last axis.
    fn dense(&mut self, x: Source, use_bias: bool) -> String {
        let rank = self.shape(x).len();
        let x = self.tensor(x, Layout::ChannelsLast);
        let (shape, values) = self.weight("kernel");
        let kernel = self.named("kernel", shape, values);
        let bias = use_bias.then(|| {
            let (shape, values) = self.weight("bias");
            self.named("bias", shape, values)
        });
        match (rank, bias) {
            (1, bias) => {
                let inputs: Vec<&str> = [&*x, &kernel].into_iter().chain(bias.as_deref()).collect();
                self.node(Name::Layer, "Gemm", &inputs, vec![])
            }
            (_, None) => self.node(Name::Layer, "MatMul", &[&x, &kernel], vec![]),
            (_, Some(bias)) => {
                let product = self.node(Name::Layer, "MatMul", &[&x, &kernel], vec![]);
                self.node(Name::Part("with_bias"), "Add", &[&product, &bias], vec![])
            }
        }
    }

    /// Means and deviations by which `layer` normalizes, one or as many as there are channels.
    fn moments(&self, layer: &Normalization, shape: &[usize]) -> Result<[Vec<f32>; 2]> {
        let channels = shape.last().copied().unwrap_or(1);
        let of_state = || ["mean", "variance"].map(|name| self.weight(name).1.iter().map(|v| f64::from(*v)).collect());
        let [mean, variance] = layer.moments(channels)?.unwrap_or_else(of_state);
        let deviations = variance.into_iter().map(|variance: f64| variance.sqrt().max(MIN_DEVIATION) as f32);
        Ok([mean.into_iter().map(|mean| mean as f32).collect(), deviations.collect()])
    }
}

fn windows(size: Pair, strides: Pair, dilation: Pair, padding: Padding) -> Windows {
    Windows { size, strides, dilation, padding }
}

fn pool(size: Pair, strides: Option<Pair>, padding: Padding) -> Windows {
    windows(size, strides.unwrap_or(size), 1.into(), padding)
}

/// `values`, whose channels are last, in `layout`.
fn in_layout(values: &[f32], shape: &[usize], layout: Layout) -> Vec<f32> {
    match (layout, shape.last()) {
        (Layout::ChannelsFirst, Some(&channels)) => {
            (0..channels).flat_map(|c| values.iter().skip(c).step_by(channels)).copied().collect()
        }
        _ => values.to_vec(),
    }
}
