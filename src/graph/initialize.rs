//! All weights at the start of a run whose layers say how theirs begin.

use super::keras::Initializer;
use super::whitening::{MAX_PATCH, whitening_filters};
use super::{Graph, Source};
use crate::error::{Result, usage};
use crate::rng::{Purpose, Rng};

/// All weights of `graph` at the start of a run from `seed`, laid out as [`Graph::weights`] says, those of `initializers` filled as
/// these say: pairs of a layer's name with the argument's prefix (`conv2d.kernel`), and what fills the tensor. `pixels` are the training
/// images, of which [`Initializer::Whitening`] takes the first 5,000.
///
/// # Errors
/// If a tensor is not such as its initializer fills.
pub fn initialize(graph: &Graph, initializers: &[(String, Initializer)], seed: u64, pixels: &[u8]) -> Result<Vec<f32>> {
    let mut weights = graph.initial_weights(seed);
    for (name, initializer) in initializers {
        let (layer, prefix) = name.rsplit_once('.').unwrap_or((name, ""));
        let names = [name.clone(), format!("{name}_kernel"), format!("{layer}.kernel")];
        let names = if prefix == "depthwise" { &names[..] } else { &names[..2] };
        // A layer without bias has an initializer of it nevertheless.
        if let Some((i, (tensor, range))) = graph.weights().enumerate().find(|(_, (t, _))| names.contains(&t.name)) {
            let (shape, values) = (&tensor.shape[..], &mut weights[range]);
            match initializer {
                Initializer::Dirac => pass_through(shape, values).map_err(|e| usage!("`{layer}`: {e}"))?,
                Initializer::Whitening => {
                    whiten(graph, layer, shape, pixels, values).map_err(|e| usage!("`{layer}`: {e}"))?;
                }
                initializer => {
                    let mut rng = Rng::new(seed, Purpose::Weights, i as u64);
                    values.fill_with(|| initializer.draw(shape, &mut rng) as f32);
                }
            }
        }
    }
    Ok(weights)
}

/// Filter f of a kernel [kh, kw, channels, filters] becomes 1 at channel f of the middle tap, 0 elsewhere.
fn pass_through(shape: &[usize], values: &mut [f32]) -> Result<()> {
    let &[kh, kw, channels, filters] = shape else {
        return Err(usage!("dirac fills the kernels of Conv2D, not {shape:?}"));
    };
    let middle = (kh - 1) / 2 * kw + (kw - 1) / 2;
    for filter in 0..channels.min(filters) {
        values.iter_mut().skip(filter).step_by(filters).for_each(|w| *w = 0.0);
        values[(middle * channels + filter) * filters + filter] = 1.0;
    }
    Ok(())
}

/// The filters of a kernel [kh, kw, channels, filters] become whitening ones, then the same with the other sign.
fn whiten(graph: &Graph, layer: &str, shape: &[usize], pixels: &[u8], values: &mut [f32]) -> Result<()> {
    let &[kh, kw, channels, filters] = shape else {
        return Err(usage!("whitening fills the kernel of a Conv2D, not {shape:?}"));
    };
    let node = graph.nodes.iter().find(|node| node.name == layer);
    let takes_images = node.is_some_and(|node| node.inputs == [Source::Input] && channels == graph.input[2]);
    if !takes_images {
        return Err(usage!(
            "whitening is for a convolution that takes the images themselves, in one group of channels"
        ));
    }
    let patch = kh * kw * channels;
    if patch > MAX_PATCH || kh > graph.input[0] || kw > graph.input[1] {
        let [h, w, _] = graph.input;
        return Err(usage!(
            "whitening takes kernels of at most {MAX_PATCH} numbers that lie within the image of {h}x{w}; this one is \
             {kh}x{kw}x{channels}"
        ));
    }
    let found = whitening_filters(pixels, graph.input, [kh, kw], graph.largest_pixel());
    let count = found.len().min(filters / 2);
    for (n, filter) in found[..count].iter().enumerate() {
        for (at, x) in filter.iter().enumerate() {
            values[at * filters + n] = *x as f32;
            values[at * filters + count + n] = -*x as f32;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Activation, Conv2D, Dense, Flatten, Padding};
    use crate::{Model, Sequential};

    fn graph(second: Conv2D) -> Graph {
        let first = Conv2D::new(10, [3, 2]);
        let model = Sequential::new([6, 5, 1]).add(first).add(second).add(Flatten {});
        Model::from(model.add(Dense::new(3).activation(Activation::Softmax))).graph().expect("layers that fit")
    }

    fn start(graph: &Graph, initializers: &[(&str, Initializer)], pixels: &[u8]) -> Result<Vec<f32>> {
        let named: Vec<(String, Initializer)> =
            initializers.iter().map(|(name, initializer)| ((*name).to_owned(), *initializer)).collect();
        initialize(graph, &named, 1, pixels)
    }

    #[test]
    fn a_dirac_kernel_passes_its_channels_through_and_leaves_other_filters() {
        for (filters, size) in [(12, [3, 3]), (4, [2, 3]), (10, [1, 1])] {
            let graph = graph(Conv2D::new(filters, size).padding(Padding::Same));
            let (before, after) =
                (graph.initial_weights(1), start(&graph, &[("conv2d_1.kernel", Initializer::Dirac)], &[]));
            let after = after.expect("a Conv2D");
            let (_, range) = graph.weights().find(|(tensor, _)| tensor.name == "conv2d_1.kernel").expect("its kernel");
            let middle = (size[0] - 1) / 2 * size[1] + (size[1] - 1) / 2;
            for (at, (new, old)) in after[range.clone()].iter().zip(&before[range.clone()]).enumerate() {
                let [tap, channel, filter] = [at / filters / 10, at / filters % 10, at % filters];
                let one = f32::from(u8::from(tap == middle && channel == filter));
                assert_eq!(*new, if filter < 10 { one } else { *old }, "{tap} {channel} {filter} of {filters}");
            }
            assert!(after[..range.start] == before[..range.start] && after[range.end..] == before[range.end..]);
        }
    }

    #[test]
    fn a_whitening_kernel_has_each_filter_with_both_signs() {
        let graph = graph(Conv2D::new(4, 3));
        let pixels: Vec<u8> = (0..6 * 5 * 50u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let weights = start(&graph, &[("conv2d.kernel", Initializer::Whitening)], &pixels).expect("over the images");
        let expected = whitening_filters(&pixels, [6, 5, 1], [3, 2], 1.0);
        for (at, filters) in weights[..60].chunks_exact(10).enumerate() {
            for n in 0..5 {
                assert_eq!([filters[n], filters[5 + n]], [expected[n][at] as f32, -expected[n][at] as f32]);
            }
        }
        let error =
            start(&graph, &[("conv2d_1.kernel", Initializer::Whitening)], &pixels).expect_err("not over the images");
        assert!(
            error.to_string().contains("`conv2d_1`: whitening is for a convolution that takes the images"),
            "{error}"
        );
        let error = start(&graph, &[("dense.kernel", Initializer::Dirac)], &[]).expect_err("no Conv2D").to_string();
        assert!(error.contains("`dense`: dirac fills the kernels of Conv2D"), "{error}");
    }
}
