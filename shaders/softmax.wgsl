// p[batch_index, n, c] = exp(z[n, c]) / sum over j of exp(z[n, j])
//
// One invocation takes one row, with the largest logit subtracted first. z: [BATCH, CLASSES], p: [uploaded batches, BATCH,
// CLASSES].

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let n = (group.y * GRID_X + group.x) * 64u + lane;
    if (n >= BATCH) { return; }
    let row = n * CLASSES;
    let to = (step.batch_index * BATCH + n) * CLASSES;
    var max_logit = z[row];
    for (var c = 1u; c < CLASSES; c++) {
        let value = z[row + c];
        if (is_better(vec4(value), vec4(max_logit)).x) { max_logit = value; }
    }
    var total = 0.0;
    for (var c = 0u; c < CLASSES; c++) { total += exp(z[row + c] - max_logit); }
    for (var c = 0u; c < CLASSES; c++) { p[to + c] = exp(z[row + c] - max_logit) / total; }
}
