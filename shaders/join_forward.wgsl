// y[i] = a[i] join b[i]
//
// One invocation takes LANES elements (4, or 1 where four neighbours of an operand or of y are not together). y (bound as `out`): [COUNT].
// join_operands.wgsl reads a and b, which may be broadcast; the file of the operation has `join`.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    write(i, LANES, join(a_at(i), b_at(i)));
}
