// dx[i] = dy[i] times the derivative of a[i] join b[i] w.r.t. b if SECOND, else w.r.t. a
//
// One invocation takes LANES elements (4, or 1 where four neighbours of an operand or of y are not together). dy and dx (bound as `out`):
// [COUNT]. join_operands.wgsl reads a and b, which may be broadcast; the file of the operation has `gradient`.

@group(0) @binding(2) var<storage, read> dy: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let wrt_y = lanes_of(four(dy[i / 4u]), i, BY_4);
    write(i, LANES, gradient(a_at(i), b_at(i), wrt_y, SECOND));
}
