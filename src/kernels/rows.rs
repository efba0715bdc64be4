//! Loops along the rows of a matrix: how a shader's invocations share a row, and sums on the CPU.

use crate::plan::{Constants, LANES_FILE, Shader, constants, grid, output_file, wgsl};
use crate::real::Real;

/// The shader of `files` over a matrix [rows, cols], with `passes` loops along a row, which invocations share as `rows.wgsl` says.
pub(super) fn shader_along_rows(
    [rows, cols]: [usize; 2],
    passes: usize,
    files: &[&'static str],
    own: Constants,
) -> Shader {
    const WORKGROUP: usize = 64;
    let by_4 = cols.is_multiple_of(4);
    let lanes: usize = if by_4 { 4 } else { 1 };
    let units = cols / lanes;
    // About four steps for each invocation.
    let row_lanes = units.div_ceil(4).next_power_of_two().min(WORKGROUP);
    let (grid, grid_x) = grid((rows * row_lanes).div_ceil(WORKGROUP));
    let constants = constants! { ROWS: rows, COLS: cols, LANES: lanes, BY_4: by_4, ROW_LANES: row_lanes };
    Shader {
        files: [&[LANES_FILE, wgsl!("rows.wgsl")], files, &[output_file(by_4)]].concat(),
        constants: constants.and(grid_x).and(own),
        grid,
        iterations: passes * (units.div_ceil(row_lanes) + row_lanes),
        uses_step: false,
    }
}

/// The sums of what `each` makes of the elements of arrays of one length: in lanes, which are then added in order.
#[inline(always)]
pub(super) fn sums<F: Real, const A: usize, const S: usize>(
    arrays: [&[F]; A],
    each: impl Fn([F; A]) -> [F; S],
) -> [F; S] {
    const LANES: usize = 16;
    let mut lanes = [[F::ZERO; LANES]; S];
    let whole = arrays[0].len() / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        let chunks = arrays.map(|array| &array[start..start + LANES]);
        for lane in 0..LANES {
            let values = each(chunks.map(|chunk| chunk[lane]));
            lanes.iter_mut().zip(values).for_each(|(sums, value)| sums[lane] += value);
        }
    }
    for i in whole..arrays[0].len() {
        let values = each(arrays.map(|array| array[i]));
        lanes.iter_mut().zip(values).for_each(|(sums, value)| sums[i - whole] += value);
    }
    lanes.map(|sums| sums.into_iter().sum())
}
