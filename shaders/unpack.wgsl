// x[i] = byte i of the batch / DIVISOR
//
// One invocation converts one of the WORDS u32 of four bytes, which x_pixels.wgsl reads. x: [COUNT].

@group(0) @binding(1) var<storage, read_write> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= WORDS) { return; }
    let value = x_four(i);
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
