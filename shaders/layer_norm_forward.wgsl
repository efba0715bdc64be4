// y[row, c] = (x[row, c] - mean[row]) / sqrt(variance[row] + EPSILON) gamma[c] + beta[c]; statistics = means, then reciprocals of
// deviations
//
// x and y (bound as `out`): [ROWS, COLS], statistics: [2, ROWS]. rows.wgsl says who computes what; the file of the parameters has gamma_at
// and beta_at.

@group(0) @binding(OUT + 1u) var<storage, read_write> statistics: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = lane_of(group.y * GRID_X + group.x, lane);
    let s = row_statistics(at, lane);
    if (!at.is_active) { return; }
    for (var c = at.column; c < COLS; c += STEP) {
        var beta = vec4(0.0);
        for (var j = 0u; j < 4u; j++) { // unroll
            beta[j] = beta_at(min(c + j, COLS - 1u));
        }
        let i = at.row * COLS + c;
        write(i, LANES, (x_at(i) - s.x) * (s.y * gammas_at(c)) + beta);
    }
    if (at.column == 0u) {
        statistics[at.row] = s.x;
        statistics[ROWS + at.row] = s.y;
    }
}
