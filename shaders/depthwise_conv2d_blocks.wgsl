// A depthwise convolution or its gradient w.r.t. the input, of several rows of pixels: see depthwise_conv2d_block.wgsl. One invocation loads
// each of the SPAN_Y x SPAN_X pixels under the taps of its block once.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = (group.y * GRID_X + group.x) * 64u + lane;
    if (index >= COUNT) { return; }
    let block = block_of(index);
    let c = block.channel;
    var w: array<vec4<f32>, TAPS>;
    for (var tap = 0u; tap < TAPS; tap++) { // unroll
        w[tap] = weights_of(tap, c);
    }
    var sums: array<vec4<f32>, OUTPUTS>;
    for (var s = 0u; s < SPAN_Y; s++) { // unroll
        // Before the image these wrap to large numbers.
        let from_y = block.y * STEP_Y / APART_Y + s - BACK_Y;
        if (from_y < FROM_H) {
            let first = (block.image * FROM_H + from_y) * FROM_W;
            var values: array<vec4<f32>, SPAN_X>;
            for (var i = 0u; i < SPAN_X; i++) { // unroll
                let from_x = block.x * STEP_X / APART_X + i - BACK_X;
                if (from_x < FROM_W) { values[i] = source_at(first + from_x, c); }
            }
            for (var line = 0u; line < LINES; line++) { // unroll
                for (var ky = 0u; ky < KH; ky++) { // unroll
                    if (line * STEP_Y + ky * DILATION_Y + OFFSET_Y == s * APART_Y) {
                        for (var kx = 0u; kx < KW; kx++) { // unroll
                            for (var p = 0u; p < PIXELS; p++) { // unroll
                                if ((p * STEP_X + kx * DILATION_X + OFFSET_X) % APART_X == 0u) {
                                    sums[line * PIXELS + p] += values[(p * STEP_X + kx * DILATION_X + OFFSET_X) / APART_X] * w[ky * KW + kx];
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    let bias = bias_of(c);
    for (var line = 0u; line < LINES; line++) { // unroll
        for (var p = 0u; p < PIXELS; p++) { // unroll
            store_pixel(block, line, p, sums[line * PIXELS + p] + bias);
        }
    }
}
