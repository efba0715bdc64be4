// y[row, c] = (x[row, c] - mean[c]) scale[c] + shift[c], then ReLU if RELU
//
// One invocation takes LANES columns (4, or 1 where 4 does not divide COLS) of EACH neighbouring rows. x and y (bound as `out`):
// [ROWS, COLS]. The file of the statistics has `statistics_at`: those of the batch, or the moving averages.

@group(0) @binding(0) var<storage, read> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let linear_id = (group.y * GRID_X + group.x) * 64u + lane;
    let first = linear_id / UNITS * EACH;
    if (first >= ROWS) { return; }
    let c = linear_id % UNITS * LANES;
    let s = statistics_at(c);
    for (var row = first; row < min(first + EACH, ROWS); row++) {
        let i = row * COLS + c;
        let y = (lanes_of(four(x[i / 4u]), i, BY_4) - s.mean) * s.scale + s.shift;
        write(i, LANES, select(y, relu(y), RELU));
    }
}
