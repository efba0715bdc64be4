// sum[i] = sum[i] + g[i]; for the first batch of a group, whose first scalar is zero, sum[i] = g[i]
//
// One invocation takes four elements. g and sum: [COUNT].

@group(0) @binding(0) var<storage, read> g: array<Four>;
@group(0) @binding(1) var<storage, read_write> sum: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT / 4u) { return; }
    let gradient = four(g[i]);
    sum[i] = as_four(select(four(sum[i]) + gradient, gradient, step.scalars.x == 0.0));
}
