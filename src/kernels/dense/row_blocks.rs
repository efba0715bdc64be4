//! The matrix products of a dense layer on the CPU, cut into row blocks of the weights. All three products use the same
//! blocks, one task per block, so that a block tends to stay in one core's cache. A batch of at least as many images as
//! a block has rows is computed as one matrix product instead. The blocks do not depend on the thread count, so the
//! results are bitwise independent of it too.

use crate::kernels::matrix::{par_matmul, transpose};
use crate::real::{MatMul, Real, Strided};
use crate::simd::with_scratch;
use rayon::prelude::*;

/// Rows of the weights in a block, for a layer of `inputs` rows: an eighth of them, but enough to be worth a task.
fn rows_per_block(inputs: usize) -> usize {
    const BLOCKS: usize = 8;
    const MIN_ROWS: usize = 64;
    inputs.div_ceil(BLOCKS).max(MIN_ROWS)
}

/// `y = x w`: x [m, k], w [k, n], y [m, n]. Each row block of w gives partial sums, which are then added in order.
pub(super) fn forward(size: MatMul, x: &[f32], w: &[f32], y: &mut [f32]) {
    let MatMul { m, k, n } = size;
    let rows = rows_per_block(k);
    if m >= rows {
        return par_matmul(size, Strided::rows(x, k), Strided::rows(w, n), y);
    }
    with_scratch([k.div_ceil(rows) * m * n], |[sums]| {
        sums.par_chunks_mut(m * n).zip(w.par_chunks(rows * n)).enumerate().for_each(|(block, (sums, w))| {
            let x = Strided { data: &x[block * rows..], row_stride: k, col_stride: 1 };
            f32::matmul(MatMul { k: w.len() / n, ..size }, x, Strided::rows(w, n), false, sums, 1);
        });
        let (first, others) = sums.split_at(m * n);
        y.copy_from_slice(first);
        for partial in others.chunks_exact(m * n) {
            y.iter_mut().zip(partial).for_each(|(total, sum)| *total += *sum);
        }
    });
}

/// `dw = x^T dy`: x [k, m], dy [k, n], dw [m, n].
pub(super) fn backward_weights(size: MatMul, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let MatMul { m, k, n } = size;
    let rows = rows_per_block(m);
    if k >= rows {
        return par_matmul(size, Strided::transposed(x, m), Strided::rows(dy, n), dw);
    }
    dw.par_chunks_mut(rows * n).enumerate().for_each(|(block, dw)| {
        let x = Strided { data: &x[block * rows..], row_stride: 1, col_stride: m };
        f32::matmul(MatMul { m: dw.len() / n, ..size }, x, Strided::rows(dy, n), false, dw, 1);
    });
}

/// `dx = dy w^T`: dy [m, k], w [n, k], dx [m, n]; then calls `gate(row, dx of that row)` for each row.
pub(super) fn backward_input(
    size: MatMul,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    gate: impl Fn(usize, &mut [f32]) + Sync,
) {
    let MatMul { m, k, n } = size;
    let rows = rows_per_block(n);
    if m >= rows {
        par_matmul(size, Strided::rows(dy, k), Strided::transposed(w, k), dx);
        return dx.par_chunks_exact_mut(n).enumerate().for_each(|(row, dx)| gate(row, dx));
    }
    with_scratch([m * n], |[products]| {
        // products: [block, m, rows of the block]
        products.par_chunks_mut(m * rows).enumerate().for_each(|(block, products)| {
            let (w, n) = (&w[block * rows * k..], products.len() / m);
            // gemm copies w in `dy w^T`, dy in `w dy^T`, whose product is copied after: whichever copies fewer elements.
            if n * k <= m * (k + n) {
                let size = MatMul { m, k, n };
                return f32::matmul(size, Strided::rows(dy, k), Strided::transposed(w, k), false, products, 1);
            }
            with_scratch([products.len()], |[product]| {
                let size = MatMul { m: n, k, n: m };
                f32::matmul(size, Strided::rows(w, k), Strided::transposed(dy, k), false, product, 1);
                transpose(product, m, products);
            });
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
