// y[i] = sum over j of s[j], after ROUNDS times s[j] = s[j] x[i] + 1 from s[j] = j: CHAINS sums that do not wait for each other
//
// One invocation takes four elements. x and y: [COUNT].

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read_write> y: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT / 4u) { return; }
    let factor = four(x[i]);
    var total = vec4(0.0);
    // One component at a time: a software adapter has few registers.
    for (var c = 0u; c < 4u; c++) {
        let f = factor[c];
        var s: array<f32, CHAINS>;
        for (var j = 0u; j < CHAINS; j++) { // unroll
            s[j] = f32(j);
        }
        for (var round = 0u; round < ROUNDS; round++) {
            for (var j = 0u; j < CHAINS; j++) { // unroll
                s[j] = s[j] * f + 1.0;
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
