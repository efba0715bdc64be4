// y[n, oy, ox, o] = act(b[o] + sum over ky, kx of
//     x[n, oy SY + ky DILATION_Y - PAD_Y, ox SX + kx DILATION_X - PAD_X, o / MULTIPLIER] w[ky, kx, o])
//
// One invocation computes LANES channels of one output pixel: 4, or 1 where four does not divide the output channels.
// x: see depthwise_conv2d_input.wgsl, weights: [KH, KW, C MULTIPLIER] and with BIAS [C MULTIPLIER],
// y (bound as `out`): [BATCH, OH, OW, C MULTIPLIER].

const OUTPUTS: u32 = C * MULTIPLIER;

fn w_at(row: u32, o: u32) -> vec4<f32> {
    if (BY_4) { return weights_four((row * OUTPUTS + o) / 4u); }
    return vec4(weights_one(row * OUTPUTS + o));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (at >= COUNT) { return; }
    let o = at % OUTPUTS;
    let pixel = at / OUTPUTS;
    let image = pixel / (OH * OW);
    let oy = pixel / OW % OH;
    let ox = pixel % OW;
    var sum = vec4(0.0);
    for (var ky = 0u; ky < KH; ky++) {
        for (var kx = 0u; kx < KW; kx++) {
            // Before the image these wrap to large numbers.
            let iy = oy * SY + ky * DILATION_Y - PAD_Y;
            let ix = ox * SX + kx * DILATION_X - PAD_X;
            if (iy < H && ix < W) { sum += x_at((image * H + iy) * W + ix, o) * w_at(ky * KW + kx, o); }
        }
    }
    if (BIAS) { sum += w_at(KH * KW, o); }
    write(at, LANES, select(sum, relu(sum), RELU));
}
