// x[i] = byte i / 255
//
// One invocation takes one word of four bytes, the first byte lowest. pixels: [window, WORDS], x: [COUNT].

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read_write> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= WORDS) { return; }
    let word = pixels[step.batch_index * WORDS + i];
    let value = vec4<f32>((vec4(word) >> vec4(0u, 8u, 16u, 24u)) & vec4(255u)) / 255.0;
    if (i * 4u + 4u <= COUNT) {
        x[i] = as_four(value);
        return;
    }
    // Past the end nothing changes.
    var whole = four(x[i]);
    for (var c = 0u; c < 4u; c++) { // unroll
        if (i * 4u + c < COUNT) { whole[c] = value[c]; }
    }
    x[i] = as_four(whole);
}
