//! The products of a dense layer in parts, each of the same rows of the weights: whoever updates rows, multiplies with
//! them, so that they stay in one core's cache. A batch larger than a part goes through one product. The parts are the
//! same for any number of threads, and so are the bits.

use crate::kernels::tile::par_matmul;
use crate::real::{MatMul, Real, Strided};
use crate::simd::with_scratch;
use rayon::prelude::*;

/// Rows of the weights in a part, for `inputs` rows: eighths, but not too few to be worth a task.
fn rows_of_part(inputs: usize) -> usize {
    const PARTS: usize = 8;
    const MIN_ROWS: usize = 64;
    inputs.div_ceil(PARTS).max(MIN_ROWS)
}

/// `y = x w`: x [m, k], w [k, n]. Each part's sums, then their sum in order.
pub(super) fn forward(size: MatMul, x: &[f32], w: &[f32], y: &mut [f32]) {
    let MatMul { m, k, n } = size;
    let rows = rows_of_part(k);
    if m >= rows {
        return par_matmul(size, Strided::rows(x, k), Strided::rows(w, n), y);
    }
    with_scratch([k.div_ceil(rows) * m * n], |[sums]| {
        sums.par_chunks_mut(m * n).zip(w.par_chunks(rows * n)).enumerate().for_each(|(part, (sums, w))| {
            let x = Strided { data: &x[part * rows..], row_stride: k, col_stride: 1 };
            f32::matmul(MatMul { k: w.len() / n, ..size }, x, Strided::rows(w, n), false, sums, 1);
        });
        let (first, others) = sums.split_at(m * n);
        y.copy_from_slice(first);
        for part in others.chunks_exact(m * n) {
            y.iter_mut().zip(part).for_each(|(total, sum)| *total += *sum);
        }
    });
}

/// `dw = x^T dy`: x [k, m], dy [k, n].
pub(super) fn backward_weights(size: MatMul, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let MatMul { m, k, n } = size;
    let rows = rows_of_part(m);
    if k >= rows {
        return par_matmul(size, Strided::transposed(x, m), Strided::rows(dy, n), dw);
    }
    dw.par_chunks_mut(rows * n).enumerate().for_each(|(part, dw)| {
        let x = Strided { data: &x[part * rows..], row_stride: 1, col_stride: m };
        f32::matmul(MatMul { m: dw.len() / n, ..size }, x, Strided::rows(dy, n), false, dw, 1);
    });
}

/// `dx = dy w^T`: dy [m, k], w [n, k]; then `below(row, dx of that row)`.
pub(super) fn backward_input(
    size: MatMul,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    gate: impl Fn(usize, &mut [f32]) + Sync,
) {
    let MatMul { m, k, n } = size;
    let rows = rows_of_part(n);
    if m >= rows {
        par_matmul(size, Strided::rows(dy, k), Strided::transposed(w, k), dx);
        return dx.par_chunks_exact_mut(n).enumerate().for_each(|(row, dx)| gate(row, dx));
    }
    with_scratch([m * n], |[products]| {
        // [part, m, rows]
        products.par_chunks_mut(m * rows).enumerate().for_each(|(part, products)| {
            let w = &w[part * rows * k..];
            let size = MatMul { n: products.len() / m, ..size };
            f32::matmul(size, Strided::rows(dy, k), Strided::transposed(w, k), false, products, 1);
        });
        dx.par_chunks_exact_mut(n).enumerate().for_each(|(row, dx)| {
            for (dx, products) in dx.chunks_mut(rows).zip(products.chunks(m * rows)) {
                let cols = dx.len();
                dx.copy_from_slice(&products[row * cols..][..cols]);
            }
            gate(row, dx);
        });
    });
}
