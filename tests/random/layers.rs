//! Random convolutions and pools, most of them behind a layer that takes their gradient.

use super::sample::{Sample, chain};
use super::training::Training;
use gpu_cnn::{
    Activation, AnyLayer, AveragePooling2D, Conv2D, DepthwiseConv2D, GlobalAveragePooling2D, GlobalMaxPooling2D,
    MaxPooling2D, MinPooling2D, Padding, SeparableConv2D,
};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// Batch, valid images and turn.
pub(super) fn batches() -> impl Strategy<Value = [usize; 3]> {
    (1..=3usize, 0..3usize, 0..64usize)
        .prop_map(|(batch, short, turn)| [batch, batch.saturating_sub(short).max(1), turn])
}

/// Height and width of a small image.
pub(super) fn extents() -> impl Strategy<Value = [usize; 2]> {
    [1..=9usize, 1..=9]
}

/// Numbers of channels: any, and those that divide by four or 16.
pub(super) fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![1..=12usize, 1..=40usize, select(vec![4, 8, 16, 20, 32, 40])]
}

/// Any activation; half of them none or a ReLU, which other kernels compute on the way.
pub(super) fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![Just(Activation::Linear), Just(Activation::Relu), select(Activation::ALL.to_vec())]
}

pub(super) fn paddings() -> impl Strategy<Value = Padding> {
    select(vec![Padding::Valid, Padding::Same])
}

/// A convolution of 1x1 that brings an image to `channels`, so that what follows has a gradient to hand on.
pub(super) fn stem(channels: usize) -> impl Strategy<Value = AnyLayer> {
    activations().prop_map(move |activation| Conv2D::new(channels, 1).activation(activation).into())
}

/// Strides with dilation 1, or dilation with strides 1; few have both, which is refused.
fn steps() -> impl Strategy<Value = [[usize; 2]; 2]> {
    let strides = [1..=3usize, 1..=3].prop_map(|strides| [strides, [1, 1]]);
    let dilation = [1..=3usize, 1..=3].prop_map(|dilation| [[1, 1], dilation]);
    let both = ([1..=2usize, 1..=2], [1..=2usize, 1..=2]).prop_map(|(strides, dilation)| [strides, dilation]);
    prop_oneof![4 => Just([[1, 1], [1, 1]]), 4 => strides, 4 => dilation, 1 => both]
}

/// A convolution of one of three kinds, and the channels that it takes.
fn convolution() -> impl Strategy<Value = (usize, AnyLayer)> {
    let kernel = prop_oneof![Just([3, 3]), [1..=5usize, 1..=5]];
    let whole = (select(vec![1, 1, 1, 2, 3, 4]), channels(), channels());
    (0..4usize, whole, kernel, steps(), paddings(), activations(), any::<bool>(), 1..=3usize).prop_map(
        |(kind, (groups, c_in, c_out), kernel, [strides, dilation], padding, activation, bias, multiplier)| match kind {
            0 | 1 => {
                let [c_in, filters] = [c_in, c_out].map(|c| c.div_ceil(groups) * groups);
                let conv = Conv2D::new(filters, kernel).strides(strides).padding(padding).dilation_rate(dilation);
                (c_in, conv.groups(groups).activation(activation).use_bias(bias).into())
            }
            2 => {
                let conv = DepthwiseConv2D::new(kernel).strides(strides).padding(padding).dilation_rate(dilation);
                (c_in, conv.depth_multiplier(multiplier).activation(activation).use_bias(bias).into())
            }
            _ => {
                let conv = SeparableConv2D::new(c_out, kernel).strides(strides).padding(padding);
                let conv = conv.dilation_rate(dilation).depth_multiplier(multiplier);
                (c_in, conv.activation(activation).use_bias(bias).into())
            }
        },
    )
}

/// A convolution over the few channels of an image, as the first layer of most models is.
fn first_layer() -> impl Strategy<Value = (usize, AnyLayer)> {
    let kernel = prop_oneof![Just([3, 3]), [1..=5usize, 1..=5]];
    let channels = (select(vec![1, 1, 2, 3]), select(vec![4, 5, 16, 32]));
    (channels, kernel, steps(), paddings(), activations(), any::<bool>()).prop_map(
        |((c_in, filters), kernel, [strides, dilation], padding, activation, bias)| {
            let conv = Conv2D::new(filters, kernel).strides(strides).padding(padding).dilation_rate(dilation);
            (c_in, conv.activation(activation).use_bias(bias).into())
        },
    )
}

/// Convolutions, over pixels or over another one, with and without a max pool after them.
pub(super) fn convolutions() -> impl Strategy<Value = Sample> {
    let with_stem =
        convolution().prop_flat_map(|(channels, layer)| (1..=2usize, stem(channels).prop_map(Some), Just(layer)));
    let over_pixels = prop_oneof![1 => convolution().boxed(), 2 => first_layer().boxed()];
    let over_pixels = over_pixels.prop_map(|(channels, layer)| (channels, None, layer));
    let layers = prop_oneof![3 => with_stem.boxed(), 2 => over_pixels.boxed()];
    let pool = option::of(prop_oneof![2 => Just([2, 2]), 1 => [1..=3usize, 1..=3]]);
    (batches(), extents(), layers, pool).prop_map(|([batch, images, turn], [h, w], (c, stem, layer), pool)| {
        let pool = pool.map(|size| MaxPooling2D::new(size).into());
        let model = chain([h, w, c], stem.into_iter().chain([layer]).chain(pool));
        Sample { model, batch, images, turn, training: Training::default() }
    })
}

fn pool() -> impl Strategy<Value = AnyLayer> {
    let size = prop_oneof![Just([2, 2]), [1..=4usize, 1..=4]];
    let strides = option::of([1..=4usize, 1..=4]);
    (0..5usize, size, strides, paddings(), any::<bool>()).prop_map(|(kind, size, strides, padding, keepdims)| {
        let strides = strides.unwrap_or(size);
        match kind {
            0 => MaxPooling2D::new(size).strides(strides).padding(padding).into(),
            1 => MinPooling2D::new(size).strides(strides).padding(padding).into(),
            2 => AveragePooling2D::new(size).strides(strides).padding(padding).into(),
            3 => GlobalMaxPooling2D { keepdims }.into(),
            _ => GlobalAveragePooling2D { keepdims }.into(),
        }
    })
}

/// Pools, after a convolution of 1x1 or of 2x2 that may have a fused ReLU, before another one or at the end.
pub(super) fn pools() -> impl Strategy<Value = Sample> {
    let stem = (channels(), activations(), any::<bool>()).prop_map(|(channels, activation, wide)| {
        let conv = Conv2D::new(channels, if wide { 2 } else { 1 }).padding(Padding::Same);
        AnyLayer::from(conv.activation(activation))
    });
    let after = option::of(channels().prop_map(|channels| AnyLayer::from(Conv2D::new(channels, 1))));
    (batches(), extents(), 1..=2usize, stem, pool(), after).prop_map(
        |([batch, images, turn], [h, w], c, stem, pool, after)| Sample {
            model: chain([h, w, c], [stem, pool].into_iter().chain(after)),
            batch,
            images,
            turn,
            training: Training::default(),
        },
    )
}
