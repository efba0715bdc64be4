// y[n, oy, ox, c] = x[n, oy - TOP, ox - LEFT, c], zero outside the image
//
// One invocation takes LANES channels of one pixel of y: 4, or 1 where C does not divide by four. x: [BATCH, H, W, C], y (bound as
// `out`): [BATCH, OH, OW, C].

@group(0) @binding(0) var<storage, read> x: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (at >= COUNT) { return; }
    let pixel = at / C;
    let image = pixel / (OH * OW);
    // Before the image these wrap to large numbers.
    let iy = pixel / OW % OH - TOP;
    let ix = pixel % OW - LEFT;
    var value = vec4(0.0);
    if (iy < H && ix < W) {
        let i = ((image * H + iy) * W + ix) * C + at % C;
        value = lanes_of(four(x[i / 4u]), i, BY_4);
    }
    write(at, LANES, value);
}
