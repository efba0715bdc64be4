//! The gradient of a join w.r.t. an operand that is broadcast: sums over the elements that it was broadcast to.

use super::broadcast::{BLOCK, Broadcast, Broadcasts, Buffers, OPERANDS_FILE, constants_of, for_each_block};
use super::operation::Operation;
use crate::kernels::columns::{fold, width};
use crate::kernels::elementwise::{CHUNK, elementwise_cost};
use crate::kernels::rows::sums;
use crate::plan::{Cost, Io, KernelSpec, LANES_FILE, Shader, constants, elementwise_grid, output_file, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;
use std::ops::Range;

/// The gradient of a join of `count` elements w.r.t. an operand, as partial sums over the elements of the result that take one of its
/// own. Inputs: a and b, `[count]` or broadcast to it, and dy `[count]`; outputs: the sums [splits, elements of the operand].
#[derive(Debug, Clone, Copy)]
pub(crate) struct JoinSums {
    pub(crate) count: usize,
    pub(crate) operation: Operation,
    /// How the inputs a and b are broadcast.
    pub(crate) broadcasts: Broadcasts,
    /// How the operand is that the gradient is of.
    pub(crate) target: Broadcast,
    /// Whether it is b.
    pub(crate) second: bool,
}

impl JoinSums {
    /// Elements of the operand.
    fn operand(&self) -> usize {
        self.count / self.target.copies()
    }

    /// Whether the shader takes four elements at a time.
    fn by_4(&self) -> bool {
        let [a, b] = self.broadcasts;
        [a, b, self.target].iter().all(|operand| operand.by_4(self.count))
    }

    /// Terms of a partial sum, a multiple of four where four are taken at a time.
    fn terms(&self) -> usize {
        /// Sums that keep an adapter busy.
        const SUMS: usize = 16_384;
        /// Terms of a sum, at least, unless there are fewer.
        const MIN_TERMS: usize = 64;
        let splits = (SUMS / self.operand()).max(1);
        let terms = self.target.copies().div_ceil(splits).max(MIN_TERMS);
        terms.next_multiple_of(4).min(self.target.copies())
    }

    /// Number of partial sums.
    pub(crate) fn splits(&self) -> usize {
        self.target.copies().div_ceil(self.terms())
    }

    /// Calls `each(rows, sums)` for neighbouring rows of the partial sums, of `target.len` elements, in parallel.
    fn for_each_task<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(Range<usize>, &mut [F]) + Sync) {
        let len = self.target.len;
        let rows = CHUNK.div_ceil(len * self.terms());
        let tasks = io.output(0).par_chunks_mut(len * rows).enumerate();
        tasks.for_each(|(i, sums)| each(i * rows..i * rows + sums.len() / len, sums));
    }

    /// The partial sums of `rows`.
    #[inline(always)]
    fn sum<F: Real>(&self, rows: Range<usize>, inputs: [&[F]; 3], all: &mut [F]) {
        let Broadcast { repeats, len, run } = self.target;
        let rows_per_split = self.operand() / len;
        let mut buffers = ([[F::ZERO; BLOCK]; 2], [F::ZERO; BLOCK]);
        let mut columns = vec![F::ZERO; if run == 1 { width(len) } else { 0 }];
        for (row, out) in rows.zip(all.chunks_exact_mut(len)) {
            let (outer, first) = (row % rows_per_split, row / rows_per_split * self.terms());
            let terms = first..(first + self.terms()).min(self.target.copies());
            if run == 1 {
                columns.fill(F::ZERO);
                let start = (outer * repeats + terms.start) * len;
                self.gradients(start..start + terms.len() * len, inputs, &mut buffers, |offset, gradients| {
                    add_columns(&mut columns, offset, gradients);
                });
                fold(&mut columns, len);
                out.copy_from_slice(&columns[..len]);
                continue;
            }
            out.fill(F::ZERO);
            for repeat in terms.start / run..terms.end.div_ceil(run) {
                let within = (repeat * run).max(terms.start)..((repeat + 1) * run).min(terms.end);
                for (column, sum) in out.iter_mut().enumerate() {
                    let start = ((outer * repeats + repeat) * len + column) * run + within.start % run;
                    self.gradients(start..start + within.len(), inputs, &mut buffers, |_, gradients| {
                        let [of_block] = sums([gradients], |[gradient]| [gradient]);
                        *sum += of_block;
                    });
                }
            }
        }
    }

    /// Calls `each(offset, gradients)` for blocks of the elements `range` of the result, with the gradient that each has a share in.
    #[inline(always)]
    fn gradients<F: Real>(
        &self,
        range: Range<usize>,
        [a, b, dy]: [&[F]; 3],
        (buffers, gradients): &mut (Buffers<F>, [F; BLOCK]),
        mut each: impl FnMut(usize, &[F]),
    ) {
        for_each_block(self.broadcasts, [a, b], buffers, [range.start, range.len()], |offset, a, b| {
            let gradients = &mut gradients[..a.len()];
            for (((gradient, a), b), dy) in gradients.iter_mut().zip(a).zip(b).zip(&dy[range.start + offset..]) {
                *gradient = self.operation.gradient(self.second, *a, *b, *dy);
            }
            each(offset, gradients);
        });
    }
}

/// Adds `values`, elements from `offset` on of a matrix whose rows are as long as `sums`, to the sums of its columns.
#[inline(always)]
fn add_columns<F: Real>(sums: &mut [F], offset: usize, mut values: &[F]) {
    let mut column = offset % sums.len();
    while !values.is_empty() {
        let (these, others) = values.split_at((sums.len() - column).min(values.len()));
        sums[column..].iter_mut().zip(these).for_each(|(sum, value)| *sum += *value);
        (values, column) = (others, 0);
    }
}

impl KernelSpec for JoinSums {
    fn shader(&self) -> Shader {
        let by_4 = self.by_4();
        // Neighbours of the operand, or terms of one sum.
        let [out_lanes, step]: [usize; 2] = match (by_4, self.target.run) {
            (false, _) => [1, 1],
            (true, 1) => [4, 1],
            (true, _) => [1, 4],
        };
        let (grid, grid_x) = elementwise_grid(self.splits() * self.operand() / out_lanes);
        let own = constants! {
            OPERAND: self.operand(),
            SPLITS: self.splits(),
            TERMS: self.terms(),
            REPEATS: self.target.repeats,
            LEN: self.target.len,
            RUN: self.target.run,
            BY_4: by_4,
            OUT_LANES: out_lanes,
            STEP: step,
            SECOND: self.second,
            OUT: 3u32,
        };
        let file = wgsl!("join_sums.wgsl");
        Shader {
            files: vec![LANES_FILE, OPERANDS_FILE, self.operation.file(), file, output_file(out_lanes == 4)],
            constants: constants_of(self.broadcasts).and(self.operation.constants()).and(grid_x).and(own),
            grid,
            iterations: self.terms().div_ceil(step),
            uses_step: false,
        }
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, 2.0, 3)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let inputs = [0, 1, 2].map(|i| io.input(i));
        self.for_each_task(&mut io, |rows, sums| self.sum(rows, inputs, sums));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let inputs = [0, 1, 2].map(|i| io.input(i));
        self.for_each_task(&mut io, |rows, sums| compiled!(level, self.sum(rows, inputs, sums)));
    }
}
