// y = x adjusted by the factor of its image, then limited to [MIN, MAX]; NaN stays NaN
//
// One invocation takes LANES elements (4, or 1 where 4 does not divide the channels). x and y (bound as `out`): [COUNT], of which an
// image has IMAGE elements. The file of the adjustment has `adjusted`.

@group(0) @binding(0) var<storage, read> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let value = adjusted(lanes_of(four(x[i / 4u]), i, BY_4), i, factor_of(i / IMAGE));
    write(i, LANES, select(clamp(value, vec4(MIN), vec4(MAX)), value, is_nan(value)));
}
