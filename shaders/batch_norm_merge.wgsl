// From partial sums of dy xhat and of dy to the gradients w.r.t. gamma (if SCALE) and beta (if CENTER), and to what the gradient w.r.t. x
// needs of each column: coefficients = (mean, gamma / deviation, mean of dy, mean of dy xhat / deviation, beta)
//
// One invocation takes every ROW_LANES-th chunk of a column. partial: [CHUNKS, 2, COLS], moments: mean, 1 / deviation, gamma, beta,
// [4, COLS], coefficients: [5, COLS]. The file of the gradients has write_gradients.

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> moments: array<f32>;
@group(0) @binding(2) var<storage, read_write> coefficients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = lane_of(group.y * GRID_X + group.x, lane);
    let c = min(at.column, COLS - 1u);
    let end = select(0u, CHUNKS, at.is_active);
    var sum = vec2(0.0);
    for (var first = at.row; first < end; first += LOADS_AT_ONCE * ROW_LANES) {
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            let chunk = min(first + j * ROW_LANES, CHUNKS - 1u);
            let sums_of = vec2(partial[chunk * 2u * COLS + c], partial[(chunk * 2u + 1u) * COLS + c]);
            sum += select(vec2(0.0), sums_of, first + j * ROW_LANES < end);
        }
    }
    let total = over_rows(lane, vec4(sum, 0.0, 0.0));
    let count = f32(valid_rows());
    if (at.is_active && at.row == 0u) {
        write_gradients(c, total.x, total.y);
        let over_deviation = moments[COLS + c];
        coefficients[c] = moments[c];
        coefficients[COLS + c] = moments[2u * COLS + c] * over_deviation;
        coefficients[2u * COLS + c] = total.y / count;
        coefficients[3u * COLS + c] = total.x / count * over_deviation;
        coefficients[4u * COLS + c] = moments[3u * COLS + c];
    }
}
