//! Cases with pools, alone and after a convolution.

use super::case::{Case, case, images};
use crate::graph::Sequential;
use crate::layers::Activation::{Relu, Softmax};
use crate::layers::Padding::Same;
use crate::layers::{
    AveragePooling2D, Conv2D, Dense, Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D, MinPooling2D,
};

/// Pools that are no maxima, over every kind of window, and global ones.
pub(super) fn other_pools() -> Vec<Case> {
    let conv = |channels: usize| images(9, 7, 1).add(Conv2D::new(channels, 2).activation(Relu));
    let end = |model: Sequential| model.add(Flatten {}).add(Dense::new(3).activation(Softmax));
    vec![
        case("average pool", 2, end(conv(4).add(AveragePooling2D::new(2)))),
        case("average pool, overlapping", 3, end(conv(5).add(AveragePooling2D::new(3).strides(2)))),
        case("average pool, same padding", 2, end(conv(4).add(AveragePooling2D::new([4, 5]).strides(2).padding(Same)))),
        case(
            "average pool, same padding, stride 1",
            2,
            end(conv(3).add(AveragePooling2D::new([2, 4]).strides(1).padding(Same))),
        ),
        case("average pool, gaps", 2, end(conv(3).add(AveragePooling2D::new([1, 2]).strides([3, 4])))),
        case(
            "average pool first, then a fused pool",
            2,
            end(images(12, 12, 2)
                .add(AveragePooling2D::new(2))
                .add(Conv2D::new(4, 1))
                .add(MaxPooling2D::new(2))
                .add(AveragePooling2D::new(2).strides(1))),
        ),
        case("min pool", 2, end(conv(4).add(MinPooling2D::new(2)))),
        case("min pool, overlapping, same padding", 3, end(conv(5).add(MinPooling2D::new(3).strides(2).padding(Same)))),
        Case {
            levels: 2,
            ..case(
                "min pool, ties",
                3,
                end(images(8, 8, 1)
                    .add(MinPooling2D::new(2))
                    .add(Conv2D::new(3, 1).activation(Relu))
                    .add(MinPooling2D::new(2))),
            )
        },
        case(
            "global average pool",
            3,
            conv(8).add(GlobalAveragePooling2D::default()).add(Dense::new(3).activation(Softmax)),
        ),
        case("global max pool", 3, conv(5).add(GlobalMaxPooling2D::default()).add(Dense::new(3).activation(Softmax))),
        case(
            "global average pool that keeps its axes",
            2,
            end(conv(5).add(GlobalAveragePooling2D { keepdims: true }).add(Conv2D::new(4, 1))),
        ),
        case(
            "global max pool that keeps its axes",
            2,
            end(conv(4).add(GlobalMaxPooling2D { keepdims: true }).add(Conv2D::new(3, 1))),
        ),
    ]
}

/// Pools of every kind: fused with their convolution or not, with ties, gaps and overlaps.
pub(super) fn pooled() -> Vec<Case> {
    vec![
        case(
            "pool",
            2,
            images(6, 7, 1)
                .add(Conv2D::new(3, 2).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "pool first",
            2,
            images(6, 6, 2).add(MaxPooling2D::new(2)).add(Flatten {}).add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "pool, overlapping",
            2,
            images(8, 8, 1)
                .add(Conv2D::new(4, 2).activation(Relu))
                .add(MaxPooling2D::new(3).strides(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "pool, stride 1, overlapping in several windows",
            2,
            images(7, 6, 1)
                .add(Conv2D::new(5, 1))
                .add(MaxPooling2D::new([3, 4]).strides(1))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "pool, stride larger than the window",
            2,
            images(9, 9, 1)
                .add(Conv2D::new(4, 2))
                .add(MaxPooling2D::new(2).strides(3))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "pool, same padding",
            2,
            images(7, 5, 1)
                .add(Conv2D::new(4, 2).activation(Relu))
                .add(MaxPooling2D::new(3).strides(2).padding(Same))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "pool, same padding on every side",
            2,
            images(7, 5, 1)
                .add(Conv2D::new(3, 2).activation(Relu))
                .add(MaxPooling2D::new([4, 5]).strides(2).padding(Same))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "pool after pool",
            2,
            images(13, 17, 1)
                .add(Conv2D::new(4, 2).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(MaxPooling2D::new([2, 3]).strides([2, 4]))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool, odd sizes",
            3,
            images(11, 14, 1)
                .add(Conv2D::new(5, 3).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Conv2D::new(6, [2, 3]).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool, no activation, many filters",
            2,
            images(8, 7, 2)
                .add(Conv2D::new(37, 3))
                .add(MaxPooling2D::new(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool of 3x3 and of 2x3",
            2,
            images(16, 17, 1)
                .add(Conv2D::new(4, 3).activation(Relu))
                .add(MaxPooling2D::new(3))
                .add(Conv2D::new(36, 2).activation(Relu))
                .add(MaxPooling2D::new([2, 3]))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool, stride and padding",
            2,
            images(13, 12, 3)
                .add(Conv2D::new(5, 3).strides(2).padding(Same).activation(Relu))
                .add(MaxPooling2D::new([1, 2]).strides([2, 2]))
                .add(Conv2D::new(8, 3).padding(Same).activation(Relu))
                .add(MaxPooling2D::new([2, 1]))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool of few channels, same padding, then unequal strides",
            2,
            images(8, 14, 1)
                .add(Conv2D::new(2, 3).padding(Same).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Conv2D::new(4, 2).strides([1, 2]).activation(Relu))
                .add(MaxPooling2D::new([3, 2]))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool with Winograd",
            3,
            images(9, 10, 16)
                .add(Conv2D::new(20, 3).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool, gaps between windows, an odd channel count",
            2,
            images(12, 13, 3)
                .add(Conv2D::new(6, [5, 3]).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Conv2D::new(7, 1).activation(Relu))
                .add(MaxPooling2D::new(2).strides([2, 3]))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool with Winograd, same padding, after a ReLU and after a pool",
            2,
            images(9, 8, 2)
                .add(Conv2D::new(16, 1).activation(Relu))
                .add(Conv2D::new(16, 3).padding(Same).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Conv2D::new(36, 3).padding(Same))
                .add(MaxPooling2D::new(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv and pool of 5x6, after an unfused convolution and an overlapping pool",
            2,
            images(14, 16, 4)
                .add(Conv2D::new(8, 3).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(MaxPooling2D::new(2).strides(1))
                .add(Conv2D::new(4, 1).activation(Relu))
                .add(MaxPooling2D::new([5, 6]))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        // Without a bias, what is convolved from black pixels is zero, where the ReLU is inactive.
        Case {
            levels: 2,
            ..case(
                "conv and pool, sums that are zero",
                3,
                images(8, 8, 1)
                    .add(Conv2D::new(5, 1).use_bias(false).activation(Relu))
                    .add(MaxPooling2D::new(2))
                    .add(Flatten {})
                    .add(Dense::new(3).activation(Softmax)),
            )
        },
        Case {
            levels: 2,
            ..case(
                "pool, ties",
                3,
                images(8, 8, 1)
                    .add(MaxPooling2D::new(2))
                    .add(Conv2D::new(3, 1).activation(Relu))
                    .add(MaxPooling2D::new(2))
                    .add(Flatten {})
                    .add(Dense::new(3).activation(Softmax)),
            )
        },
    ]
}
