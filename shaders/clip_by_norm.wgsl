// g[i] = g[i] CLIP_NORM / max(norm, CLIP_NORM); NaN where the norm is not finite
//
// One invocation takes four elements. g: [COUNT]; norm_of_sums.wgsl binds the partial sums.

@group(0) @binding(1) var<storage, read_write> g: array<Four>;

fn scale_of(norm: f32) -> f32 {
    let bits = bitcast<u32>(norm);
    if ((bits & 0x7f800000u) == 0x7f800000u) { return bitcast<f32>(bits | 0x7fc00000u); }
    return CLIP_NORM / max(norm, CLIP_NORM);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    add_up_norm(lane);
    let scale = scale_of(norm);
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i < COUNT / 4u) { g[i] = as_four(four(g[i]) * scale); }
}
