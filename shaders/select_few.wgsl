// Input of conv2d_pool_backward_weights_select.wgsl where C_IN is less than four. x: [BATCH, H, W, C_IN] of x_single.wgsl.

// All CHANNELS (= C_IN) channels of pixel `pixel`, then zeros; `channel` is always 0.
fn x_channels(pixel: u32, channel: u32) -> vec4<f32> {
    var values = vec4(0.0);
    for (var c = 0u; c < CHANNELS; c++) { // unroll
        values[c] = x_one(pixel * C_IN + c);
    }
    return values;
}
