//! Dense: `y = act(x w + b)`, and its two gradients.

mod parts;

use super::gate::Gate;
use super::sum_split_k::Epilogue;
use super::tile::{TileShader, Tiles, bias_and_relu, dy_file, par_matmul, record_split_k, sum_rows, weights_file};
use super::{Activation, Gradients, Init, LayerContext, LayerSpec, ParamSpec, Record};
use crate::error::{Result, usage};
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, Shader};
use crate::real::{MatMul, Real, Strided};
use crate::simd::SimdLevel;
use serde::{Deserialize, Serialize};

/// A fully connected layer; `kernel` is [inputs, units], `bias` `[units]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Outputs.
    pub units: usize,
    /// What follows the sum.
    #[serde(default)]
    pub activation: Activation,
}

impl Dense {
    /// `units` outputs, no activation.
    pub fn new(units: usize) -> Self {
        Self { units, activation: Activation::Linear }
    }

    /// The same layer with `activation`.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }
}

impl LayerSpec for Dense {
    fn kind(&self) -> &'static str {
        "Dense"
    }

    fn base_name(&self) -> &'static str {
        "dense"
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match (input, self.units) {
            (_, 0) => Err(usage!("Dense needs at least 1 unit")),
            ([_], units) => Ok(vec![units]),
            _ => Err(usage!("Dense takes a flat input, its input is {input:?}; put a Flatten before it")),
        }
    }

    fn params(&self, input: &[usize]) -> Vec<ParamSpec> {
        let init = Init::GlorotUniform { fan_in: input[0], fan_out: self.units };
        vec![
            ParamSpec { name: "kernel", shape: vec![input[0], self.units], init },
            ParamSpec { name: "bias", shape: vec![self.units], init: Init::Zeros },
        ]
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}

impl Record for Dense {
    fn forward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, y: BufferSlice) -> Vec<BufferSlice> {
        let tiles = Tiles::new(ctx.batch, self.units, ctx.input[0], recorder.profile).split();
        let relu = self.activation == Activation::Relu;
        let label = format!("{} forward", ctx.name);
        let finish = Epilogue { units: self.units, bias: ctx.input[0] * self.units, relu };
        let kernel = DenseForward { tiles, relu };
        let finish = Some((finish, ctx.weights));
        record_split_k(recorder, &label, tiles.split_k, kernel, &[ctx.x, ctx.weights], y, finish);
        Vec::new()
    }

    fn backward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, _: &[BufferSlice], gradients: &Gradients) {
        let tiles = Tiles::new(ctx.input[0] + 1, self.units, ctx.batch, recorder.profile).split();
        let label = format!("{} backward weights", ctx.name);
        record_split_k(
            recorder,
            &label,
            tiles.split_k,
            DenseBackwardWeights { tiles },
            &[ctx.x, gradients.dy],
            ctx.grads,
            None,
        );
        if let Some(dx) = gradients.dx {
            let tiles = Tiles::new(ctx.batch, ctx.input[0], self.units, recorder.profile);
            let kernel = DenseBackwardInput { tiles, gate: dx.gate };
            let inputs = [gradients.dy, ctx.weights, dx.gate_input];
            recorder.dispatch(format!("{} backward input", ctx.name), kernel, &inputs, &[dx.slot]);
        }
    }
}

/// `y = act(x w + b)`, or the sums of each split; inputs: x [n, i], weights (w [i, u], b `[u]`); outputs: y [n, u].
#[derive(Debug, Clone, Copy)]
struct DenseForward {
    tiles: Tiles,
    relu: bool,
}

impl KernelSpec for DenseForward {
    fn shader(&self) -> Shader {
        let constants = [("K_BY_4?", u64::from(self.tiles.k.is_multiple_of(4))), ("RELU?", u64::from(self.relu))];
        let files = [
            include_str!("../../../shaders/dense_forward.wgsl"),
            weights_file(self.tiles.cols.is_multiple_of(4)),
            include_str!("../../../shaders/tile_weights.wgsl"),
            include_str!("../../../shaders/tile_forward.wgsl"),
        ];
        self.tiles.shader(&TileShader { files: &files, out: 2, constants: &constants })
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
            return bias_and_relu(y, b, self.relu);
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
        parts::forward(MatMul { m, k, n }, x, w, y);
        bias_and_relu(y, b, self.relu);
    }
}

/// `dx = dy w^T`; inputs: dy [n, u], weights (w [i, u], ..), what `below` sees; outputs: dx [n, i].
#[derive(Debug, Clone, Copy)]
struct DenseBackwardInput {
    tiles: Tiles,
    gate: Gate,
}

impl KernelSpec for DenseBackwardInput {
    fn shader(&self) -> Shader {
        let units = self.tiles.k as u64;
        let mut constants = self.gate.constants(2, self.tiles.cols).to_vec();
        let by_4 = units.is_multiple_of(4);
        constants.extend([("C_OUT", units), ("C_OUT_BY_4?", u64::from(by_4)), ("DY", 0)]);
        let files = [
            weights_file(by_4),
            dy_file(by_4),
            include_str!("../../../shaders/dense_backward_input.wgsl"),
            Gate::FILE,
            include_str!("../../../shaders/tile_backward_input.wgsl"),
        ];
        self.tiles.shader(&TileShader { files: &files, out: 3, constants: &constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.tiles)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let Tiles { rows: m, cols: n, k, .. } = self.tiles;
        let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
        par_matmul(MatMul { m, k, n }, Strided::rows(dy, k), Strided::transposed(weights, k), dx);
        self.gate.apply_gate(dx, io.inputs[2], 0);
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let Tiles { rows: m, cols: n, k, .. } = self.tiles;
        let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
        let gate = |image: usize, dx: &mut [f32]| self.gate.apply_gate_simd(level, dx, io.inputs[2], image * n);
        parts::backward_input(MatMul { m, k, n }, dy, weights, dx, gate);
    }
}

/// `dw = x^T dy`, `db = sum of dy`; inputs: x [n, i], dy [n, u]; outputs: (dw [i, u], db `[u]`), once a split.
#[derive(Debug, Clone, Copy)]
struct DenseBackwardWeights {
    tiles: Tiles,
}

impl KernelSpec for DenseBackwardWeights {
    fn shader(&self) -> Shader {
        let by_4 = u64::from((self.tiles.rows - 1).is_multiple_of(4));
        let constants = [("INPUTS_BY_4?", by_4), ("WINDOW_LEN", 1), ("OFFSET_MASK", 0), ("DY", 1)];
        let files = [
            include_str!("../../../shaders/dense_backward_weights.wgsl"),
            dy_file(self.tiles.cols.is_multiple_of(4)),
            include_str!("../../../shaders/tagged_gradient.wgsl"),
            include_str!("../../../shaders/tile_backward_weights.wgsl"),
        ];
        self.tiles.shader(&TileShader { files: &files, out: 2, constants: &constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.tiles)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let Tiles { rows, cols: n, k: images, .. } = self.tiles;
        let inputs = rows - 1;
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
        let Tiles { rows, cols: n, k: images, split_k, .. } = self.tiles;
        if split_k > 1 {
            return self.run(io);
        }
        let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
        let (dw, db) = out.split_at_mut((rows - 1) * n);
        parts::backward_weights(MatMul { m: rows - 1, k: images, n }, x, dy, dw);
        sum_rows(dy, n, db);
    }
}

/// Two operations a product; each operand moved once.
fn cost(tiles: &Tiles) -> Cost {
    let Tiles { rows, cols, k, .. } = *tiles;
    let flops = tiles.flops();
    Cost { flops, dense_flops: flops, bytes: 4.0 * (rows * k + k * cols + rows * cols) as f64 }
}
