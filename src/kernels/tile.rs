//! What the matrix kernels share: constants of `tile_matmul.wgsl`, and the split of long sums.

use crate::plan::{
    Cost, Exchange, Io, KernelSpec, Profile, Recorder, Shader, Slot, elementwise_grid, grid, output_file,
};
use crate::real::{MatMul, Real, Strided};
use rayon::prelude::*;

/// Side of a tile of C.
const TILE: usize = 32;

/// A split takes no more terms than this, so that its loop stays short enough for every adapter.
const MAX_K_PER_SPLIT: usize = 1 << 17;

/// Which product a matrix kernel is: what B is, and where C goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// By the weights, plus bias, through the activation.
    Forward,
    /// By the weights transposed, through the gate of the layer below.
    BackwardInput,
    /// By the gradient, into weights and bias.
    BackwardWeights,
}

/// A matrix product as the GPU tiles it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiles {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) k: usize,
    /// Parts that the sum over k is cut into.
    pub(crate) splits: usize,
    pub(crate) profile: Profile,
}

impl Tiles {
    pub(crate) fn new(rows: usize, cols: usize, k: usize, profile: Profile) -> Self {
        Self { rows, cols, k, splits: 1, profile }
    }

    /// The same product with its sum cut until there are enough tiles to keep the adapter busy.
    pub(crate) fn split(self) -> Self {
        let tiles = self.rows.div_ceil(TILE) * self.cols.div_ceil(TILE);
        let wanted = self.profile.min_tiles.div_ceil(tiles);
        let splits = wanted.min(self.k.div_ceil(2 * TILE)).max(self.k.div_ceil(MAX_K_PER_SPLIT));
        let per_split = Self { splits, ..self }.k_per_split();
        Self { splits: self.k.div_ceil(per_split), ..self }
    }

    /// Terms of the sum in one split; a multiple of four.
    pub(crate) fn k_per_split(&self) -> usize {
        self.k.div_ceil(self.splits).next_multiple_of(4)
    }

    /// The shader over these tiles of a kernel that is `part` of a training step; `file` and `constants` are its own.
    pub(crate) fn shader(&self, part: Part, file: &'static str, constants: &[(&'static str, u64)]) -> Shader {
        let lanes = match self.profile.exchange {
            Exchange::Subgroup => include_str!("../../shaders/lanes_subgroup.wgsl"),
            Exchange::Workgroup => include_str!("../../shaders/lanes_workgroup.wgsl"),
        };
        let (part, out) = match part {
            Part::Forward => (include_str!("../../shaders/tile_forward.wgsl"), 2),
            Part::BackwardInput => (include_str!("../../shaders/tile_backward_input.wgsl"), 3),
            Part::BackwardWeights => (include_str!("../../shaders/tile_backward_weights.wgsl"), 2),
        };
        let col_tiles = self.cols.div_ceil(TILE);
        let tiles = self.rows.div_ceil(TILE) * col_tiles;
        let (mut grid, grid_x) = grid(tiles.div_ceil(self.profile.workgroup / 8));
        grid[2] = self.splits as u32;
        let mut all = vec![
            ("ROWS", self.rows as u64),
            ("COLS", self.cols as u64),
            ("K", self.k as u64),
            ("COLS_BY_4?", u64::from(self.cols.is_multiple_of(4))),
            ("COL_TILES", col_tiles as u64),
            ("OUT", out),
            ("K_PER_SPLIT", self.k_per_split() as u64),
            ("WORKGROUP", self.profile.workgroup as u64),
            grid_x,
        ];
        all.extend_from_slice(constants);
        let core = include_str!("../../shaders/tile_matmul.wgsl");
        Shader {
            files: vec![lanes, file, part, output_file(self.cols.is_multiple_of(4)), core],
            constants: all,
            grid,
            iterations: self.k_per_split() / 4,
            uses_step: false,
        }
    }

    /// Two operations a product; each operand moved once.
    pub(crate) fn cost(&self, a_len: usize) -> Cost {
        let moved = a_len + self.k * self.cols + self.rows * self.cols;
        Cost { flops: 2.0 * (self.rows * self.cols * self.k) as f64, bytes: 4.0 * moved as f64 }
    }
}

/// Records a gradient kernel whose sum may be split: straight into `grads`, or into partial sums and a second pass
/// that adds them in order.
pub(crate) fn record_split<K: KernelSpec>(
    recorder: &mut Recorder,
    label: &str,
    tiles: &Tiles,
    kernel: K,
    inputs: &[Slot],
    grads: Slot,
) {
    if tiles.splits == 1 {
        recorder.dispatch(label, kernel, inputs, &[grads]);
        return;
    }
    let partial = recorder.floats(format!("{label} partial sums"), tiles.splits * grads.len);
    recorder.dispatch(label, kernel, inputs, &[partial]);
    let sum = SumSplits { splits: tiles.splits, count: grads.len };
    recorder.dispatch(format!("{label} sum"), sum, &[partial], &[grads]);
}

/// `out[i] = sum over s of partial[s, i]`; inputs: partial [splits, count]; outputs: out `[count]`.
#[derive(Debug, Clone, Copy)]
struct SumSplits {
    splits: usize,
    count: usize,
}

impl KernelSpec for SumSplits {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.count);
        Shader {
            files: vec![include_str!("../../shaders/sum_splits.wgsl")],
            constants: vec![("SPLITS", self.splits as u64), ("COUNT", self.count as u64), grid_x],
            grid,
            iterations: self.splits,
            uses_step: false,
        }
    }

    fn cost(&self) -> Cost {
        let adds = (self.splits * self.count) as f64;
        Cost { flops: adds, bytes: 4.0 * (adds + self.count as f64) }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (partial, out) = (io.input(0), io.output(0));
        sum_rows(partial, self.count, out);
    }
}

/// `c = a b` in parallel over fixed blocks of `block` rows, so that the bits do not depend on the number of threads.
pub(crate) fn par_matmul<F: Real>(size: MatMul, block: usize, a: Strided<'_, F>, b: Strided<'_, F>, c: &mut [F]) {
    let MatMul { m, n, .. } = size;
    c[..m * n].par_chunks_mut(block * n).enumerate().for_each(|(i, rows)| {
        let a = Strided { data: &a.data[i * block * a.row_stride..], ..a };
        F::matmul(MatMul { m: rows.len() / n, ..size }, a, b, F::ZERO, rows);
    });
}

/// Sums the columns of a row-major matrix with `cols` columns into `out`, rows in order.
pub(crate) fn sum_rows<F: Real>(matrix: &[F], cols: usize, out: &mut [F]) {
    out.fill(F::ZERO);
    for row in matrix.chunks_exact(cols) {
        for (sum, v) in out.iter_mut().zip(row) {
            *sum += *v;
        }
    }
}

/// Adds `bias` to each row of `y` and applies ReLU where asked.
pub(crate) fn bias_and_relu<F: Real>(y: &mut [F], bias: &[F], relu: bool) {
    for row in y.chunks_exact_mut(bias.len()) {
        for (v, b) in row.iter_mut().zip(bias) {
            let sum = *v + *b;
            *v = if relu && sum < F::ZERO { F::ZERO } else { sum };
        }
    }
}

/// Zeroes `dx` where the ReLU below was shut, that is where `x` is not positive.
pub(crate) fn gate<F: Real>(dx: &mut [F], x: &[F]) {
    for (d, x) in dx.iter_mut().zip(x) {
        if *x <= F::ZERO {
            *d = F::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sum_is_split_until_its_loop_is_short_enough() {
        // conv2d backward weights of a 64 to 64 layer over 600 images of 28x28.
        let tiles = Tiles::new(577, 64, 470_400, Profile::SOFTWARE).split();
        assert!(tiles.k_per_split() <= MAX_K_PER_SPLIT, "{tiles:?}");
        assert!(tiles.splits * tiles.k_per_split() >= tiles.k && (tiles.splits - 1) * tiles.k_per_split() < tiles.k);
        assert_eq!(Tiles::new(577, 64, 3872, Profile::SOFTWARE).split().splits, 1);
        assert_eq!(Tiles::new(10, 64, 21_632, Profile::SOFTWARE).split().splits, 8);
    }
}
