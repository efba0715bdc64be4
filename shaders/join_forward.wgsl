// y[i] = a[i] join b[i]
//
// One invocation takes LANES elements (4, or 1 where 4 does not divide COUNT). a, b and y (bound as `out`): [COUNT]. The file of
// the operation has `join`.

@group(0) @binding(0) var<storage, read> a: array<Four>;
@group(0) @binding(1) var<storage, read> b: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    write(i, LANES, join(lanes_of(four(a[i / 4u]), i, BY_4), lanes_of(four(b[i / 4u]), i, BY_4)));
}
