// out[i] = epilogue(sum of the terms' element i): ReLU, or the gate of a gradient
//
// One invocation takes LANES elements (4, or 1 where 4 does not divide COUNT). The terms and out: [COUNT]. The file of the terms
// binds them; gate.wgsl or gate_none.wgsl says what the gate does.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let sum = sum_at(i);
    write(i, LANES, apply_gate(i, LANES, select(sum, relu(sum), RELU)));
}
