// partial[group] = sum of g[i]^2 over every GROUPS-th run of 256 elements
//
// Each invocation takes four elements of a run and adds up over the runs; the first adds up the workgroup in order. g: [COUNT],
// partial: [GROUPS].

@group(0) @binding(0) var<storage, read> g: array<Four>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group.y * GRID_X + group.x;
    var sum = vec4(0.0);
    for (var i = index * 64u + lane; i < COUNT / 4u; i += GROUPS * 64u) {
        let value = four(g[i]);
        sum += value * value;
    }
    sums[lane] = (sum.x + sum.y) + (sum.z + sum.w);
    workgroupBarrier();
    if (lane == 0u && index < GROUPS) {
        var all = 0.0;
        for (var i = 0u; i < 64u; i++) { all += sums[i]; }
        partial[index] = all;
    }
}
