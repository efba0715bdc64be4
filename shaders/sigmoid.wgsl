// p[batch_index, n] = 1 / (1 + exp(-z[n]))
//
// One invocation takes one image. z: [BATCH], p: [uploaded batches, BATCH].

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let n = (group.y * GRID_X + group.x) * 64u + lane;
    if (n >= BATCH) { return; }
    p[step.batch_index * BATCH + n] = 1.0 / (1.0 + exp(-z[n]));
}
