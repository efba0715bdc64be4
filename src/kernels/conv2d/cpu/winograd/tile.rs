//! The tiles of Winograd's F(2x2, 3x3) and F(4x4, 3x3): the transforms of a column of inputs, outputs and weights.

use pulp::Simd;

/// Rows and columns of a kernel.
pub(super) const KERNEL: usize = 3;
/// Rows and columns of the largest tile, transformed; columns are this long, whatever the tile.
pub(super) const MAX_INPUT: usize = 6;
/// Rows and columns of the largest tile's outputs.
pub(super) const MAX_OUTPUT: usize = 4;

/// A column of a transformed tile, of which the first [`Tile::INPUT`] elements count.
pub(super) type Column<V> = [V; MAX_INPUT];

/// A size of tiles.
pub(super) trait Tile: Copy + Sync {
    /// Rows and columns of output pixels.
    const OUTPUT: usize;
    /// Rows and columns of input pixels, and of a transformed tile.
    const INPUT: usize = Self::OUTPUT + KERNEL - 1;
    /// Elements of a transformed tile, and so the number of matrix products in the batch.
    const LEN: usize = Self::INPUT * Self::INPUT;

    /// `B^T d` for a column d of inputs.
    fn transform_input<S: Simd>(simd: S, d: Column<S::f32s>) -> Column<S::f32s>;
    /// `A^T m` for a column m of transformed outputs.
    fn transform_output<S: Simd>(simd: S, m: Column<S::f32s>) -> [S::f32s; MAX_OUTPUT];
    /// `G w` for a column w of a kernel.
    fn transform_kernel<S: Simd>(simd: S, w: [S::f32s; KERNEL]) -> Column<S::f32s>;
}

/// F(2x2, 3x3): 16 multiplications in place of 36. A sum over inputs of zero is exactly zero, as a ReLU needs it whose derivative is that
/// of Keras.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile2;

impl Tile for Tile2 {
    const OUTPUT: usize = 2;

    #[inline(always)]
    fn transform_input<S: Simd>(simd: S, d: Column<S::f32s>) -> Column<S::f32s> {
        let zero = simd.splat_f32s(0.0);
        let (first, last) = (simd.sub_f32s(d[0], d[2]), simd.sub_f32s(d[1], d[3]));
        [first, simd.add_f32s(d[1], d[2]), simd.sub_f32s(d[2], d[1]), last, zero, zero]
    }

    #[inline(always)]
    fn transform_output<S: Simd>(simd: S, m: Column<S::f32s>) -> [S::f32s; MAX_OUTPUT] {
        let zero = simd.splat_f32s(0.0);
        let first = simd.add_f32s(simd.add_f32s(m[0], m[1]), m[2]);
        [first, simd.sub_f32s(simd.sub_f32s(m[1], m[2]), m[3]), zero, zero]
    }

    #[inline(always)]
    fn transform_kernel<S: Simd>(simd: S, w: [S::f32s; KERNEL]) -> Column<S::f32s> {
        let (zero, half) = (simd.splat_f32s(0.0), simd.splat_f32s(0.5));
        let (even, odd) = (simd.mul_f32s(half, simd.add_f32s(w[0], w[2])), simd.mul_f32s(half, w[1]));
        [w[0], simd.add_f32s(even, odd), simd.sub_f32s(even, odd), w[2], zero, zero]
    }
}

/// F(4x4, 3x3): 36 multiplications in place of 144.
///
/// The interpolation points are 0, ±3/4, ±3/2 and infinity: with them the errors of rounding are twice to three times those of direct
/// sums, with the usual 0, ±1, ±2 five to six times (measured over 16 and 64 channels). All coefficients but those of G are exact in f32.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile4;

// Powers of the points 3/4 and 3/2, and of both.
const A: [f32; 3] = [0.75, 0.5625, 0.421875];
const B: [f32; 3] = [1.5, 2.25, 3.375];
const SUM: f32 = A[1] + B[1];
const PRODUCT: f32 = A[1] * B[1];
// The rows of G are `FIRST [1, 0, 0]`, `AT_A [1, ±a, a²]`, `AT_B [1, ±b, b²]` and `[0, 0, 1]`.
const FIRST: f32 = 1.0 / PRODUCT;
const AT_A: f32 = 0.5 / (A[1] * (A[1] - B[1]));
const AT_B: f32 = 0.5 / (B[1] * (B[1] - A[1]));

#[inline(always)]
fn fma<S: Simd>(simd: S, factor: f32, x: S::f32s, y: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y)
}

#[inline(always)]
fn times<S: Simd>(simd: S, factor: f32, x: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.splat_f32s(factor), x)
}

impl Tile for Tile4 {
    const OUTPUT: usize = 4;

    #[inline(always)]
    fn transform_input<S: Simd>(simd: S, d: Column<S::f32s>) -> Column<S::f32s> {
        let (even_a, odd_a) = (fma(simd, -B[1], d[2], d[4]), fma(simd, -B[1], d[1], d[3]));
        let (even_b, odd_b) = (fma(simd, -A[1], d[2], d[4]), fma(simd, -A[1], d[1], d[3]));
        [
            fma(simd, PRODUCT, d[0], fma(simd, -SUM, d[2], d[4])),
            fma(simd, A[0], odd_a, even_a),
            fma(simd, -A[0], odd_a, even_a),
            fma(simd, B[0], odd_b, even_b),
            fma(simd, -B[0], odd_b, even_b),
            fma(simd, PRODUCT, d[1], fma(simd, -SUM, d[3], d[5])),
        ]
    }

    #[inline(always)]
    fn transform_output<S: Simd>(simd: S, m: Column<S::f32s>) -> [S::f32s; MAX_OUTPUT] {
        let (even_a, odd_a) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
        let (even_b, odd_b) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
        [
            simd.add_f32s(m[0], simd.add_f32s(even_a, even_b)),
            fma(simd, A[0], odd_a, times(simd, B[0], odd_b)),
            fma(simd, A[1], even_a, times(simd, B[1], even_b)),
            fma(simd, A[2], odd_a, fma(simd, B[2], odd_b, m[5])),
        ]
    }

    #[inline(always)]
    fn transform_kernel<S: Simd>(simd: S, w: [S::f32s; KERNEL]) -> Column<S::f32s> {
        let (even_a, odd_a) = (times(simd, AT_A, fma(simd, A[1], w[2], w[0])), times(simd, AT_A * A[0], w[1]));
        let (even_b, odd_b) = (times(simd, AT_B, fma(simd, B[1], w[2], w[0])), times(simd, AT_B * B[0], w[1]));
        [
            times(simd, FIRST, w[0]),
            simd.add_f32s(even_a, odd_a),
            simd.sub_f32s(even_a, odd_a),
            simd.add_f32s(even_b, odd_b),
            simd.sub_f32s(even_b, odd_b),
            w[2],
        ]
    }
}

impl Tile4 {
    /// `A y` for a column y of gradients w.r.t. outputs.
    #[inline(always)]
    pub(super) fn transform_gradient<S: Simd>(simd: S, y: [S::f32s; MAX_OUTPUT]) -> Column<S::f32s> {
        let (even_a, odd_a) = (fma(simd, A[1], y[2], y[0]), fma(simd, A[2], y[3], times(simd, A[0], y[1])));
        let (even_b, odd_b) = (fma(simd, B[1], y[2], y[0]), fma(simd, B[2], y[3], times(simd, B[0], y[1])));
        [
            y[0],
            simd.add_f32s(even_a, odd_a),
            simd.sub_f32s(even_a, odd_a),
            simd.add_f32s(even_b, odd_b),
            simd.sub_f32s(even_b, odd_b),
            y[3],
        ]
    }

    /// `G^T s` for a column s of sums over tiles.
    #[inline(always)]
    pub(super) fn transform_sums<S: Simd>(simd: S, s: Column<S::f32s>) -> [S::f32s; KERNEL] {
        let (even_a, odd_a) =
            (times(simd, AT_A, simd.add_f32s(s[1], s[2])), times(simd, AT_A * A[0], simd.sub_f32s(s[1], s[2])));
        let (even_b, odd_b) =
            (times(simd, AT_B, simd.add_f32s(s[3], s[4])), times(simd, AT_B * B[0], simd.sub_f32s(s[3], s[4])));
        [
            fma(simd, FIRST, s[0], simd.add_f32s(even_a, even_b)),
            simd.add_f32s(odd_a, odd_b),
            fma(simd, A[1], even_a, fma(simd, B[1], even_b, s[5])),
        ]
    }
}
