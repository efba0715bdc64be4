// y = x, below zero alpha x; NaN stays NaN
//
// One invocation takes LANES elements (4, or 1 where 4 does not divide D). x and y (bound as `out`): [COUNT] = [a, B, C, D], alpha: [B, D],
// shared along a and C.

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> alpha: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let value = lanes_of(four(x[i / 4u]), i, BY_4);
    let slope = i / (C * D) % B * D + i % D;
    let below = lanes_of(four(alpha[slope / 4u]), slope, BY_4) * value;
    write(i, LANES, select(select(value, below, value < vec4(0.0)), value, is_nan(value)));
}
