// Inputs of the select kernel where there are fewer than four channels. x: [BATCH, H, W, C_IN].

@group(0) @binding(0) var<storage, read> x: array<f32>;

// All channels of pixel `pixel`; `channel` is 0.
fn x_four(pixel: u32, channel: u32) -> vec4<f32> {
    var few = vec4(0.0);
    for (var c = 0u; c < CHANNELS; c++) { // unroll
        few[c] = x[pixel * C_IN + c];
    }
    return few;
}
