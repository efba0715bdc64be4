//! Packing of a matrix into column panels, and the product of rows with a panel. Panels are
//! narrow enough for the sums of [`ROWS`] rows to stay in registers.

use crate::simd::SimdLevel;
use pulp::Simd;

/// Rows that are multiplied by a panel at a time.
pub(super) const ROWS: usize = 4;
/// As [`ROWS`], where a row of the panel takes so few registers that more sums are needed to hide the latency of an addition.
pub(super) const MAX_ROWS: usize = 8;

/// Layout of a matrix packed in panels, [panel, row, width], zero-filled after the last column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panels {
    cols: usize,
    /// Columns of a panel, a multiple of the vector width.
    pub(super) width: usize,
}

impl Panels {
    /// Panels for a matrix of `cols` columns.
    pub(super) fn new(level: SimdLevel, cols: usize) -> Self {
        Self {
            cols,
            width: level.vector_width() * per_panel(level.vector_registers(), cols.div_ceil(level.vector_width())),
        }
    }

    /// Number of panels.
    pub(super) fn count(&self) -> usize {
        self.cols.div_ceil(self.width)
    }

    /// Floats of a packed matrix with `rows` rows.
    pub(super) fn len(&self, rows: usize) -> usize {
        self.count() * rows * self.width
    }

    /// The matrix columns that `panel` holds.
    pub(super) fn cols_of(&self, panel: usize) -> std::ops::Range<usize> {
        panel * self.width..self.cols.min((panel + 1) * self.width)
    }

    /// Packs the first columns of `matrix`, whose rows have `row_len` elements; as many rows as `packed` is long for.
    pub(super) fn pack(&self, matrix: &[f32], row_len: usize, packed: &mut [f32]) {
        let rows = packed.len() / self.len(1);
        for (panel, packed) in packed.chunks_exact_mut(rows * self.width).enumerate() {
            let cols = self.cols_of(panel);
            for (row, packed) in matrix.chunks(row_len).zip(packed.chunks_exact_mut(self.width)) {
                packed[..cols.len()].copy_from_slice(&row[cols.clone()]);
                packed[cols.len()..].fill(0.0);
            }
        }
    }
}

/// Vectors per panel row, for a matrix of `vectors` vectors per row: the sums of [`ROWS`] rows take at most half of the
/// registers.
const fn per_panel(registers: usize, vectors: usize) -> usize {
    match vectors {
        1 => 1,
        2 => 2,
        _ if registers < 32 => 2,
        _ => 4,
    }
}

/// `sums[r] += x[r] panel`, where `x[r]` is a row vector with one element for each row of the panel.
#[inline(always)]
pub(super) fn multiply<S: Simd, const V: usize, const R: usize>(
    simd: S,
    mut x: [&[f32]; R],
    panel: &[[S::f32s; V]],
    sums: &mut [[S::f32s; V]; R],
) {
    for x in &mut x {
        *x = &x[..panel.len()];
    }
    for (k, weights) in panel.iter().enumerate() {
        for (x, sums) in x.iter().zip(sums.iter_mut()) {
            let x = simd.splat_f32s(x[k]);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_e_f32s(x, *weight, *sum);
            }
        }
    }
}

/// A packed matrix as rows of `V` SIMD vectors, panel after panel.
#[inline(always)]
pub(super) fn rows_of<S: Simd, const V: usize>(packed: &[f32]) -> &[[S::f32s; V]] {
    S::as_simd_f32s(packed).0.as_chunks().0
}
