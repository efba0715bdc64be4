// Inputs of the select kernel where the channel count divides by four. x: [BATCH, H, W, C_IN].

@group(0) @binding(0) var<storage, read> x: array<Four>;

// Four channels from `channel` on of pixel `pixel`.
fn x_four(pixel: u32, channel: u32) -> vec4<f32> {
    return four(x[(pixel * C_IN + channel) / 4u]);
}
