// The taps of a shifted axis; see resample.wgsl.

// The image's shift.
fn drawn(image: u32) -> i32 { return spread_draw(draw(random_key(STREAM), image * 2u + AXIS)); }

fn taps(position: u32, shift: i32) -> Taps { return taps_at(i32(position) * PIXEL - shift, LEN); }
