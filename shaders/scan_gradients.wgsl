// partial[group] = 1 if one of g[group PART..][..PART] is infinite or NaN, else 0
//
// One workgroup takes a part, each invocation four elements at a time. g: [COUNT], partial: [GROUPS].

@group(0) @binding(0) var<storage, read> g: array<Four>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;

var<workgroup> largest: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group.y * GRID_X + group.x;
    let end = min((index + 1u) * PART, COUNT) / 4u;
    var bits = vec4(0u);
    for (var i = index * PART / 4u + lane; i < end; i += 64u) {
        bits = max(bits, bitcast<vec4<u32>>(four(g[i])) & vec4(0x7fffffffu));
    }
    largest[lane] = max(max(bits.x, bits.y), max(bits.z, bits.w));
    workgroupBarrier();
    if (lane == 0u && index < GROUPS) {
        var of_all = 0u;
        for (var i = 0u; i < 64u; i++) { of_all = max(of_all, largest[i]); }
        partial[index] = select(0.0, 1.0, of_all >= 0x7f800000u);
    }
}
