// The factor of an image, uniform in [LOWEST, LOWEST + RANGE).

fn factor_of(image: u32) -> f32 {
    return LOWEST + f32(draw(random_key(STREAM), image) >> 8u) / 16777216.0 * RANGE;
}
