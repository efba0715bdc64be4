//! Muon's update of one matrix of parameters: the momentum made nearly orthogonal by Newton-Schulz iterations (Jordan et al. 2024; scaled as
//! by Liu et al. 2025), as Keras has it.

use super::flagged::{FlaggedGradients, flag_at};
use super::norm::{SquareSums, norm_of};
use crate::kernels::matrix_product::{record_gram, record_product};
use crate::plan::{
    BufferSlice, Constants, Cost, Io, KernelSpec, Recorder, STEP_FILE, Shader, constants, elementwise_grid, wgsl,
};
use crate::real::Real;

/// Coefficients a, b and c of the iteration, `X = a X + b (X X^T) X + c (X X^T)^2 X`.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.775, 2.0315];

/// A matrix of parameters in the arenas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix {
    pub(crate) offset: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

/// What goes with the update of all matrices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Muon {
    pub(crate) momentum: f64,
    pub(crate) nesterov: bool,
    pub(crate) ns_steps: usize,
    pub(crate) rms_rate: f64,
    pub(crate) clip_value: Option<f64>,
}

impl Muon {
    /// Records the momentum of `matrix`, from which its gradients are taken away: what is left of the arena is Adam's. Returns the
    /// direction, [rows, cols].
    pub(crate) fn record_momentum(
        &self,
        r: &mut Recorder,
        name: &str,
        matrix: Matrix,
        gradients: FlaggedGradients,
        momentum: BufferSlice,
    ) -> BufferSlice {
        let len = (matrix.rows * matrix.cols).next_multiple_of(4);
        let direction = r.floats(format!("{name} muon direction"), len);
        let kernel = Momentum { matrix, muon: *self, flag: flag_at(gradients.count) };
        r.dispatch(format!("{name} muon momentum"), kernel, &[], &[gradients.whole, momentum, direction]);
        direction
    }

    /// Records the iterations from `direction`, and the update of the matrix unless `flag` is set.
    pub(crate) fn record_update(
        &self,
        r: &mut Recorder,
        name: &str,
        matrix: Matrix,
        [direction, flag]: [BufferSlice; 2],
        parameters: BufferSlice,
    ) {
        let Matrix { rows, cols, .. } = matrix;
        let size = [rows.min(cols), rows.max(cols)];
        let sums = SquareSums::new(direction.len);
        let partial = r.floats(format!("{name} muon partial sums"), sums.groups());
        r.dispatch(format!("{name} muon norm"), sums, &[direction], &[partial]);
        let buffer = |r: &mut Recorder, what: &str, len: usize| r.floats(format!("{name} muon {what}"), len);
        let mut x = buffer(r, "x", rows * cols);
        let mut next = buffer(r, "next x", rows * cols);
        let [gram, square] = ["gram", "polynomial"].map(|what| buffer(r, what, size[0] * size[0]));
        let normalise = Normalise { rows, cols, groups: sums.groups() };
        r.dispatch(format!("{name} muon normalise"), normalise, &[partial, direction], &[x]);
        let [a, b, c] = COEFFICIENTS;
        for step in 1..=self.ns_steps {
            let label = |what: &str| format!("{name} muon {what} {step}");
            record_gram(r, &label("gram"), size, x, gram);
            record_product(r, &label("polynomial"), [size[0]; 2], [c, b], [gram, gram, gram, square]);
            record_product(r, &label("x"), size, [1.0, a], [square, x, x, next]);
            (x, next) = (next, x);
        }
        let scale = self.rms_rate * (size[1] as f64).sqrt();
        r.dispatch(format!("{name} muon update"), Apply { matrix, scale }, &[x, flag], &[parameters]);
    }
}

/// `m = momentum m + g`, `x = g + momentum m` or without Nesterov `x = m`, then `g = 0`, over one matrix; nothing happens where the flag is
/// set. Outputs: [`FlaggedGradients`], momentum, the whole arena, x [rows, cols].
#[derive(Debug, Clone, Copy)]
struct Momentum {
    matrix: Matrix,
    muon: Muon,
    /// The element of the flag.
    flag: usize,
}

fn shader(len: usize, files: Vec<&'static str>, own: Constants) -> Shader {
    let (grid, grid_x) = elementwise_grid(len);
    Shader { files, constants: constants! { COUNT: len }.and(grid_x).and(own), grid, iterations: 0, uses_step: false }
}

fn cost(len: usize, flops: f64, buffers: f64) -> Cost {
    let len = len as f64;
    Cost { flops: flops * len, dense_flops: flops * len, bytes: 4.0 * buffers * len }
}

impl Matrix {
    fn len(&self) -> usize {
        self.rows * self.cols
    }
}

impl KernelSpec for Momentum {
    fn shader(&self) -> Shader {
        let own = constants! {
            OFFSET: self.matrix.offset,
            FLAG: self.flag,
            MOMENTUM: self.muon.momentum as f32,
            NESTEROV: self.muon.nesterov,
            CLIPS: self.muon.clip_value.is_some(),
            CLIP_VALUE: self.muon.clip_value.unwrap_or_default() as f32,
        };
        shader(self.matrix.len(), vec![wgsl!("muon_momentum.wgsl")], own)
    }

    fn cost(&self) -> Cost {
        cost(self.matrix.len(), 4.0, 5.0)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (len, offset) = (self.matrix.len(), self.matrix.offset);
        let g = io.output(0);
        if g[self.flag] != F::ZERO {
            return;
        }
        let (g, m, x) = (&mut g[offset..][..len], &mut io.output(1)[offset..][..len], io.output(2));
        let momentum = F::from_f64(self.muon.momentum);
        let clip = F::from_f64(self.muon.clip_value.unwrap_or(f64::INFINITY));
        for ((g, m), x) in g.iter_mut().zip(m).zip(x) {
            let gradient = super::clipped(*g, clip);
            *m = momentum * *m + gradient;
            *x = if self.muon.nesterov { gradient + momentum * *m } else { *m };
            *g = F::ZERO;
        }
    }
}

/// `y = x / (norm(x) + 1e-7)`, transposed if there are more rows than columns. Inputs: partial sums of squares `[groups]`, x [rows, cols];
/// outputs: y, with no more rows than columns.
#[derive(Debug, Clone, Copy)]
struct Normalise {
    rows: usize,
    cols: usize,
    groups: usize,
}

impl KernelSpec for Normalise {
    fn shader(&self) -> Shader {
        let own =
            constants! { GROUPS: self.groups, ROWS: self.rows, COLS: self.cols, TRANSPOSED: self.rows > self.cols };
        let files = vec![wgsl!("norm_of_sums.wgsl"), wgsl!("muon_normalise.wgsl")];
        Shader { iterations: self.groups.div_ceil(64) + 64, ..shader(self.rows * self.cols, files, own) }
    }

    fn cost(&self) -> Cost {
        cost(self.rows * self.cols, 1.0, 2.0)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (x, y) = (io.input(1), io.output(0));
        let divisor = norm_of(io.input(0)) + F::from_f64(1e-7);
        for (i, y) in y.iter_mut().enumerate() {
            let from = if self.rows > self.cols { i % self.rows * self.cols + i / self.rows } else { i };
            *y = x[from] / divisor;
        }
    }
}

/// `p -= learning rate * scale * x` over one matrix; nothing happens where the flag is set. Inputs: x, with no more rows than columns,
/// flag; outputs: parameters, the whole arena.
#[derive(Debug, Clone, Copy)]
struct Apply {
    matrix: Matrix,
    scale: f64,
}

impl KernelSpec for Apply {
    fn shader(&self) -> Shader {
        let Matrix { offset, rows, cols } = self.matrix;
        let own = constants! {
            OFFSET: offset,
            ROWS: rows,
            COLS: cols,
            TRANSPOSED: rows > cols,
            SCALE: self.scale as f32,
        };
        let files = vec![STEP_FILE, wgsl!("muon_update.wgsl")];
        Shader { uses_step: true, ..shader(self.matrix.len(), files, own) }
    }

    fn cost(&self) -> Cost {
        cost(self.matrix.len(), 2.0, 3.0)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        if io.input(1)[0] != F::ZERO {
            return;
        }
        let Matrix { offset, rows, cols } = self.matrix;
        let (x, p) = (io.input(0), &mut io.output(0)[offset..][..rows * cols]);
        let rate = F::from_f64(f64::from(io.step.learning_rate)) * F::from_f64(self.scale);
        for (i, p) in p.iter_mut().enumerate() {
            let from = if rows > cols { i % cols * rows + i / cols } else { i };
            *p = *p - rate * x[from];
        }
    }
}
