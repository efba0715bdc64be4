// Input of conv2d_pool_backward_weights_select.wgsl where C_IN divides by four. x: [BATCH, H, W, C_IN] of x_by_4.wgsl.

// Channels [channel, channel + 4) of pixel `pixel`.
fn x_channels(pixel: u32, channel: u32) -> vec4<f32> {
    return x_four((pixel * C_IN + channel) / 4u);
}
