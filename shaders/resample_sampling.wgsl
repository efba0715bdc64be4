// Places between the pixels of an axis; twin of sampling.rs. They count 1/65536 of a pixel, so that all devices agree on them.

// The elements that a value is made of: x[low] (1 - weight) + x[high] weight.
struct Taps { low: i32, high: i32, weight: f32 }

const PIXEL: i32 = 65536;

// A draw as a number that is uniform in [LOWEST, LOWEST + RANGE): RANGE is 65536 RANGE_HIGH + RANGE_LOW.
fn spread_draw(all: u32) -> i32 {
    let bits = all >> 16u;
    return bitcast<i32>(LOWEST + bits * RANGE_HIGH + ((bits * RANGE_LOW) >> 16u));
}

// A place on an axis of `len` elements with one inside of it in its stead, by FILL_MODE: 0 for a constant, so outside stays outside, 1 for
// the nearest, 2 for reflection (dcba|abcd|dcba), 3 for repetition, which counts the periods by len - 1 as TensorFlow does.
fn inside(position: i32, len: u32) -> i32 {
    let whole = i32(len) * PIXEL;
    let last = whole - PIXEL;
    if (FILL_MODE == 0u) { return position; }
    var within = position;
    if (FILL_MODE == 2u) {
        within = (position % (2 * whole) + 2 * whole) % (2 * whole);
        if (within >= whole) { within = 2 * whole - PIXEL - within; }
    }
    if (FILL_MODE == 3u) {
        let divisor = max(last, 1);
        if (position < 0) { within = position + whole * (-position / divisor + 1); }
        if (position > last) { within = position - whole * (position / divisor); }
    }
    return clamp(within, 0, last);
}

// The nearest pixel; of two, the one farther from zero.
fn rounded(source: i32) -> i32 {
    return select((source + PIXEL / 2) >> 16u, -((PIXEL / 2 - source) >> 16u), source < 0);
}

// The elements at a place on an axis of `len` elements.
fn taps_at(place: i32, len: u32) -> Taps {
    let source = inside(place, len);
    let low = select(source >> 16u, rounded(source), NEAREST);
    return Taps(low, low + 1, select(f32(source & 65535) / 65536.0, 0.0, NEAREST));
}
