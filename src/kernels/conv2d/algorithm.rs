//! The table of algorithms: for each pass of a convolution, who can compute it, at which estimated cost, and how it is recorded.
//! One table for adapters and the CPU; the choice is made when a plan is recorded.

use super::backward_input::{self, Conv2dBackwardInput};
use super::backward_weights::{self, Conv2dBackwardWeights};
use super::dims::Dims;
use super::forward::{self, Conv2dForward};
use super::passes::{ForwardPass, InputPass, WeightsPass};
use super::{cpu, depthwise, patch, select, winograd};
use crate::kernels::split_k::record_split_k;
use crate::kernels::tile::Tiles;
use crate::plan::{Profile, Recorder, Target};

/// One algorithm of a pass.
struct Algorithm<Pass> {
    /// What reports call it.
    name: &'static str,
    /// Whether it computes these sizes on this target.
    supports: fn(&Dims, &Profile) -> bool,
    /// Estimated time as a share of that of the dense sums by the general algorithm.
    cost: fn(&Dims) -> f64,
    record: fn(&mut Recorder, &Pass),
}

/// The supported algorithm with the lowest cost, the first of equals.
fn choose<'a, Pass>(table: &'a [Algorithm<Pass>], d: &Dims, profile: &Profile) -> &'a Algorithm<Pass> {
    let supported = table.iter().filter(|algorithm| (algorithm.supports)(d, profile));
    let cheapest = supported.min_by(|a, b| (a.cost)(d).total_cmp(&(b.cost)(d)));
    cheapest.expect("the general algorithms support every convolution")
}

/// Records a pass by the best algorithm of its table; its dispatches carry the name.
fn record<Pass>(r: &mut Recorder, table: &[Algorithm<Pass>], d: &Dims, pass: &Pass) {
    let algorithm = choose(table, d, &r.profile);
    r.algorithm = Some(algorithm.name);
    (algorithm.record)(r, pass);
    r.algorithm = None;
}

/// Records the forward pass.
pub(crate) fn record_forward(r: &mut Recorder, pass: &ForwardPass<'_>) {
    record(r, &forward_algorithms(), &pass.dims, pass);
}

/// Records the gradient w.r.t. weights and bias.
pub(crate) fn record_backward_weights(r: &mut Recorder, pass: &WeightsPass<'_>) {
    record(r, &weights_algorithms(), &pass.dims, pass);
}

/// Records the gradient w.r.t. the input.
pub(crate) fn record_backward_input(r: &mut Recorder, pass: &InputPass<'_>) {
    record(r, &input_algorithms(), &pass.dims, pass);
}

/// Whether a general algorithm computes these sizes: any. A new size has to be answered for here, and in every `supports`.
fn any_size(d: &Dims) -> bool {
    let Dims { batch: _, h: _, w: _, c_in: _, c_out: _, groups: _, bias: _, pool_h: _, pool_w: _ } = *d;
    true
}

fn is_adapter(d: &Dims, profile: &Profile) -> bool {
    any_size(d) && profile.target == Target::Adapter
}

fn is_cpu(d: &Dims, profile: &Profile) -> bool {
    any_size(d) && profile.target != Target::Adapter
}

fn dense(_: &Dims) -> f64 {
    1.0
}

/// A matrix product is faster than sums in registers where no patches have to be made for it, and where a panel of the weights
/// does not fit the L1 cache; else slower.
fn im2col(d: &Dims) -> f64 {
    const LARGE_PATCH: usize = 256;
    match d.window_len() {
        1 if d.is_pointwise() || (d.patch_len() >= LARGE_PATCH && d.groups == 1) => 0.6,
        _ => 2.0,
    }
}

/// One pixel of each pool window has a gradient.
fn one_pixel_per_window(d: &Dims) -> f64 {
    1.0 / d.window_len() as f64
}

fn forward_algorithms<'a>() -> [Algorithm<ForwardPass<'a>>; 7] {
    fn by(r: &mut Recorder, pass: &ForwardPass<'_>, method: forward::Method) {
        let ForwardPass { name, dims, relu, x, weights, y, argmax } = *pass;
        let kernel = Conv2dForward { dims, relu, argmax: argmax.is_some(), method, profile: r.profile };
        let outputs: Vec<_> = [y].into_iter().chain(argmax).collect();
        r.dispatch(format!("{name} forward"), kernel, &[x, weights], &outputs);
    }
    [
        Algorithm {
            name: "winograd",
            supports: winograd::supports,
            cost: winograd::cost,
            record: winograd::record_forward,
        },
        Algorithm {
            name: "depthwise",
            supports: depthwise::supports_reading_input,
            cost: |_| depthwise::COST,
            record: depthwise::record_forward,
        },
        Algorithm { name: "patch", supports: patch::supports, cost: |_| 0.9, record: patch::record },
        Algorithm {
            name: "tiles",
            supports: is_adapter,
            cost: dense,
            record: |r, pass| by(r, pass, forward::Method::Tiles),
        },
        Algorithm {
            name: "winograd",
            supports: |d, profile| profile.simd().is_some_and(|level| cpu::winograd::supports(d, level)),
            cost: cpu::winograd::cost,
            record: |r, pass| by(r, pass, forward::Method::Winograd),
        },
        Algorithm {
            name: "direct",
            supports: |d, profile| any_size(d) && profile.simd().is_some(),
            cost: dense,
            record: |r, pass| by(r, pass, forward::Method::Direct),
        },
        Algorithm {
            name: "im2col",
            supports: is_cpu,
            cost: im2col,
            record: |r, pass| by(r, pass, forward::Method::Im2col),
        },
    ]
}

fn weights_algorithms<'a>() -> [Algorithm<WeightsPass<'a>>; 8] {
    use backward_weights::Method;
    fn by(r: &mut Recorder, pass: &WeightsPass<'_>, method: Method) {
        let WeightsPass { name, dims, x, dy, gradients } = *pass;
        let tiles = Tiles::new(dims.weights_rows(), dims.group_out(), dims.rows(), r.profile);
        let tiles = tiles.grouped(dims.groups).split();
        let kernel = Conv2dBackwardWeights { dims, tiles, method };
        record_split_k(r, &format!("{name} backward weights"), tiles.split_k, kernel, &[x, dy], gradients, None);
    }
    [
        Algorithm {
            name: "depthwise",
            supports: depthwise::supports_reading_input,
            cost: |_| depthwise::COST,
            record: depthwise::record_backward_weights,
        },
        Algorithm { name: "select", supports: select::supports, cost: one_pixel_per_window, record: select::record },
        Algorithm { name: "tiles", supports: is_adapter, cost: dense, record: |r, pass| by(r, pass, Method::Tiles) },
        Algorithm {
            name: "permute",
            supports: |d, profile| profile.simd().is_some_and(|level| cpu::few_channels::permutes(d, level)),
            cost: |d| 0.1 * one_pixel_per_window(d),
            record: |r, pass| by(r, pass, Method::Permute),
        },
        // The products of all pixels of a window, but no list to write and to read.
        Algorithm {
            name: "few channels",
            supports: |d, profile| profile.simd().is_some() && cpu::few_channels::supports(d),
            cost: |d| 0.9 * one_pixel_per_window(d),
            record: |r, pass| by(r, pass, Method::FewChannels),
        },
        Algorithm {
            name: "sparse",
            supports: |d, profile| profile.simd().is_some_and(|level| cpu::sparse::supports(d, level)),
            cost: one_pixel_per_window,
            record: |r, pass| by(r, pass, Method::Sparse),
        },
        Algorithm {
            name: "winograd",
            supports: |d, profile| profile.simd().is_some_and(|level| cpu::winograd::supports_alone(d, level)),
            cost: cpu::winograd::gradient_cost,
            record: |r, pass| by(r, pass, Method::Winograd),
        },
        Algorithm { name: "im2col", supports: is_cpu, cost: dense, record: |r, pass| by(r, pass, Method::Im2col) },
    ]
}

fn input_algorithms<'a>() -> [Algorithm<InputPass<'a>>; 6] {
    use backward_input::Method;
    fn by(r: &mut Recorder, pass: &InputPass<'_>, method: Method) {
        let InputPass { name, dims, weights, dy, dx } = *pass;
        let tiles = backward_input::tiles(&dims, r.profile);
        let kernel = Conv2dBackwardInput { dims, tiles, gate: dx.gate.kind(), method };
        r.dispatch(format!("{name} backward input"), kernel, &dx.inputs(&[dy, weights]), &[dx.to]);
    }
    [
        Algorithm {
            name: "winograd",
            supports: winograd::supports,
            cost: winograd::cost,
            record: winograd::record_backward_input,
        },
        Algorithm {
            name: "depthwise",
            supports: depthwise::supports,
            cost: |_| depthwise::COST,
            record: depthwise::record_backward_input,
        },
        Algorithm {
            name: "winograd",
            supports: |d, profile| profile.simd().is_some_and(|level| cpu::winograd::supports_alone(d, level)),
            cost: cpu::winograd::gradient_cost,
            record: |r, pass| by(r, pass, Method::Winograd),
        },
        Algorithm { name: "tiles", supports: is_adapter, cost: dense, record: |r, pass| by(r, pass, Method::Tiles) },
        Algorithm {
            name: "sparse",
            supports: |d, profile| profile.simd().is_some_and(|level| cpu::sparse::supports(d, level)),
            cost: one_pixel_per_window,
            record: |r, pass| by(r, pass, Method::Sparse),
        },
        Algorithm { name: "im2col", supports: is_cpu, cost: dense, record: |r, pass| by(r, pass, Method::Im2col) },
    ]
}
