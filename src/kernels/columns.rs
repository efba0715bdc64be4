//! Sums over the rows of a matrix, column by column, in chunks of rows: how a shader's invocations and the CPU share the work. The
//! second pass, over the chunks, adds in ascending order.

use crate::plan::{Constants, STEP_FILE, Shader, Step, constants, grid, wgsl};
use crate::real::Real;
use std::ops::Range;

/// A matrix [rows, cols] of activations, of which the rows of images beyond the batch do not count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) rows_per_image: usize,
    /// Whether an invocation takes four columns, else one.
    pub(crate) by_4: bool,
}

/// Invocations of a workgroup.
const WORKGROUP: usize = 64;
/// Column lanes of a workgroup, at most: the others share the rows.
const MAX_COLUMN_LANES: usize = 16;
/// Workgroups that keep an adapter busy.
const GROUPS: usize = 256;
/// Elements of a chunk, at least, unless there are fewer.
const MIN_ELEMENTS: usize = 8192;
/// Rows of a chunk, at most: a bound of the shader's loops.
const MAX_ROWS: usize = 16_384;
/// Columns of the CPU's accumulators, at least: short rows are taken several at a time.
const MIN_WIDTH: usize = 256;

/// How the invocations of a workgroup share a tile of columns, each `width` columns: four, or one.
#[derive(Debug, Clone, Copy)]
struct Lanes {
    width: usize,
    columns: usize,
    rows: usize,
    tiles: usize,
}

impl Lanes {
    fn new(cols: usize, by_4: bool) -> Self {
        let width = if by_4 { 4 } else { 1 };
        let units = cols / width;
        let columns = units.min(MAX_COLUMN_LANES);
        Self { width, columns, rows: WORKGROUP / columns, tiles: units.div_ceil(columns) }
    }

    fn constants(self) -> Constants {
        constants! { LANES: self.width, COLUMN_LANES: self.columns, ROW_LANES: self.rows, TILES: self.tiles }
    }
}

impl Columns {
    /// A matrix whose rows lie one after the other.
    pub(crate) fn new(rows: usize, cols: usize, rows_per_image: usize) -> Self {
        Self { rows, cols, rows_per_image, by_4: cols.is_multiple_of(4) }
    }

    /// Elements of the matrix.
    pub(super) fn count(&self) -> usize {
        self.rows * self.cols
    }

    fn chunk_rows(&self) -> usize {
        let tiles = Lanes::new(self.cols, self.by_4).tiles;
        let busy = (self.rows * tiles).div_ceil(GROUPS);
        busy.max(MIN_ELEMENTS.div_ceil(self.cols)).min(MAX_ROWS).min(self.rows)
    }

    /// Chunks of rows, each of which gives partial sums.
    pub(super) fn chunks(&self) -> usize {
        self.rows.div_ceil(self.chunk_rows())
    }

    /// Rows of the images that count.
    pub(super) fn valid_rows(&self, step: &Step) -> usize {
        step.images as usize * self.rows_per_image
    }

    /// The rows of each chunk that count.
    pub(super) fn ranges(&self, step: &Step) -> impl ExactSizeIterator<Item = Range<usize>> + use<> {
        let (rows, valid) = (self.chunk_rows(), self.valid_rows(step));
        (0..self.chunks()).map(move |chunk| (chunk * rows).min(valid)..((chunk + 1) * rows).min(valid))
    }

    fn constants(&self) -> Constants {
        constants! {
            ROWS: self.rows,
            COLS: self.cols,
            ROWS_PER_IMAGE: self.rows_per_image,
            CHUNK_ROWS: self.chunk_rows(),
            CHUNKS: self.chunks(),
        }
    }

    /// The shader of the first pass, of `passes` loops over the rows of a chunk: a workgroup for each chunk and tile of columns.
    pub(super) fn chunk_shader(&self, passes: usize, files: &[&'static str], own: Constants) -> Shader {
        let lanes = Lanes::new(self.cols, self.by_4);
        let iterations = passes * (self.chunk_rows().div_ceil(lanes.rows) + lanes.rows);
        self.shader(lanes, self.by_4, self.chunks() * lanes.tiles, iterations, files, own)
    }

    /// The shader of the second pass, of `passes` loops over the chunks: a workgroup for each tile of single columns.
    pub(super) fn merge_shader(&self, passes: usize, files: &[&'static str], own: Constants) -> Shader {
        let lanes = Lanes::new(self.cols, false);
        let iterations = passes * (self.chunks().div_ceil(lanes.rows) + lanes.rows);
        self.shader(lanes, false, lanes.tiles, iterations, files, own)
    }

    fn shader(
        &self,
        lanes: Lanes,
        by_4: bool,
        groups: usize,
        iterations: usize,
        files: &[&'static str],
        own: Constants,
    ) -> Shader {
        let (grid, grid_x) = grid(groups);
        let columns = [STEP_FILE, crate::plan::LANES_FILE, wgsl!("columns.wgsl")];
        let constants = self.constants().and(lanes.constants()).with("BY_4", by_4).and(grid_x).and(own);
        Shader { files: [&columns, files].concat(), constants, grid, iterations, uses_step: true }
    }
}

/// Columns of an accumulator on the CPU: those of several rows where rows are short.
pub(super) fn width(cols: usize) -> usize {
    cols * (MIN_WIDTH / cols).max(1)
}

/// `values`, repeated up to [`width`].
pub(super) fn repeated<F: Real>(values: &[F]) -> Vec<F> {
    values.repeat(width(values.len()) / values.len())
}

/// Adds the columns of the second and later rows of an accumulator to those of the first, `cols` columns, in order.
#[inline(always)]
pub(super) fn fold<F: Real>(sums: &mut [F], cols: usize) {
    let (first, others) = sums.split_at_mut(cols);
    for row in others.chunks_exact(cols) {
        first.iter_mut().zip(row).for_each(|(sum, value)| *sum += *value);
    }
}
