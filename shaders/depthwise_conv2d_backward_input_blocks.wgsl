// to[n, y, x, c] = sum over ky, kx of
//     from[n, (y + PAD_Y - ky DILATION_Y) / SY, (x + PAD_X - kx DILATION_X) / SX, c] w[ky, kx, c], then the gate
//
// over the taps for which both quotients are integers: the gradient w.r.t. the input. One invocation computes four channels of
// LINES x PIXELS pixels, for which it loads each of the SPAN_Y x SPAN_X pixels under their taps once. SY divides LINES and SX divides
// PIXELS, so that which taps count for which pixel is known here. from: [BATCH, FROM_H, FROM_W, C], weights: [KH, KW, C], to (bound as
// `out`): [BATCH, TO_H, TO_W, C].

// Added to y - ky DILATION_Y and x - kx DILATION_X, so that they are not negative, and divided by the strides indices of the loaded pixels.
const OFFSET_Y: u32 = PAD_Y + BEFORE_Y * SY;
const OFFSET_X: u32 = PAD_X + BEFORE_X * SX;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = (group.y * GRID_X + group.x) * 64u + lane;
    if (index >= COUNT) { return; }
    let block = block_of(index);
    let c = block.channel;
    var w: array<vec4<f32>, TAPS>;
    for (var tap = 0u; tap < TAPS; tap++) { // unroll
        w[tap] = weights_four(tap * C + c);
    }
    var sums: array<vec4<f32>, OUTPUTS>;
    for (var s = 0u; s < SPAN_Y; s++) { // unroll
        // Before the image these wrap to large numbers.
        let from_y = block.y / SY + s - BEFORE_Y;
        if (from_y < FROM_H) {
            let first = (block.image * FROM_H + from_y) * FROM_W;
            var values: array<vec4<f32>, SPAN_X>;
            for (var i = 0u; i < SPAN_X; i++) { // unroll
                let from_x = block.x / SX + i - BEFORE_X;
                if (from_x < FROM_W) { values[i] = source_at(first + from_x, c); }
            }
            for (var line = 0u; line < LINES; line++) { // unroll
                for (var ky = 0u; ky < KH; ky++) { // unroll
                    if (line + OFFSET_Y - ky * DILATION_Y == s * SY) {
                        for (var kx = 0u; kx < KW; kx++) { // unroll
                            for (var p = 0u; p < PIXELS; p++) { // unroll
                                if ((p + OFFSET_X - kx * DILATION_X) % SX == 0u) {
                                    sums[line * PIXELS + p] += values[(p + OFFSET_X - kx * DILATION_X) / SX] * w[ky * KW + kx];
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    for (var line = 0u; line < LINES; line++) { // unroll
        for (var p = 0u; p < PIXELS; p++) { // unroll
            if (block.y + line < TO_H && block.x + p < TO_W) {
                let at = to_index(block, line, p);
                write(at, 4u, apply_gate(at, 4u, sums[line * PIXELS + p]));
            }
        }
    }
}
