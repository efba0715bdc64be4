// Input of conv2d_pool_backward_weights_select.wgsl where C_IN is less than four. x: [BATCH, H, W, C_IN].

@group(0) @binding(0) var<storage, read> x: array<f32>;

// All CHANNELS (= C_IN) channels of pixel `pixel`, then zeros; `channel` is always 0.
fn x_four(pixel: u32, channel: u32) -> vec4<f32> {
    var values = vec4(0.0);
    for (var c = 0u; c < CHANNELS; c++) { // unroll
        values[c] = x[pixel * C_IN + c];
    }
    return values;
}
