// From where a turned image takes its pixels; twin of rotate.rs. Images: HEIGHT x WIDTH x CHANNELS.

// Angles of which the tangents are 1, 1/2, 1/4, ..., as 2^-32 of a turn.
const ANGLES: array<i32, 24> = array(
    536870912, 316933406, 167458907, 85004756, 42667331, 21354465, 10679838, 5340245,
    2670163, 1335087, 667544, 333772, 166886, 83443, 41722, 20861,
    10430, 5215, 2608, 1304, 652, 326, 163, 81,
);

// Cosine and sine of an angle in 2^-24 of a turn, in 1/65536: a vector is turned by each of ANGLES, to the one or the other side (CORDIC). All
// of it is whole numbers, so that all devices agree.
fn cosine_and_sine(angle: i32) -> vec2<i32> {
    var rest = angle << 8u;
    let backwards = bitcast<u32>(rest) + 0x40000000u >= 0x80000000u;
    if (backwards) { rest = bitcast<i32>(bitcast<u32>(rest) + 0x80000000u); }
    // Each turn makes the vector longer, all of them by 2^29 / 326016437.
    var at = vec2(326016437, 0);
    for (var i = 0u; i < 24u; i++) {
        let side = select(-1, 1, rest >= 0);
        at += vec2(-side * (at.y >> i), side * (at.x >> i));
        rest -= side * ANGLES[i];
    }
    let rounded = (at + vec2(4096)) >> vec2(13u);
    return select(rounded, -rounded, backwards);
}

// An image's cosine and sine.
fn drawn(image: u32) -> vec2<i32> { return cosine_and_sine(spread_draw(draw(random_key(STREAM), image))); }

struct Corners { rows: Taps, columns: Taps }

// The four pixels that the one at row p, column q is made of.
fn corners(p: u32, q: u32, turn: vec2<i32>) -> Corners {
    let last = vec2(i32(HEIGHT), i32(WIDTH)) - vec2(1);
    let at = 2 * vec2(i32(p), i32(q)) - last;
    let row = (turn.y * at.y + turn.x * at.x + last.x * PIXEL) >> 1u;
    let column = (turn.x * at.y - turn.y * at.x + last.y * PIXEL) >> 1u;
    return Corners(taps_at(row, HEIGHT), taps_at(column, WIDTH));
}
