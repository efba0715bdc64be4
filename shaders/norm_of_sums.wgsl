// The norm of an arena from partial sums of its squares, which each workgroup adds up anew, in the same order. partial: [GROUPS].

@group(0) @binding(0) var<storage, read> partial: array<f32>;

var<workgroup> lane_sums: array<f32, 64>;
var<workgroup> norm: f32;

// Sets `norm`; every invocation of the workgroup calls it.
fn add_up_norm(lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < GROUPS; i += 64u) { sum += partial[i]; }
    lane_sums[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
        var all = 0.0;
        for (var i = 0u; i < 64u; i++) { all += lane_sums[i]; }
        norm = sqrt(all);
    }
    workgroupBarrier();
}
