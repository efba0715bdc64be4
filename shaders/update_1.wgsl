// An update with one arena of state. One invocation takes four parameters of the arena. p and a: [COUNT].

@group(0) @binding(2) var<storage, read_write> a: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT / 4u || is_skipped()) { return; }
    let updated = update(parameter_at(i), gradient_at(i), four(a[i]), vec4(0.0));
    a[i] = as_four(updated.a);
    p[i] = as_four(updated.p);
}
