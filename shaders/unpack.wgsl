// x[i] = byte i of the batch / DIVISOR
//
// One invocation converts one u32 of four bytes, the first in the lowest bits. pixels: [batches per upload, WORDS],
// of which step.batch_index selects one batch, x: [COUNT].

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read_write> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= WORDS) { return; }
    let word = pixels[step.batch_index * WORDS + i];
    let value = vec4<f32>((vec4(word) >> vec4(0u, 8u, 16u, 24u)) & vec4(255u)) / DIVISOR;
    if (i * 4u + 4u <= COUNT) {
        x[i] = as_four(value);
        return;
    }
    // The last vector is only partly inside the batch: keep the elements past COUNT unchanged.
    var merged = four(x[i]);
    for (var c = 0u; c < 4u; c++) { // unroll
        if (i * 4u + c < COUNT) { merged[c] = value[c]; }
    }
    x[i] = as_four(merged);
}
