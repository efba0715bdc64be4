// Reads tagged gradients: f32 bit patterns whose low mantissa bits (OFFSET_MASK) hold the argmax, the window offset of
// the pool window's maximum (see gate.wgsl). Without a pool, OFFSET_MASK and all window offsets are 0.

fn gradient_of(tagged: vec4<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(tagged & vec4(~OFFSET_MASK));
}

// The gradient at one window offset: that of the window if the offset is its argmax, else zero.
fn gradient_at(tagged: vec4<u32>, window_offset: u32) -> vec4<f32> {
    return select(vec4(0.0), gradient_of(tagged), (tagged & vec4(OFFSET_MASK)) == vec4(window_offset));
}
