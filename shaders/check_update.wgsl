// flag[0] = 1 if a partial result or the loss says that a number is not finite, with STAYS also if it was 1, else 0
// skipped[batch_index] = flag[0]
//
// One workgroup: each invocation takes every 64th four, the first joins them. partial: [PARTIALS], metrics: [uploaded batches, 2].

@group(0) @binding(0) var<storage, read> partial: array<Four>;
@group(0) @binding(1) var<storage, read> metrics: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> flag: array<f32>;
@group(0) @binding(3) var<storage, read_write> skipped: array<f32>;

var<workgroup> lane_found: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    var found = vec4(0.0);
    for (var i = lane; i < PARTIALS / 4u; i += 64u) { found = max(found, four(partial[i])); }
    lane_found[lane] = max(max(found.x, found.y), max(found.z, found.w));
    workgroupBarrier();
    if (lane == 0u) {
        var of_all = 0.0;
        for (var i = 0u; i < 64u; i++) { of_all = max(of_all, lane_found[i]); }
        let loss_is_finite = is_finite(vec4(metrics[step.batch_index].x)).x;
        let is_bad = of_all != 0.0 || !loss_is_finite || (STAYS && flag[0] != 0.0);
        flag[0] = select(0.0, 1.0, is_bad);
        skipped[step.batch_index] = flag[0];
    }
}
