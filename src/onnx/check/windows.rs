//! Convolutions and pools over [N, channels, height, width].

use super::attributes::Attributes;
use super::tensor::{Tensor, size};
use crate::error::{Result, usage};
use crate::real::{Real, is_better};
use std::ops::Range;

/// A window along height or width.
#[derive(Debug, Clone, Copy)]
struct Axis {
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
    output: usize,
}

impl Axis {
    /// The axes of a node over images of `input`, [height, width].
    fn both(attributes: &Attributes, input: [usize; 2], dilations: [usize; 2]) -> Result<[Self; 2]> {
        let [kernel, strides]: [[usize; 2]; 2] = [attributes.sizes("kernel_shape")?, attributes.sizes("strides")?];
        let pads: [usize; 4] = attributes.sizes("pads")?;
        let axis = |i: usize| {
            let (kernel, stride, dilation) = (kernel[i], strides[i], dilations[i]);
            if kernel == 0 || stride == 0 || dilation == 0 {
                return Err(usage!("kernel {kernel}, stride {stride}, dilation {dilation}"));
            }
            let (padded, extent) = (pads[i] + input[i] + pads[i + 2], (kernel - 1) * dilation + 1);
            let Some(rest) = padded.checked_sub(extent) else {
                return Err(usage!("a window of {extent} over {padded} pixels"));
            };
            Ok(Self { input: input[i], kernel, stride, dilation, pad: pads[i], output: rest / stride + 1 })
        };
        Ok([axis(0)?, axis(1)?])
    }

    /// The pixel under `tap` of window `out`, if it is inside.
    fn at(self, out: usize, tap: usize) -> Option<usize> {
        (out * self.stride + tap * self.dilation).checked_sub(self.pad).filter(|i| *i < self.input)
    }

    /// The windows of which `tap` is inside.
    fn inside(self, tap: usize) -> Range<usize> {
        let start = self.pad.saturating_sub(tap * self.dilation).div_ceil(self.stride);
        let end = (self.input + self.pad).saturating_sub(tap * self.dilation).div_ceil(self.stride);
        start.min(self.output)..end.min(self.output)
    }
}

fn image<F>(x: &Tensor<F>) -> Result<[usize; 4]> {
    x.shape[..].try_into().map_err(|_| usage!("{:?} are no images", x.shape))
}

/// w: [filters, channels / groups, kernel height, kernel width].
pub(super) fn convolution<F: Real>(
    x: &Tensor<F>,
    w: &Tensor<F>,
    bias: Option<&Tensor<F>>,
    attributes: &Attributes,
) -> Result<Tensor<F>> {
    let [n, c, height, width] = image(x)?;
    let [filters, of_group, kh, kw] = image(w)?;
    let groups = usize::try_from(attributes.int("group")?).unwrap_or(0);
    let [h, wide] = Axis::both(attributes, [height, width], attributes.sizes("dilations")?)?;
    let fits = groups > 0 && filters % groups == 0 && of_group.checked_mul(groups) == Some(c);
    let has_bias = bias.is_none_or(|bias| bias.shape == [filters]);
    if !fits || [kh, kw] != [h.kernel, wide.kernel] || !has_bias {
        return Err(usage!("{:?} in {groups} groups over {:?}", w.shape, x.shape));
    }
    let shape = vec![n, filters, h.output, wide.output];
    let mut values = vec![F::ZERO; size(&shape)?];
    let out_len = h.output * wide.output;
    for (i, y) in values.chunks_exact_mut(out_len.max(1)).enumerate() {
        let (image, filter) = (i / filters, i % filters);
        if let Some(bias) = bias {
            y.fill(bias.values[filter]);
        }
        let group = filter / (filters / groups);
        for channel in 0..of_group {
            let x = &x.values[(image * c + group * of_group + channel) * height * width..][..height * width];
            let w = &w.values[(filter * of_group + channel) * kh * kw..][..kh * kw];
            for (tap, w) in w.iter().enumerate() {
                let (ky, kx) = (tap / kw, tap % kw);
                let columns = wide.inside(kx);
                for oy in h.inside(ky) {
                    let Some(iy) = h.at(oy, ky) else { continue };
                    let row = &x[iy * width..][..width];
                    for ox in columns.clone() {
                        y[oy * wide.output + ox] += *w * row[ox * wide.stride + kx * wide.dilation - wide.pad];
                    }
                }
            }
        }
    }
    Ok(Tensor { shape, values })
}

/// What `reduce` makes of the pixels of each window that are inside.
fn pooled<F: Real>(x: &Tensor<F>, attributes: &Attributes, reduce: fn(&[F]) -> F) -> Result<Tensor<F>> {
    let [n, c, height, width] = image(x)?;
    let [h, w] = Axis::both(attributes, [height, width], [1; 2])?;
    let shape = vec![n, c, h.output, w.output];
    let mut values = Vec::with_capacity(size(&shape)?);
    let mut pixels = Vec::with_capacity(h.kernel * w.kernel);
    for x in x.values.chunks_exact((height * width).max(1)) {
        for (oy, ox) in (0..h.output).flat_map(|oy| (0..w.output).map(move |ox| (oy, ox))) {
            pixels.clear();
            for y in (0..h.kernel).filter_map(|tap| h.at(oy, tap)) {
                pixels.extend((0..w.kernel).filter_map(|tap| w.at(ox, tap)).map(|at| x[y * width + at]));
            }
            values.push(reduce(&pixels));
        }
    }
    Ok(Tensor { shape, values })
}

fn max<F: Real>(values: &[F]) -> F {
    values.iter().copied().reduce(|best, x| if is_better(x, best) { x } else { best }).unwrap_or_default()
}

fn average<F: Real>(values: &[F]) -> F {
    values.iter().copied().sum::<F>() / F::from_f64(values.len() as f64)
}

pub(super) fn max_pool<F: Real>(x: &Tensor<F>, attributes: &Attributes) -> Result<Tensor<F>> {
    pooled(x, attributes, max)
}

/// Over the pixels that are inside alone.
pub(super) fn average_pool<F: Real>(x: &Tensor<F>, attributes: &Attributes) -> Result<Tensor<F>> {
    match attributes.int("count_include_pad")? {
        0 => pooled(x, attributes, average),
        other => Err(usage!("count_include_pad is {other}; only 0 is known here")),
    }
}

/// One number for each channel.
pub(super) fn global_pool<F: Real>(x: &Tensor<F>, is_max: bool) -> Result<Tensor<F>> {
    let [n, c, height, width] = image(x)?;
    let channels = x.values.chunks_exact((height * width).max(1));
    let values = channels.map(|channel| if is_max { max(channel) } else { average(channel) }).collect();
    Ok(Tensor { shape: vec![n, c, 1, 1], values })
}
