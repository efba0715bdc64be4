//! Products of matrices that are no layer's: `C = A B`, or with a term, `C = scale A B + add D`.

use super::matrix::par_matmul;
use super::split_k::record_split_k;
use super::tile::{TileShader, Tiles, x_file};
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, Shader, constants, wgsl};
use crate::real::{MatMul, Real, Strided};
use crate::simd::SimdLevel;

/// Inputs: A [rows, k], B [k, cols] or transposed [cols, k], D [rows, cols] where it is added; outputs: C [rows, cols], or the sums of each
/// split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MatrixProduct {
    tiles: Tiles,
    b_transposed: bool,
    /// The factors of the product and of D, [scale, add]; none without a term.
    factors: Option<[f64; 2]>,
}

/// Records `C = A A^T`, A [rows, k].
pub(crate) fn record_gram(r: &mut Recorder, label: &str, [rows, k]: [usize; 2], a: BufferSlice, c: BufferSlice) {
    let tiles = Tiles::new(rows, rows, k, r.profile).split();
    let kernel = MatrixProduct { tiles, b_transposed: true, factors: None };
    record_split_k(r, label, tiles.split_k, kernel, &[a, a], c, None);
}

/// Records `C = scale A B + add D` with the factors [scale, add], A [rows, rows], B and D [rows, cols].
pub(crate) fn record_product(
    r: &mut Recorder,
    label: &str,
    [rows, cols]: [usize; 2],
    factors: [f64; 2],
    [a, b, d, c]: [BufferSlice; 4],
) {
    let tiles = Tiles::new(rows, cols, rows, r.profile);
    r.dispatch(label, MatrixProduct { tiles, b_transposed: false, factors: Some(factors) }, &[a, b, d], &[c]);
}

impl KernelSpec for MatrixProduct {
    fn shader(&self) -> Shader {
        let constants = constants! {
            K_BY_4: self.tiles.k.is_multiple_of(4),
            B_TRANSPOSED: self.b_transposed,
        };
        let (term, of_term) = match self.factors {
            Some([scale, add]) => {
                (wgsl!("matrix_product_add.wgsl"), constants! { SCALE: scale as f32, ADD: add as f32 })
            }
            None => (wgsl!("matrix_product_plain.wgsl"), constants! {}),
        };
        let constants = constants.and(of_term);
        let files =
            [wgsl!("tile_rows.wgsl"), x_file(self.tiles.k.is_multiple_of(4)), wgsl!("matrix_product.wgsl"), term];
        self.tiles.shader(TileShader { files: &files, out: 2 + usize::from(self.factors.is_some()), constants })
    }

    fn cost(&self) -> Cost {
        let Tiles { rows, cols, k, .. } = self.tiles;
        let flops = self.tiles.flops();
        Cost { flops, dense_flops: flops, bytes: 4.0 * (rows * k + k * cols + 2 * rows * cols) as f64 }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let Tiles { rows: m, cols: n, k, split_k, .. } = self.tiles;
        let (a, b, c) = (io.input(0), io.input(1), io.output(0));
        let per_split = if split_k == 1 { k } else { self.tiles.k_per_split() };
        for (split, sums) in c.chunks_exact_mut(m * n).enumerate() {
            let from = (split * per_split).min(k);
            let size = MatMul { m, k: per_split.min(k - from), n };
            let a = Strided { data: &a[from..], row_stride: k, col_stride: 1 };
            let b = match self.b_transposed {
                true => Strided { data: &b[from..], row_stride: 1, col_stride: k },
                false => Strided::rows(&b[from * n..], n),
            };
            par_matmul(size, a, b, sums);
        }
        if let Some(factors) = self.factors {
            let [scale, add] = factors.map(F::from_f64);
            c.iter_mut().zip(io.input(2)).for_each(|(c, d)| *c = scale * *c + add * *d);
        }
    }

    fn run_simd(&self, _: SimdLevel, io: Io<'_, f32>) {
        self.run(io);
    }
}
