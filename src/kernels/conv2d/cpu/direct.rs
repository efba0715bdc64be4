//! Direct convolution: four output pixels (one 2x2 pool window, if there is a pool) times a panel of filters, with all
//! sums in registers. For pool windows of another size, an image's sums are stored to scratch and pooled from there.

use super::padding::{first_pixels, padded, padded_len, padded_size};
use super::panels::{Panels, ROWS, multiply, rows_of};
use super::pool;
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::maximum::better;
use crate::plan::Io;
use crate::simd::{SimdLevel, load, store, store_u32s, with_scratch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// SIMD variant of `Conv2dForward`. The argmax is not written if no backward pass follows.
pub(in crate::kernels::conv2d) fn forward(d: &Dims, relu: bool, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
    let (w, b) = d.split_weights(weights);
    let group = d.group();
    let panels = Panels::new(level, group.c_out);
    let pixels = first_pixels(d);
    let runs = Runs::new(&group);
    let argmax = io.optional_chunks_u32(1, d.batch, d.out_image());
    let [w_len, b_len] = [panels.len(d.patch_len()), panels.len(1)];
    with_scratch([d.groups * w_len, d.groups * b_len], |[packed_w, packed_b]| {
        let packed = packed_w.chunks_exact_mut(w_len).zip(packed_b.chunks_exact_mut(b_len));
        for (i, (packed_w, packed_b)) in packed.enumerate() {
            panels.pack(&w[i * group.c_out..], d.c_out, packed_w);
            match b {
                [] => packed_b.fill(0.0),
                b => panels.pack(&b[i * group.c_out..], d.c_out, packed_b),
            }
        }
        let weights = || packed_w.chunks_exact(w_len).zip(packed_b.chunks_exact(b_len));
        let images = y.par_chunks_mut(d.out_image()).zip(x.par_chunks(d.in_image())).zip(argmax);
        images.for_each(|((y, x), mut argmax)| {
            let sums_len = if in_registers(d) { 0 } else { pixels.len() * d.c_out };
            with_scratch([padded_len(d), sums_len], |[scratch, sums]| {
                for (i, (w, b)) in weights().enumerate() {
                    let x = padded(d, i, x, scratch);
                    let (y, argmax) =
                        (Columns { of: y, row_len: d.c_out, first: i * group.c_out }, argmax.as_deref_mut());
                    level.run(Image {
                        d: &group,
                        relu,
                        panels,
                        pixels: &pixels,
                        runs: &runs,
                        x,
                        w,
                        b,
                        sums,
                        y,
                        argmax,
                    });
                }
            });
        });
    });
}

/// Taps whose inputs lie side by side, multiplied in one run.
struct Runs {
    /// Where the inputs of each run begin, from the first tap's on.
    starts: Vec<usize>,
    /// Inputs of a run.
    len: usize,
}

impl Runs {
    fn new(d: &Dims) -> Self {
        let row = padded_size(d)[1] * d.c_in;
        let of_row = if d.w.dilation == 1 { 1 } else { d.w.kernel };
        let starts = (0..d.h.kernel * of_row)
            .map(|i| i / of_row * d.h.dilation * row + i % of_row * d.w.dilation * d.c_in)
            .collect();
        Self { starts, len: d.w.kernel / of_row * d.c_in }
    }
}

/// The columns of one group in a matrix of rows of `row_len`.
struct Columns<'a> {
    of: &'a mut [f32],
    row_len: usize,
    first: usize,
}

impl Columns<'_> {
    /// The columns `cols` of the group in `row`.
    #[inline(always)]
    fn row(&mut self, row: usize, cols: Range<usize>) -> &mut [f32] {
        &mut self.of[row * self.row_len + self.first..][cols]
    }
}

/// Whether one tile of four pixels holds all the sums that an output element depends on.
fn in_registers(d: &Dims) -> bool {
    matches!(d.window_len(), 1 | pool::WINDOW_LEN)
}

/// One image's forward pass for one group of channels, whose sizes `d` has: `x` [h, w, c_in] includes the zero padding, `w` and `b`
/// are packed in panels, `y` and `argmax` are [windows, c_out].
struct Image<'a> {
    d: &'a Dims,
    relu: bool,
    panels: Panels,
    pixels: &'a [usize],
    runs: &'a Runs,
    x: &'a [f32],
    w: &'a [f32],
    b: &'a [f32],
    /// Scratch for the sums [rows, c_out]; empty if they stay in registers.
    sums: &'a mut [f32],
    y: Columns<'a>,
    argmax: Option<&'a mut [u32]>,
}

impl WithSimd for Image<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.panels.width / S::F32_LANES {
            1 => self.convolve::<S, 1>(simd),
            2 => self.convolve::<S, 2>(simd),
            _ if cfg!(target_family = "wasm") => unreachable!("panels of two vectors at most"),
            _ => self.convolve::<S, 4>(simd),
        }
    }
}

impl Image<'_> {
    #[inline(always)]
    fn convolve<S: Simd, const V: usize>(mut self, simd: S) {
        let d = self.d;
        let Runs { starts: runs, len: run } = self.runs;
        let weights = rows_of::<S, V>(self.w).chunks_exact(d.patch_len());
        for (panel, (w, b)) in weights.zip(rows_of::<S, V>(self.b)).enumerate() {
            let cols = self.panels.cols_of(panel);
            for (tile, pixels) in self.pixels.chunks(ROWS).enumerate() {
                // A partial last tile repeats its last pixel; the surplus sums are not stored.
                let last = pixels.len() - 1;
                let mut starts = [0; ROWS];
                for (r, start) in starts.iter_mut().enumerate() {
                    *start = pixels[r.min(last)] * d.c_in;
                }
                let mut sums = [[simd.splat_f32s(0.0); V]; ROWS];
                for (offset, w) in runs.iter().zip(w.chunks_exact(*run)) {
                    let mut rows = [self.x; ROWS];
                    for (row, start) in rows.iter_mut().zip(starts) {
                        *row = &self.x[start + offset..][..*run];
                    }
                    multiply(simd, rows, w, &mut sums);
                }
                if d.window_len() == 1 {
                    // A copy that a loop indexes: the sums themselves stay in registers.
                    let mut rows = sums;
                    for (r, sums) in rows.iter_mut().enumerate().take(pixels.len()) {
                        for (sum, bias) in sums.iter_mut().zip(b) {
                            *sum = pool::activate(simd, *sum, *bias, self.relu);
                        }
                        store(simd, self.y.row(tile * ROWS + r, cols.clone()), *sums);
                    }
                } else if !in_registers(d) {
                    let rows = sums;
                    for (r, sums) in rows.iter().enumerate().take(pixels.len()) {
                        store(simd, &mut self.sums[(tile * ROWS + r) * d.c_out..][cols.clone()], *sums);
                    }
                } else {
                    let mut values = [simd.splat_f32s(0.0); V];
                    let mut offsets = [simd.splat_u32s(0); V];
                    for v in 0..V {
                        let sums = [sums[0][v], sums[1][v], sums[2][v], sums[3][v]];
                        (values[v], offsets[v]) = pool::max_of_window(simd, sums, b[v], self.relu);
                    }
                    store(simd, self.y.row(tile, cols.clone()), values);
                    if let Some(argmax) = &mut self.argmax {
                        store_u32s(simd, &mut argmax[tile * d.c_out..][cols.clone()], offsets);
                    }
                }
            }
        }
        if !in_registers(d) {
            self.pool(simd);
        }
    }

    /// Max pool over the stored sums, for windows of any size.
    #[inline(always)]
    fn pool<S: Simd>(&mut self, simd: S) {
        let d = self.d;
        for (window, sums) in self.sums.chunks_exact(d.window_len() * d.c_out).enumerate() {
            for first in (0..d.c_out).step_by(S::F32_LANES) {
                let cols = first..d.c_out.min(first + S::F32_LANES);
                let mut best = (load(simd, &sums[cols.clone()]), simd.splat_u32s(0));
                for (offset, sums) in sums.chunks_exact(d.c_out).enumerate().skip(1) {
                    best = better(simd, best, load(simd, &sums[cols.clone()]), offset as u32);
                }
                let (value, window_offset) =
                    pool::bias_and_relu(simd, best, load(simd, &self.b[cols.clone()]), self.relu);
                store(simd, self.y.row(window, cols.clone()), [value]);
                if let Some(argmax) = &mut self.argmax {
                    store_u32s(simd, &mut argmax[window * d.c_out..][cols.clone()], [window_offset]);
                }
            }
        }
    }
}
