// to[n, y, x, c] = act(b[c] + sum over ky, kx of
//     from[n, y SY + ky DILATION_Y - PAD_Y, x SX + kx DILATION_X - PAD_X, c] w[ky, kx, c])
//
// One invocation computes four channels of LINES x PIXELS pixels, for which it loads each of the SPAN_Y x SPAN_X pixels under their taps
// once. from: [BATCH, FROM_H, FROM_W, C or 1], weights: [KH, KW, C] and with BIAS [C], to (bound as `out`): [BATCH, TO_H, TO_W, C].

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
        let from_y = block.y * SY + s - PAD_Y;
        if (from_y < FROM_H) {
            let first = (block.image * FROM_H + from_y) * FROM_W;
            var values: array<vec4<f32>, SPAN_X>;
            for (var i = 0u; i < SPAN_X; i++) { // unroll
                let from_x = block.x * SX + i - PAD_X;
                if (from_x < FROM_W) { values[i] = source_at(first + from_x, c); }
            }
            for (var line = 0u; line < LINES; line++) { // unroll
                for (var ky = 0u; ky < KH; ky++) { // unroll
                    if (line * SY + ky * DILATION_Y == s) {
                        for (var kx = 0u; kx < KW; kx++) { // unroll
                            for (var p = 0u; p < PIXELS; p++) { // unroll
                                sums[line * PIXELS + p] += values[p * SX + kx * DILATION_X] * w[ky * KW + kx];
                            }
                        }
                    }
                }
            }
        }
    }
    var bias = vec4(0.0);
    if (BIAS) { bias = weights_four(TAPS * C + c); }
    for (var line = 0u; line < LINES; line++) { // unroll
        for (var p = 0u; p < PIXELS; p++) { // unroll
            if (block.y + line < TO_H && block.x + p < TO_W) {
                let sum = sums[line * PIXELS + p] + bias;
                write(to_index(block, line, p), 4u, select(sum, relu(sum), RELU));
            }
        }
    }
}
