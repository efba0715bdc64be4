//! Cases of convolutions: dilated, in groups, without bias.

use super::case::{Case, case, images};
use crate::graph::Sequential;
use crate::layers::Activation::{Relu, Softmax};
use crate::layers::Padding::Same;
use crate::layers::{Conv2D, Dense, DepthwiseConv2D, Flatten, MaxPooling2D, SeparableConv2D};

/// Convolutions beyond those that the tutorial has.
pub(super) fn convolutions() -> Vec<Case> {
    let end = |model: Sequential| model.add(Flatten {}).add(Dense::new(3).activation(Softmax));
    let conv = |filters, kernel_size: usize| Conv2D::new(filters, kernel_size);
    vec![
        case(
            "conv, dilated, 1 channel and 3 channels",
            2,
            end(images(9, 8, 1)
                .add(conv(3, 3).dilation_rate(2).activation(Relu))
                .add(Conv2D::new(4, [2, 3]).dilation_rate([3, 1]).padding(Same))),
        ),
        case(
            "conv, dilated, channel counts that are multiples of four, same padding, under a pool",
            3,
            end(images(9, 10, 4)
                .add(conv(8, 3).dilation_rate([2, 1]).padding(Same).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(conv(20, 3).dilation_rate(2).padding(Same).activation(Relu))
                .add(MaxPooling2D::new([2, 1]))),
        ),
        case(
            "conv, two groups, odd channels",
            2,
            end(images(6, 7, 2)
                .add(conv(6, 3).groups(2).activation(Relu))
                .add(conv(10, 2).groups(2).strides(2).padding(Same).activation(Relu))),
        ),
        case(
            "conv, groups of four channels, then a pool that cannot be fused",
            3,
            end(images(7, 7, 1)
                .add(conv(12, 2).activation(Relu))
                .add(conv(24, 3).groups(3).padding(Same).activation(Relu))
                .add(MaxPooling2D::new(2))),
        ),
        case(
            "conv, groups of one channel",
            2,
            end(images(5, 6, 3).add(conv(6, 3).groups(3)).add(conv(6, 2).groups(6).padding(Same).activation(Relu))),
        ),
        case(
            "conv, groups, dilated, without bias",
            2,
            end(images(8, 9, 4).add(conv(36, 3).groups(2).dilation_rate([1, 2]).use_bias(false).activation(Relu))),
        ),
        case(
            "conv and dense without bias",
            3,
            images(6, 7, 1)
                .add(conv(5, 3).use_bias(false).activation(Relu))
                .add(conv(8, 2).use_bias(false).padding(Same))
                .add(conv(4, 3).strides(2).use_bias(false).activation(Relu))
                .add(Flatten {})
                .add(Dense::new(9).use_bias(false).activation(Relu))
                .add(Dense::new(4).use_bias(false))
                .add(Dense::new(3).use_bias(false).activation(Softmax)),
        ),
        case(
            "conv without bias under pools",
            2,
            end(images(13, 12, 1)
                .add(conv(4, 3).use_bias(false).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(conv(20, 3).use_bias(false).activation(Relu))
                .add(MaxPooling2D::new([1, 2]))),
        ),
        case(
            "dense without bias, a split sum",
            2,
            images(24, 24, 1)
                .add(Flatten {})
                .add(Dense::new(5).use_bias(false).activation(Relu))
                .add(Dense::new(3).activation(Softmax)),
        ),
    ]
}

/// Depthwise and separable convolutions.
pub(super) fn depthwise() -> Vec<Case> {
    let end = |model: Sequential| model.add(Flatten {}).add(Dense::new(3).activation(Softmax));
    let depthwise = |kernel_size: usize| DepthwiseConv2D::new(kernel_size);
    vec![
        case(
            "depthwise, odd channels, after a ReLU",
            2,
            end(images(7, 6, 1)
                .add(Conv2D::new(5, 2).activation(Relu))
                .add(depthwise(3).activation(Relu))
                .add(depthwise(2).strides([1, 2]).padding(Same))),
        ),
        case(
            "depthwise, channels that divide by four, same padding with strides, under a pool",
            3,
            end(images(11, 9, 4)
                .add(depthwise(3).padding(Same).activation(Relu))
                .add(MaxPooling2D::new([1, 2]))
                .add(DepthwiseConv2D::new([4, 2]).strides([2, 3]).padding(Same))
                .add(Conv2D::new(8, 1))
                .add(depthwise(2).use_bias(false))),
        ),
        case(
            "depthwise, several pixels at a time or not, dilated, even kernels",
            3,
            end(images(13, 11, 4)
                .add(DepthwiseConv2D::new([2, 3]).dilation_rate([3, 2]).padding(Same).activation(Relu))
                .add(DepthwiseConv2D::new([3, 4]).padding(Same))
                .add(DepthwiseConv2D::new([2, 14]).padding(Same))),
        ),
        case(
            "depthwise, rows of taps one after the other, then blocks, through strides",
            2,
            end(images(15, 13, 4)
                .add(depthwise(7).padding(Same).activation(Relu))
                .add(DepthwiseConv2D::new([9, 3]).strides([3, 1]).padding(Same))
                .add(depthwise(3).strides(2).padding(Same))),
        ),
        case(
            "depthwise, several filters a channel, dilated",
            2,
            end(images(8, 9, 1)
                .add(depthwise(3).depth_multiplier(4).activation(Relu))
                .add(depthwise(2).depth_multiplier(2).dilation_rate([2, 3]).padding(Same))
                .add(depthwise(1).depth_multiplier(3))),
        ),
        case(
            "depthwise, many pixels, stride larger than the kernel, 5x5",
            2,
            end(images(31, 29, 3)
                .add(depthwise(5).padding(Same).depth_multiplier(2))
                .add(depthwise(2).strides(3).activation(Relu))),
        ),
        case(
            "separable",
            2,
            end(images(8, 7, 2)
                .add(SeparableConv2D::new(5, 3).activation(Relu))
                .add(SeparableConv2D::new(8, [2, 3]).strides(2).padding(Same).depth_multiplier(3).use_bias(false))),
        ),
        case(
            "separable, dilated, after a fused pool",
            3,
            end(images(13, 12, 1)
                .add(Conv2D::new(4, 3).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(SeparableConv2D::new(4, 2).dilation_rate(2).activation(Relu))),
        ),
    ]
}

/// Convolutions with enough channels to fill SIMD vectors.
pub(super) fn wide_convolutions() -> Vec<Case> {
    let end = |model: Sequential| model.add(Flatten {}).add(Dense::new(3).activation(Softmax));
    vec![
        case(
            "wide, dilated and in groups",
            3,
            end(images(9, 8, 3)
                .add(Conv2D::new(48, 3).dilation_rate(2).activation(Relu))
                .add(Conv2D::new(66, 3).groups(3).padding(Same).activation(Relu))
                .add(Conv2D::new(40, [3, 2]).groups(2).dilation_rate([1, 2]).padding(Same))),
        ),
        case(
            "wide, dilated, 1 channel, under a 2x2 pool",
            5,
            end(images(13, 12, 1).add(Conv2D::new(16, 3).dilation_rate(2).activation(Relu)).add(MaxPooling2D::new(2))),
        ),
        case(
            "wide, depthwise, 32, 36 and 72 channels",
            6,
            end(images(9, 8, 3)
                .add(Conv2D::new(32, 1).activation(Relu))
                .add(DepthwiseConv2D::new(3).padding(Same).activation(Relu))
                .add(SeparableConv2D::new(36, 3).strides(2).padding(Same).activation(Relu))
                .add(DepthwiseConv2D::new([4, 5]).padding(Same).depth_multiplier(2))),
        ),
        case(
            "wide, 3x3 with Winograd, without a pool, odd sizes",
            5,
            end(images(9, 8, 3)
                .add(Conv2D::new(32, 3).activation(Relu))
                .add(Conv2D::new(48, 3).padding(Same).activation(Relu))
                .add(Conv2D::new(16, 3).use_bias(false))
                .add(Conv2D::new(32, 3).padding(Same).activation(Relu))),
        ),
        case(
            "wide, 1x1, and 3x3 of a patch that is larger than the L1 cache",
            3,
            end(images(7, 6, 3)
                .add(Conv2D::new(33, 1).activation(Relu))
                .add(Conv2D::new(19, 3).padding(Same).activation(Relu))
                .add(Conv2D::new(34, 1).use_bias(false))),
        ),
        case(
            "wide, without bias, under a 2x2 pool",
            3,
            end(images(9, 8, 3)
                .add(Conv2D::new(32, 3).use_bias(false).activation(Relu))
                .add(Conv2D::new(48, 3).use_bias(false).padding(Same).activation(Relu))
                .add(MaxPooling2D::new(2))),
        ),
    ]
}
