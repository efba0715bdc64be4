// y[n, o, p, i] = (1 - weight) x[n, o, low, i] + weight x[n, o, high, i], where low, high = low + 1 and weight depend on p and on the
// image's draw; x is FILL outside the axis
//
// One invocation takes LANES elements along i: 4, or 1 where 4 does not divide INNER. x and y (bound as `out`): [BATCH, OUTER, LEN,
// INNER], of which an image has IMAGE elements. The file of the rule has `drawn` and `taps`.

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_at(first: u32, position: i32) -> vec4<f32> {
    if (bitcast<u32>(position) >= LEN) { return vec4(FILL); }
    let i = first + bitcast<u32>(position) * INNER;
    return lanes_of(four(x[i / 4u]), i, BY_4);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let position = i / INNER % LEN;
    let first = i - position * INNER;
    let t = taps(position, drawn(i / IMAGE));
    var value = x_at(first, t.low);
    if (t.weight > 0.0) { value = value * (1.0 - t.weight) + x_at(first, t.high) * t.weight; }
    write(i, LANES, value);
}
