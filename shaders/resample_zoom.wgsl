// The taps of an axis that is zoomed around its centre; see resample.wgsl.

// The image's zoom: how far from the centre an element comes from, for how far it stands, in 1/65536.
fn drawn(image: u32) -> i32 { return spread_draw(draw(random_key(STREAM), image * 2u + AXIS)); }

fn taps(position: u32, zoom: i32) -> Taps {
    let last = i32(LEN) - 1;
    return taps_at(((2 * i32(position) - last) * zoom + last * PIXEL) >> 1u, LEN);
}
