// An update without state. One invocation takes four parameters of the arena. p: [COUNT].

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT / 4u || is_skipped()) { return; }
    p[i] = as_four(update(parameter_at(i), gradient_at(i), vec4(0.0), vec4(0.0)).p);
}
