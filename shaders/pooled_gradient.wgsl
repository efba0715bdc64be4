// Reads gradients that carry the position of their window's maximum in their lowest bits (see below.wgsl). Without a pool
// POSITION_MASK is 0, the only position is 0, and a gradient is read as it is.

fn gradient_of(packed: vec4<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(packed & vec4(~POSITION_MASK));
}

// What position `position` of the window gets.
fn gradient_at(packed: vec4<u32>, position: u32) -> vec4<f32> {
    return select(vec4(0.0), gradient_of(packed), (packed & vec4(POSITION_MASK)) == vec4(position));
}
