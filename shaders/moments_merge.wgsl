// moments = (mean, 1 / sqrt(variance + EPSILON), gamma, beta) of each column, from the partial moments of chunks;
// state = MOMENTUM state + REST (mean, variance), the variance over all rows (biased); as it was where that is not finite
//
// One invocation takes every ROW_LANES-th chunk of a column. The means are taken as differences from that of the first chunk.
// partial: [CHUNKS, 2, COLS], moments: [4, COLS], state: [2, COLS]. The file of the parameters has gamma_at and beta_at.

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(MOMENTS) var<storage, read_write> moments: array<f32>;
@group(0) @binding(MOMENTS + 1u) var<storage, read_write> state: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = lane_of(group.y * GRID_X + group.x, lane);
    let c = min(at.column, COLS - 1u);
    let end = select(0u, CHUNKS, at.is_active);
    let count = f32(valid_rows());
    let origin = partial[c];
    var sum = 0.0;
    for (var first = at.row; first < end; first += LOADS_AT_ONCE * ROW_LANES) {
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            let chunk = min(first + j * ROW_LANES, CHUNKS - 1u);
            let difference = f32(rows_of(chunk)) * (partial[chunk * 2u * COLS + c] - origin);
            sum += select(0.0, difference, first + j * ROW_LANES < end);
        }
    }
    let mean = origin + over_rows(lane, vec4(sum)).x / count;
    var squares = 0.0;
    for (var first = at.row; first < end; first += LOADS_AT_ONCE * ROW_LANES) {
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            let chunk = min(first + j * ROW_LANES, CHUNKS - 1u);
            let deviation = partial[chunk * 2u * COLS + c] - mean;
            let square = partial[(chunk * 2u + 1u) * COLS + c] + f32(rows_of(chunk)) * deviation * deviation;
            squares += select(0.0, square, first + j * ROW_LANES < end);
        }
    }
    let variance = over_rows(lane, vec4(squares)).x / count;
    if (at.is_active && at.row == 0u) {
        moments[c] = mean;
        moments[COLS + c] = 1.0 / sqrt(variance + EPSILON);
        moments[2u * COLS + c] = gamma_at(c);
        moments[3u * COLS + c] = beta_at(c);
        let moving_mean = MOMENTUM * state[c] + REST * mean;
        let moving_variance = MOMENTUM * state[COLS + c] + REST * variance;
        if (all(is_finite(vec4(moving_mean, moving_variance, 0.0, 0.0)))) {
            state[c] = moving_mean;
            state[COLS + c] = moving_variance;
        }
    }
}
