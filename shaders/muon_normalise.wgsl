// y = x / (norm + 1e-7), TRANSPOSED if there are more rows than columns
//
// One invocation takes one element of y. x: [ROWS, COLS], y: [COUNT]; norm_of_sums.wgsl binds the partial sums.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    add_up_norm(lane);
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT) { return; }
    y[i] = x[select(i, i % ROWS * COLS + i / ROWS, TRANSPOSED)] / (norm + 1e-7);
}
