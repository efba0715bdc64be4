// y[n, oy, ox, c] = mean over ky, kx of x[n, oy SY + ky - PAD_Y, ox SX + kx - PAD_X, c], taps in the padding not counted
//
// One invocation computes LANE_CHANNELS channels of one output pixel: 4, or 1 where C does not divide by four.
// x: [BATCH, H, W, C], y (bound as `out`): [BATCH, OH, OW, C].

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_at(i: u32) -> vec4<f32> { return lanes_of(four(x[i / 4u]), i, C_BY_4); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = ((group.y * GRID_X + group.x) * 64u + lane) * LANE_CHANNELS;
    if (at >= COUNT) { return; }
    let c = at % C;
    let pixel = at / C;
    let image = pixel / (OH * OW);
    let oy = pixel / OW % OH;
    let ox = pixel % OW;
    var sum = vec4(0.0);
    for (var ky = 0u; ky < PH; ky++) {
        for (var kx = 0u; kx < PW; kx++) {
            // Before the image these wrap to large numbers.
            let iy = oy * SY + ky - PAD_Y;
            let ix = ox * SX + kx - PAD_X;
            if (iy < H && ix < W) { sum += x_at(((image * H + iy) * W + ix) * C + c); }
        }
    }
    write(at, LANE_CHANNELS, sum / pixels_inside(oy, ox));
}
