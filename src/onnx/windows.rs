//! Convolutions and pools, with the channels first.

use super::message::Attribute;
use super::writer::{Layout, Name, Writer};
use crate::error::Result;
use crate::graph::Source;
use crate::kernels::{Padding, WindowAxis};
use crate::layers::Pair;

/// How windows slide over an image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) size: Pair,
    pub(super) strides: Pair,
    pub(super) dilation: Pair,
    pub(super) padding: Padding,
}

impl Windows {
    /// As attributes over an image of shape `input`; the padding is written out for each side.
    fn attributes(self, input: &[usize]) -> Result<Vec<Attribute>> {
        let Self { size, strides, dilation, padding } = self;
        let axes = [
            WindowAxis::dilated(input[0], size.h, strides.h, dilation.h, padding)?,
            WindowAxis::dilated(input[1], size.w, strides.w, dilation.w, padding)?,
        ];
        let before = axes.map(|axis| axis.pad);
        let after = axes.map(|axis| axis.span().saturating_sub(axis.pad + axis.input));
        Ok(vec![
            Attribute::ints("kernel_shape", axes.map(|axis| axis.kernel)),
            Attribute::ints("strides", axes.map(|axis| axis.stride)),
            Attribute::ints("pads", before.into_iter().chain(after)),
            Attribute::ints("dilations", axes.map(|axis| axis.dilation)),
        ])
    }
}

/// A kernel [h, w, a, b] as [b, a, h, w].
fn turned(values: &[f32], [h, w, a, b]: [usize; 4]) -> Vec<f32> {
    let mut turned = Vec::with_capacity(values.len());
    for b_at in 0..b {
        for a_at in 0..a {
            turned.extend((0..h * w).map(|tap| values[(tap * a + a_at) * b + b_at]));
        }
    }
    turned
}

/// Which channels a filter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// Those of its group, of so many. The kernel is [h, w, channels / groups, filters].
    Of(usize),
    /// One; the kernel is [h, w, channels, filters of each].
    EachChannel,
}

/// What becomes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reduction {
    Max,
    Min,
    /// Over the pixels inside the image.
    Average,
}

impl Writer<'_> {
    /// Appends a convolution of `x`, [N, channels, height, width], whose images have the shape `input`, by the weight `kernel`, and adds the
    /// layer's bias if `with_bias` and there is one.
    pub(super) fn convolution(
        &mut self,
        name: Name<'_>,
        (x, input): (&str, &[usize]),
        windows: Windows,
        (kernel, groups): (&str, Groups),
        with_bias: bool,
    ) -> Result<String> {
        let attributes = windows.attributes(input)?;
        let (shape, values) = self.weight(kernel);
        let [h, w, a, b] = <[usize; 4]>::try_from(shape).unwrap_or_default();
        let (groups, a, b) = match groups {
            Groups::Of(groups) => (groups, a, b),
            Groups::EachChannel => (a, 1, a * b),
        };
        let kernel = self.named(kernel, &[b, a, h, w], &turned(values, [h, w, a, b]));
        let bias = with_bias.then(|| {
            let (shape, values) = self.weight("bias");
            self.named("bias", shape, values)
        });
        let inputs: Vec<&str> = [x, &kernel].into_iter().chain(bias.as_deref()).collect();
        let group = Attribute::int("group", groups as i64);
        Ok(self.node(name, "Conv", &inputs, [attributes, vec![group]].concat()))
    }

    /// Appends a pool of `source`.
    pub(super) fn pool(&mut self, source: Source, windows: Windows, reduction: Reduction) -> Result<String> {
        let mut attributes = windows.attributes(self.shape(source))?;
        // Those of pools have none in the oldest versions.
        attributes.retain(|attribute| attribute.name.as_deref() != Some("dilations"));
        let x = self.tensor(source, Layout::ChannelsFirst);
        Ok(match reduction {
            Reduction::Max => self.node(Name::Layer, "MaxPool", &[&x], attributes),
            Reduction::Min => {
                let negative = self.node(Name::Part("negative"), "Neg", &[&x], vec![]);
                let max = self.node(Name::Layer, "MaxPool", &[&negative], attributes);
                self.node(Name::Part("min"), "Neg", &[&max], vec![])
            }
            Reduction::Average => {
                attributes.push(Attribute::int("count_include_pad", 0));
                self.node(Name::Layer, "AveragePool", &[&x], attributes)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(windows: Windows, input: &[usize]) -> Vec<Vec<i64>> {
        windows.attributes(input).expect("fits").into_iter().map(|attribute| attribute.ints).collect()
    }

    #[test]
    fn padding_is_that_of_keras_side_by_side() {
        let [size, strides, dilation] = [[3, 2], [2, 3], [1, 1]].map(Pair::from);
        let same = Windows { size, strides, dilation, padding: Padding::Same };
        // Height 8: four windows of 3 over 9 pixels, the one that is missing below. Width 7: three windows over 8.
        assert_eq!(ints(same, &[8, 7, 1]), [vec![3, 2], vec![2, 3], vec![0, 0, 1, 1], vec![1, 1]]);
        let valid = Windows { padding: Padding::Valid, ..same };
        assert_eq!(ints(valid, &[8, 7, 1])[2], [0; 4]);
        let dilated = Windows { strides: 1.into(), dilation: 2.into(), ..same };
        assert_eq!(ints(dilated, &[8, 7, 1]), [vec![3, 2], vec![1, 1], vec![2, 1, 2, 1], vec![2, 2]]);
        assert!(valid.attributes(&[2, 7, 1]).is_err());
    }

    #[test]
    fn a_kernel_is_turned_to_filters_first() {
        // [h, w, channels, filters] = [1, 2, 2, 3]: value 100 w + 10 channel + filter.
        let values: Vec<f32> = [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112].map(|n| n as f32).to_vec();
        let expected = [0, 100, 10, 110, 1, 101, 11, 111, 2, 102, 12, 112].map(|n| n as f32);
        assert_eq!(turned(&values, [1, 2, 2, 3]), expected);
    }
}
