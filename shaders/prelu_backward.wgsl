// dx = dy where x is positive, alpha dy where it is negative, 0 where it is 0; then the gate. NaN in x gives NaN.
//
// One invocation takes LANES elements (4, or 1 where 4 does not divide D). x, dy and dx (bound as `out`): [COUNT] = [a, B, C, D], alpha:
// [B, D], shared along a and C.

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;
@group(0) @binding(2) var<storage, read> alpha: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let value = lanes_of(four(x[i / 4u]), i, BY_4);
    let gradient = lanes_of(four(dy[i / 4u]), i, BY_4);
    let slope = i / (C * D) % B * D + i % D;
    let below = lanes_of(four(alpha[slope / 4u]), slope, BY_4) * gradient;
    let dx = select(select(vec4(0.0), below, value < vec4(0.0)), gradient, value > vec4(0.0));
    write(i, LANES, apply_gate(i, LANES, select(dx, value, is_nan(value))));
}
