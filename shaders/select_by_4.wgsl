// Input of conv2d_pool_backward_weights_select.wgsl where C_IN divides by four. x: [BATCH, H, W, C_IN].

@group(0) @binding(0) var<storage, read> x: array<Four>;

// Channels [channel, channel + 4) of pixel `pixel`.
fn x_four(pixel: u32, channel: u32) -> vec4<f32> {
    return four(x[(pixel * C_IN + channel) / 4u]);
}
