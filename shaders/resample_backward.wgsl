// dx[n, o, q, i] = sum over p of dy[n, o, p, i] times the weight that x[n, o, q, i] has in y[n, o, p, i]; then the gate
//
// One invocation takes LANES elements along i: 4, or 1 where 4 does not divide INNER. dy and dx (bound as `out`) as x and y of
// resample.wgsl.

@group(0) @binding(0) var<storage, read> dy: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let position = i / INNER % LEN;
    let first = i - position * INNER;
    let found = drawn(i / IMAGE);
    var sum = vec4(0.0);
    for (var p = 0u; p < LEN; p++) {
        let t = taps(p, found);
        let low = select(0.0, 1.0 - t.weight, t.low == i32(position));
        let weight = select(low, t.weight, t.high == i32(position));
        if (weight > 0.0) {
            let at = first + p * INNER;
            sum += lanes_of(four(dy[at / 4u]), at, BY_4) * weight;
        }
    }
    write(i, LANES, apply_gate(i, LANES, sum));
}
