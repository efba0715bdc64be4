// g = dy where x adjusted is from MIN to MAX or NaN, else 0; then the gate
//
// One invocation takes LANES elements, as in adjust.wgsl. x, dy and g (bound as `out`): [COUNT].

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let value = adjusted(lanes_of(four(x[i / 4u]), i, BY_4), i, factor_of(i / IMAGE));
    let is_outside = ((value < vec4(MIN)) | (value > vec4(MAX))) & !is_nan(value);
    write(i, LANES, apply_gate(i, LANES, select(lanes_of(four(dy[i / 4u]), i, BY_4), vec4(0.0), is_outside)));
}
