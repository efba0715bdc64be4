// y[i] = SCALE x[i], or 0 where the draw of the element is below DROPPED_BELOW; then the gate
//
// One invocation takes LANES elements (4, or 1 where 4 does not divide COUNT). With WHOLE_CHANNELS all pixels of a channel of an
// image, IMAGE elements, have one draw. x and y (bound as `out`): [COUNT].

@group(0) @binding(0) var<storage, read> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    var value = lanes_of(four(x[i / 4u]), i, BY_4);
    let key = random_key(STREAM);
    for (var c = 0u; c < 4u; c++) { // unroll
        let at = i + c;
        let element = select(at, at / IMAGE * CHANNELS + at % CHANNELS, WHOLE_CHANNELS);
        value[c] = select(value[c] * SCALE, 0.0, draw(key, element) < DROPPED_BELOW);
    }
    write(i, LANES, apply_gate(i, LANES, value));
}
