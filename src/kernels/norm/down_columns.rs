//! Kernels over the elements of a matrix that need coefficients of their columns: how a shader's invocations share the rows.

use crate::plan::{Constants, LANES_FILE, Shader, constants, elementwise_grid, output_file};

/// Rows that an invocation takes with the coefficients that it has loaded, at most.
const ROWS: usize = 8;
/// Invocations that keep an adapter busy: there are as many before one takes several rows.
const BUSY: usize = 2048;

/// The shader of `files` over a matrix [rows, cols]: an invocation has LANES columns (4, or 1 where 4 does not divide `cols`) of EACH
/// neighbouring rows.
pub(super) fn shader_down_columns([rows, cols]: [usize; 2], files: &[&'static str], own: Constants) -> Shader {
    let by_4 = cols.is_multiple_of(4);
    let lanes: usize = if by_4 { 4 } else { 1 };
    let units = cols / lanes;
    let each = (rows * units / BUSY).clamp(1, ROWS);
    let (grid, grid_x) = elementwise_grid(rows.div_ceil(each) * units);
    let constants = constants! { ROWS: rows, COLS: cols, LANES: lanes, BY_4: by_4, UNITS: units, EACH: each };
    Shader {
        files: [&[LANES_FILE], files, &[output_file(by_4)]].concat(),
        constants: constants.and(grid_x).and(own),
        grid,
        iterations: each,
        uses_step: false,
    }
}
