//! Winograd's F(2x2, 3x3) for a 3x3 convolution under a 2x2 pool (Lavin and Gray 2016, section 4.1). Each pool window
//! is one output tile of the algorithm.
//!
//! With d the 4x4 inputs under a window, g the 3x3 weights and s the 2x2 sums, each for one pair of input and output
//! channel, `s = A^T [(G g G^T) * (B^T d B)] A`, where * is the elementwise product: 16 multiplications instead of 36.
//! Summed over input channels, each of the 16 elements is a matrix product, so the whole is a batch of 16 products. The
//! gradient w.r.t. the input is the adjoint, `dd = B [(G g G^T) * (A ds A^T)] B^T`, where ds has a single nonzero
//! element, at the argmax of the window.

mod products;
mod transforms;

use self::products::{Product, ProductBackward};
use self::transforms::{BackwardInput, InputTransform, OutputTransform, WeightsTransform};
use super::dims::Dims;
use crate::kernels::tile::MAX_ITERATIONS;
use crate::kernels::{Gradients, LayerContext};
use crate::plan::{BufferSlice, Profile, Recorder};
use crate::real::Real;

/// Elements of a transformed 4x4 tile, and so the number of matrix products in the batch.
pub(super) const TILE_LEN: usize = 16;

/// Minimum number of channels: with fewer, the transforms cost more than the saved multiplications.
const MIN_CHANNELS: usize = 16;

// The transform matrices of F(2x2, 3x3), in the notation of Lavin and Gray.
const B_T: [[f64; 4]; 4] = [[1., 0., -1., 0.], [0., 1., 1., 0.], [0., -1., 1., 0.], [0., 1., 0., -1.]];
const B: [[f64; 4]; 4] = [[1., 0., 0., 0.], [0., 1., -1., 1.], [-1., 1., 1., 0.], [0., 0., 0., -1.]];
pub(super) const G: [[f64; 3]; 4] = [[1., 0., 0.], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0., 0., 1.]];
const A_T: [[f64; 4]; 2] = [[1., 1., 1., 0.], [0., 1., -1., -1.]];
const A: [[f64; 2]; 4] = [[1., 0.], [1., 1.], [1., -1.], [0., -1.]];

/// `m d m^T`.
fn transform<F: Real, const R: usize, const C: usize>(m: &[[f64; C]; R], d: &[[F; C]; C]) -> [[F; R]; R] {
    let dot = |row: &[f64; C], element: &dyn Fn(usize) -> F| {
        let terms = row.iter().enumerate().filter(|(_, m)| **m != 0.0);
        terms.map(|(i, m)| F::from_f64(*m) * element(i)).sum::<F>()
    };
    let half: [[F; C]; R] = std::array::from_fn(|r| std::array::from_fn(|c| dot(&m[r], &|i| d[i][c])));
    std::array::from_fn(|r| std::array::from_fn(|c| dot(&m[c], &|i| half[r][i])))
}

/// Whether the algorithm supports these sizes and the profile enables it.
pub(super) fn supports(d: &Dims, profile: Profile) -> bool {
    let conv = [d.h, d.w].iter().all(|axis| axis.kernel == 3 && axis.stride == 1);
    let pool = [d.pool_h, d.pool_w].iter().all(|axis| axis.kernel == 2 && axis.stride == 2);
    let channels = [d.c_in, d.c_out].iter().all(|c| *c >= MIN_CHANNELS && c.is_multiple_of(4));
    let shape = profile.winograd && conv && pool && channels;
    shape && BackwardInput { dims: *d, gate: d.gate() }.iterations() <= MAX_ITERATIONS
}

/// Records the forward pass; returns the transformed weights [16, c_in, c_out], which the backward pass reuses.
pub(super) fn forward(
    recorder: &mut Recorder,
    ctx: &LayerContext<'_>,
    dims: Dims,
    relu: bool,
    y: BufferSlice,
    argmax: BufferSlice,
) -> BufferSlice {
    let profile = recorder.profile;
    let buffer = |recorder: &mut Recorder, what: &str, len: usize| {
        recorder.floats(format!("{} transformed {what}", ctx.name), TILE_LEN * len)
    };
    let weights = buffer(recorder, "weights", dims.c_in * dims.c_out);
    let input = buffer(recorder, "input", dims.windows() * dims.c_in);
    let product = buffer(recorder, "output", dims.windows() * dims.c_out);
    let label = |part: &str| format!("{} forward {part}", ctx.name);
    recorder.dispatch(label("weights transform"), WeightsTransform { dims }, &[ctx.weights], &[weights]);
    recorder.dispatch(label("input transform"), InputTransform { dims }, &[ctx.x], &[input]);
    recorder.dispatch(label("product"), Product { dims, profile }, &[input, weights], &[product]);
    let output = OutputTransform { dims, relu };
    recorder.dispatch(label("output transform"), output, &[product, ctx.weights], &[y, argmax]);
    weights
}

/// Records the gradient w.r.t. the input; records nothing if the plan needs no such gradient (first layer).
pub(super) fn backward_input(
    recorder: &mut Recorder,
    ctx: &LayerContext<'_>,
    dims: Dims,
    weights: BufferSlice,
    gradients: &Gradients,
) {
    let Some(dx) = gradients.dx else { return };
    let profile = recorder.profile;
    let label = |part: &str| format!("{} backward input {part}", ctx.name);
    let product =
        recorder.floats(format!("{} transformed input gradient", ctx.name), TILE_LEN * dims.windows() * dims.c_in);
    recorder.dispatch(label("product"), ProductBackward { dims, profile }, &[gradients.dy, weights], &[product]);
    let output = BackwardInput { dims, gate: dx.gate };
    recorder.dispatch(label("transform"), output, &[product, dx.gate_input], &[dx.slot]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On one window, the forward pass equals the convolution and the backward pass equals the convolution's adjoint.
    #[test]
    fn transforms_compute_a_convolution_and_its_adjoint() {
        let d: [[f64; 4]; 4] = std::array::from_fn(|r| std::array::from_fn(|c| ((r * 7 + c * 3) % 5) as f64 - 1.5));
        let g: [[f64; 3]; 3] = std::array::from_fn(|r| std::array::from_fn(|c| ((r * 4 + c * 5) % 7) as f64 - 2.5));
        let (u, v) = (transform(&G, &g), transform(&B_T, &d));
        let times = |a: &[[f64; 4]; 4], b: &[[f64; 4]; 4]| -> [[f64; 4]; 4] {
            std::array::from_fn(|r| std::array::from_fn(|c| a[r][c] * b[r][c]))
        };
        let s = transform(&A_T, &times(&u, &v));
        for oy in 0..2 {
            for ox in 0..2 {
                let taps = (0..9).map(|t| d[oy + t / 3][ox + t % 3] * g[t / 3][t % 3]);
                assert!((taps.sum::<f64>() - s[oy][ox]).abs() < 1e-12);
                let mut ds = [[0.0; 2]; 2];
                ds[oy][ox] = 1.0;
                let dd = transform(&B, &times(&u, &transform(&A, &ds)));
                for (i, value) in dd.as_flattened().iter().enumerate() {
                    let tap = (i / 4).checked_sub(oy).zip((i % 4).checked_sub(ox)).filter(|(y, x)| *y < 3 && *x < 3);
                    assert!((value - tap.map_or(0.0, |(y, x)| g[y][x])).abs() < 1e-12);
                }
            }
        }
    }
}
