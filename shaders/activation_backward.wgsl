// dx[i] = dy[i] f'(x[i]), then the gate; NaN in x gives NaN
//
// One invocation takes LANES elements (4, or 1 where 4 does not divide COUNT). x, dy and dx (bound as `out`): [COUNT]. The file
// of the function has `derivative`; gate.wgsl or gate_none.wgsl says what the gate does.

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let value = lanes_of(four(x[i / 4u]), i, BY_4);
    let gradient = lanes_of(four(dy[i / 4u]), i, BY_4);
    let dx = select(gradient * derivative(value), value, is_nan(value));
    write(i, LANES, apply_gate(i, LANES, dx));
}
