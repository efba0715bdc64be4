// a[i] = DECAY a[i] + (1 - DECAY) p[i]; after the first update a[i] = p[i]; nothing where flag[0] is not 0
//
// One invocation takes four elements. p and a: [COUNT].

@group(0) @binding(0) var<storage, read> p: array<Four>;
@group(0) @binding(1) var<storage, read> flag: array<f32>;
@group(0) @binding(2) var<storage, read_write> a: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT / 4u || flag[0] != 0.0) { return; }
    let parameter = four(p[i]);
    a[i] = as_four(select(DECAY * four(a[i]) + ONE_MINUS_DECAY * parameter, parameter, step.update <= 1u));
}
