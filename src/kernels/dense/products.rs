//! Dense: `y = act(x w + b)`, and its two gradients, as matrix products.

use super::row_blocks;
use crate::kernels::gate::{GateKind, GradientOut};
use crate::kernels::matrix::{bias_and_relu, par_matmul, sum_rows};
use crate::kernels::split_k::{Epilogue, record_split_k};
use crate::kernels::tile::{TileShader, Tiles, dy_file, weights_file, x_file};
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, Shader, constants, wgsl};
use crate::real::{MatMul, Real, Strided};
use crate::simd::SimdLevel;

/// Sizes of a dense layer over a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DenseDims {
    pub(crate) batch: usize,
    pub(crate) inputs: usize,
    pub(crate) units: usize,
    /// Whether the weights end with a bias.
    pub(crate) bias: bool,
}

impl DenseDims {
    /// Records `y = act(x w + b)`: x [batch, inputs], weights (w [inputs, units], maybe b `[units]`), y [batch, units].
    pub(crate) fn record_forward(self, r: &mut Recorder, name: &str, relu: bool, [x, weights, y]: [BufferSlice; 3]) {
        let Self { batch, inputs, units, bias } = self;
        let tiles = Tiles::new(batch, units, inputs, r.profile).split();
        let epilogue = Epilogue { units, bias: bias.then_some(inputs * units), relu };
        let kernel = DenseForward { tiles, bias, relu };
        let label = format!("{name} forward");
        record_split_k(r, &label, tiles.split_k, kernel, &[x, weights], y, Some((epilogue, weights)));
    }

    /// Records the gradient w.r.t. weights and bias, laid out as them.
    pub(crate) fn record_backward_weights(self, r: &mut Recorder, name: &str, [x, dy, gradients]: [BufferSlice; 3]) {
        let rows = self.inputs + usize::from(self.bias);
        let tiles = Tiles::new(rows, self.units, self.batch, r.profile).split();
        let kernel = DenseBackwardWeights { tiles, inputs: self.inputs };
        record_split_k(r, &format!("{name} backward weights"), tiles.split_k, kernel, &[x, dy], gradients, None);
    }

    /// Records the gradient w.r.t. the input.
    pub(crate) fn record_backward_input(
        self,
        r: &mut Recorder,
        name: &str,
        [dy, weights]: [BufferSlice; 2],
        dx: GradientOut,
    ) {
        let tiles = Tiles::new(self.batch, self.inputs, self.units, r.profile);
        let kernel = DenseBackwardInput { tiles, gate: dx.gate.kind() };
        r.dispatch(format!("{name} backward input"), kernel, &dx.inputs(&[dy, weights]), &[dx.to]);
    }
}

/// `y = act(x w + b)`, or the sums of each split; inputs: x [n, i], weights (w [i, u], maybe b `[u]`); outputs: y [n, u].
#[derive(Debug, Clone, Copy)]
struct DenseForward {
    tiles: Tiles,
    bias: bool,
    relu: bool,
}

impl KernelSpec for DenseForward {
    fn shader(&self) -> Shader {
        let constants = constants! { K_BY_4: self.tiles.k.is_multiple_of(4), BIAS: self.bias, RELU: self.relu };
        let files = [
            wgsl!("tile_rows.wgsl"),
            x_file(self.tiles.k.is_multiple_of(4)),
            weights_file(self.tiles.cols.is_multiple_of(4)),
            wgsl!("tile_weights.wgsl"),
            wgsl!("tile_forward.wgsl"),
        ];
        self.tiles.shader(TileShader { files: &files, out: 2, constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.tiles)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let Tiles { rows: m, cols: n, k, .. } = self.tiles;
        let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
        let (w, b) = weights.split_at(k * n);
        if self.tiles.split_k == 1 {
            par_matmul(MatMul { m, k, n }, Strided::rows(x, k), Strided::rows(w, n), y);
            return bias_and_relu(y, n, b, self.relu);
        }
        let per_split = self.tiles.k_per_split();
        for (split, sums) in y.chunks_exact_mut(m * n).enumerate() {
            let from = (split * per_split).min(k);
            let size = MatMul { m, k: per_split.min(k - from), n };
            let x = Strided { data: &x[from..], row_stride: k, col_stride: 1 };
            par_matmul(size, x, Strided::rows(&w[from * n..], n), sums);
        }
    }

    fn run_simd(&self, _: SimdLevel, mut io: Io<'_, f32>) {
        let Tiles { rows: m, cols: n, k, split_k, .. } = self.tiles;
        if split_k > 1 {
            return self.run(io);
        }
        let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
        let (w, b) = weights.split_at(k * n);
        row_blocks::forward(MatMul { m, k, n }, x, w, y);
        bias_and_relu(y, n, b, self.relu);
    }
}

/// `dx = dy w^T`; inputs: dy [n, u], weights (w [i, u], ..), what the gate reads, shaped like dx; outputs: dx [n, i].
#[derive(Debug, Clone, Copy)]
struct DenseBackwardInput {
    tiles: Tiles,
    gate: GateKind,
}

impl KernelSpec for DenseBackwardInput {
    fn shader(&self) -> Shader {
        let by_4 = self.tiles.k.is_multiple_of(4);
        let own = constants! { C_OUT: self.tiles.k, GROUP_OUT: self.tiles.k, C_OUT_BY_4: by_4, DY: 0u32 };
        let constants = self.gate.constants(2, self.tiles.cols).and(own);
        let files = [
            weights_file(by_4),
            dy_file(by_4),
            wgsl!("dense_backward_input.wgsl"),
            self.gate.file(),
            wgsl!("tile_backward_input.wgsl"),
        ];
        self.tiles.shader(TileShader { files: &files, out: 2 + self.gate.bindings(), constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.tiles)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let Tiles { rows: m, cols: n, k, .. } = self.tiles;
        let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
        par_matmul(MatMul { m, k, n }, Strided::rows(dy, k), Strided::transposed(weights, k), dx);
        self.gate.apply(dx, io.inputs[2], 0);
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let Tiles { rows: m, cols: n, k, .. } = self.tiles;
        let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
        let gate = |image: usize, dx: &mut [f32]| self.gate.apply_simd(level, dx, io.inputs[2], image * n);
        row_blocks::backward_input(MatMul { m, k, n }, dy, weights, dx, gate);
    }
}

/// `dw = x^T dy`, `db = sum of dy`; inputs: x [n, i], dy [n, u]; outputs: (dw [i, u], with a bias db `[u]`), once a split.
#[derive(Debug, Clone, Copy)]
struct DenseBackwardWeights {
    tiles: Tiles,
    inputs: usize,
}

impl KernelSpec for DenseBackwardWeights {
    fn shader(&self) -> Shader {
        let own = constants! { INPUTS: self.inputs, INPUTS_BY_4: self.inputs.is_multiple_of(4) };
        let constants = own.and(constants! { WINDOW_LEN: 1u32, OFFSET_MASK: 0u32, DY: 1u32 });
        let files = [
            wgsl!("dense_backward_weights.wgsl"),
            x_file(self.inputs.is_multiple_of(4)),
            dy_file(self.tiles.cols.is_multiple_of(4)),
            wgsl!("tagged_gradient.wgsl"),
            wgsl!("tile_backward_weights.wgsl"),
        ];
        self.tiles.shader(TileShader { files: &files, out: 2, constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.tiles)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let Tiles { rows, cols: n, k: images, .. } = self.tiles;
        let inputs = self.inputs;
        let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
        // The twin sums each split's share of the images into that split's block, as the shader does.
        let per_split = self.tiles.k_per_split();
        for (split, block) in out.chunks_exact_mut(rows * n).enumerate() {
            let from = (split * per_split).min(images);
            let to = (from + per_split).min(images);
            let (x, dy) = (&x[from * inputs..to * inputs], &dy[from * n..to * n]);
            let (dw, db) = block.split_at_mut(inputs * n);
            let size = MatMul { m: inputs, k: to - from, n };
            par_matmul(size, Strided::transposed(x, inputs), Strided::rows(dy, n), dw);
            sum_rows(dy, n, db);
        }
    }

    fn run_simd(&self, _: SimdLevel, mut io: Io<'_, f32>) {
        let Tiles { cols: n, k: images, split_k, .. } = self.tiles;
        if split_k > 1 {
            return self.run(io);
        }
        let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
        let (dw, db) = out.split_at_mut(self.inputs * n);
        row_blocks::backward_weights(MatMul { m: self.inputs, k: images, n }, x, dy, dw);
        sum_rows(dy, n, db);
    }
}

/// Two operations a product; each operand moved once.
fn cost(tiles: &Tiles) -> Cost {
    let Tiles { rows, cols, k, .. } = *tiles;
    let flops = tiles.flops();
    Cost { flops, dense_flops: flops, bytes: 4.0 * (rows * k + k * cols + rows * cols) as f64 }
}
