// y[row, c] = (x[row, c] - mean[c]) scale[c] + shift[c], then ReLU if RELU
//
// One invocation takes LANES columns of a row (4, or 1 where 4 does not divide COLS). x and y (bound as `out`): [COUNT] =
// [rows, COLS]. The file of the statistics has `statistics_at`: those of the batch, or the moving averages.

@group(0) @binding(0) var<storage, read> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let s = statistics_at(i % COLS);
    let y = (lanes_of(four(x[i / 4u]), i, BY_4) - s.mean) * s.scale + s.shift;
    write(i, LANES, select(y, relu(y), RELU));
}
