// y[i] = f(x[i]); NaN stays NaN
//
// One invocation takes LANES elements (4, or 1 where 4 does not divide COUNT). x and y (bound as `out`): [COUNT]. The file of the
// function has `activate`.

@group(0) @binding(0) var<storage, read> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let value = lanes_of(four(x[i / 4u]), i, BY_4);
    write(i, LANES, select(activate(value), value, is_nan(value)));
}
