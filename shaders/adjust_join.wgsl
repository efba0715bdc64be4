// dx = factor g + (1 - factor) mean of g over the channel, which is the gradient w.r.t. x of (x - mean) factor + mean; then the gate
//
// One invocation takes LANES elements, as in adjust.wgsl. g and dx (bound as `out`): [COUNT]; the file of the contrast has the means.

@group(0) @binding(0) var<storage, read> g: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    // A linear map that is its own transpose.
    write(i, LANES, apply_gate(i, LANES, adjusted(lanes_of(four(g[i / 4u]), i, BY_4), i, factor_of(i / IMAGE))));
}
