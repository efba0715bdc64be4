// m = MOMENTUM m + g;  x = g + MOMENTUM m, or without NESTEROV x = m;  g = 0, over the matrix that starts at OFFSET; nothing where
// g[FLAG] is not 0
//
// One invocation takes one element. g and m: whole arenas, x: [COUNT].

@group(0) @binding(0) var<storage, read_write> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> m: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT || g[FLAG] != 0.0) { return; }
    let value = g[OFFSET + i];
    let keeps = !CLIPS || is_nan(vec4(value)).x;
    let gradient = select(clamp(value, -CLIP_VALUE, CLIP_VALUE), value, keeps);
    let momentum = MOMENTUM * m[OFFSET + i] + gradient;
    m[OFFSET + i] = momentum;
    x[i] = select(momentum, gradient + MOMENTUM * momentum, NESTEROV);
    g[OFFSET + i] = 0.0;
}
