// dw[ky, kx, o] = sum over n, oy, ox of
//     x[n, oy SY + ky DILATION_Y - PAD_Y, ox SX + kx DILATION_X - PAD_X, o / MULTIPLIER] dy[n, oy, ox, o]
// and with BIAS, after dw, db[o] = sum over n, oy, ox of dy[n, oy, ox, o]
//
// One invocation sums LANES channels of one tap, or of the bias, over the PER_SPLIT output pixels of its split: 4 channels, or 1 where
// four does not divide the output channels. x: see depthwise_conv2d_input.wgsl, dy: [BATCH, OH, OW, C MULTIPLIER],
// dw (bound as `out`): [splits, ROWS, C MULTIPLIER].

@group(0) @binding(1) var<storage, read> dy: array<Four>;

const OUTPUTS: u32 = C * MULTIPLIER;

fn dy_at(pixel: u32, o: u32) -> vec4<f32> {
    let i = pixel * OUTPUTS + o;
    return lanes_of(four(dy[i / 4u]), i, BY_4);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (at >= COUNT) { return; }
    let o = at % OUTPUTS;
    let row = at / OUTPUTS % ROWS;
    let first = at / (OUTPUTS * ROWS) * PER_SPLIT;
    let end = min(first + PER_SPLIT, BATCH * OH * OW);
    let is_bias = row == KH * KW;
    let y0 = row / KW * DILATION_Y - PAD_Y;
    let x0 = row % KW * DILATION_X - PAD_X;
    var sum = vec4(0.0);
    for (var pixel = first; pixel < end; pixel++) {
        // Before the image these wrap to large numbers.
        let iy = pixel / OW % OH * SY + y0;
        let ix = pixel % OW * SX + x0;
        let gradient = dy_at(pixel, o);
        if (is_bias) {
            sum += gradient;
        } else if (iy < H && ix < W) {
            sum += gradient * x_at((pixel / (OH * OW) * H + iy) * W + ix, o);
        }
    }
    write(at, LANES, sum);
}
