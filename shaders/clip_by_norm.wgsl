// g[i] = g[i] CLIP_NORM / max(norm, CLIP_NORM), norm = sqrt(sum of partial); NaN where the norm is not finite
//
// Each workgroup adds up the partial sums anew, in the same order. One invocation takes four elements. partial: [GROUPS], g: [COUNT].

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> g: array<Four>;

var<workgroup> sums: array<f32, 64>;
var<workgroup> scale: f32;

fn scale_of(norm: f32) -> f32 {
    let bits = bitcast<u32>(norm);
    if ((bits & 0x7f800000u) == 0x7f800000u) { return bitcast<f32>(bits | 0x7fc00000u); }
    return CLIP_NORM / max(norm, CLIP_NORM);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < GROUPS; i += 64u) { sum += partial[i]; }
    sums[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
        var all = 0.0;
        for (var i = 0u; i < 64u; i++) { all += sums[i]; }
        scale = scale_of(sqrt(all));
    }
    workgroupBarrier();
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i < COUNT / 4u) { g[i] = as_four(four(g[i]) * scale); }
}
