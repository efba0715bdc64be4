// The taps of an axis that is reversed in half of the images; see resample.wgsl.

struct Taps { low: i32, high: i32, weight: f32 }

// 1 where the image is flipped.
fn drawn(image: u32) -> i32 { return select(0, 1, draw(random_key(STREAM), image * 2u + AXIS) < 0x80000000u); }

fn taps(position: u32, flipped: i32) -> Taps {
    let source = select(i32(position), i32(LEN - 1u - position), flipped == 1);
    return Taps(source, source + 1, 0.0);
}
