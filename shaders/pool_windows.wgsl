// Windows of a pool along its axes, and their pixels that are inside the image.

// First window along an axis that covers the padded coordinate p: the smallest o with o * stride + size > p.
fn first_window(p: u32, size: u32, stride: u32) -> u32 {
    return select((p - size) / stride + 1u, 0u, p < size);
}

// Along an axis: window o covers the padded coordinates [o stride, o stride + size), of which [pad, pad + input) are inside.
fn count_along(o: u32, stride: u32, size: u32, pad: u32, input: u32) -> u32 {
    return min(o * stride + size, pad + input) - max(o * stride, pad);
}

fn pixels_inside(oy: u32, ox: u32) -> f32 {
    return f32(count_along(oy, SY, PH, PAD_Y, H) * count_along(ox, SX, PW, PAD_X, W));
}
