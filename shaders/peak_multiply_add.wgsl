// y[i] = sum over j < CHAINS of s_j, where s_j starts at j and is replaced ROUNDS times by s_j x[i] + 1
//
// The arithmetic benchmark: the CHAINS recurrences are independent, which hides the latency of each operation. One
// invocation computes four elements. x and y: [COUNT].

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read_write> y: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT / 4u) { return; }
    let factor = four(x[i]);
    var total = vec4(0.0);
    // One component at a time, because all four at once would spill the registers of a software adapter.
    for (var c = 0u; c < 4u; c++) {
        let f = factor[c];
        var s: array<f32, CHAINS>;
        for (var j = 0u; j < CHAINS; j++) { // unroll
            s[j] = f32(j);
        }
        for (var round = 0u; round < ROUNDS; round += UNROLLED) {
            for (var i = 0u; i < UNROLLED; i++) { // unroll
                for (var j = 0u; j < CHAINS; j++) { // unroll
                    s[j] = s[j] * f + 1.0;
                }
            }
        }
        var sum = 0.0;
        for (var j = 0u; j < CHAINS; j++) { // unroll
            sum += s[j];
        }
        total[c] = sum;
    }
    y[i] = as_four(total);
}
