// Reads gradients that carry the window_offset of their window's maximum in their lowest bits (see gate.wgsl). Without a pool
// OFFSET_MASK is 0, the only window_offset is 0, and a gradient is read as it is.

fn gradient_of(packed: vec4<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(packed & vec4(~OFFSET_MASK));
}

// What window_offset `window_offset` of the window gets.
fn gradient_at(packed: vec4<u32>, window_offset: u32) -> vec4<f32> {
    return select(vec4(0.0), gradient_of(packed), (packed & vec4(OFFSET_MASK)) == vec4(window_offset));
}
