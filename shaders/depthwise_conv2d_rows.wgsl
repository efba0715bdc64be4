// A depthwise convolution or its gradient w.r.t. the input, of pixels of one row (LINES is 1): see depthwise_conv2d_block.wgsl. One invocation
// loads each of the SPAN_X pixels under a row of taps once; the loop over those rows is not copied out, for kernels of any height.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = (group.y * GRID_X + group.x) * 64u + lane;
    if (index >= COUNT) { return; }
    let block = block_of(index);
    let c = block.channel;
    var sums: array<vec4<f32>, PIXELS>;
    for (var ky = 0u; ky < KH; ky++) {
        let under = block.y * STEP_Y + ky * DILATION_Y + OFFSET_Y;
        // Before the image these wrap to large numbers.
        let from_y = under / APART_Y - BACK_Y;
        if (under % APART_Y != 0u || from_y >= FROM_H) { continue; }
        let first = (block.image * FROM_H + from_y) * FROM_W;
        var values: array<vec4<f32>, SPAN_X>;
        for (var i = 0u; i < SPAN_X; i++) { // unroll
            let from_x = block.x * STEP_X / APART_X + i - BACK_X;
            if (from_x < FROM_W) { values[i] = source_at(first + from_x, c); }
        }
        for (var kx = 0u; kx < KW; kx++) { // unroll
            let w = weights_of(ky * KW + kx, c);
            for (var p = 0u; p < PIXELS; p++) { // unroll
                if ((p * STEP_X + kx * DILATION_X + OFFSET_X) % APART_X == 0u) {
                    sums[p] += values[(p * STEP_X + kx * DILATION_X + OFFSET_X) / APART_X] * w;
                }
            }
        }
    }
    let bias = bias_of(c);
    for (var p = 0u; p < PIXELS; p++) { // unroll
        store_pixel(block, 0u, p, sums[p] + bias);
    }
}
