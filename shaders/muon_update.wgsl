// p -= learning rate * SCALE * x over the matrix [ROWS, COLS] that starts at OFFSET; x is TRANSPOSED if there are more rows than columns;
// nothing where flag[0] is not 0
//
// One invocation takes one element. x: [COUNT], p: the whole arena.

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> flag: array<f32>;
@group(0) @binding(2) var<storage, read_write> p: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT || flag[0] != 0.0) { return; }
    p[OFFSET + i] -= step.learning_rate * SCALE * x[select(i, i % COLS * ROWS + i / COLS, TRANSPOSED)];
}
