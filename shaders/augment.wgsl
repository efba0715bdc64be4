// x[n, p, q, c] = the pixel of image n that p, q comes from / DIVISOR, lighter or darker, and black inside a square
//
// One invocation makes four elements. x_pixels.wgsl reads the pixels; keys: [batches per upload, BATCH, 2], each image's number and epoch,
// of which step.batch_index selects one batch; x: [COUNT], of which an image has IMAGE elements, HEIGHT x WIDTH x CHANNELS. The draws are those of the image in its epoch. Where an image is neither shifted, turned nor zoomed (AFFINE), bytes are
// moved and nothing is rounded.

@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> x: array<Four>;

// What is drawn for an image.
struct Drawn {
    mirrored: bool,
    move_y: i32,
    move_x: i32,
    // Around the centre, from where a pixel stands to where it comes from.
    turn: vec2<f32>,
    shift: vec2<f32>,
    light: f32,
    top: i32,
    left: i32,
}

// From -1 to 1.
fn uniform_draw(bits: u32) -> f32 { return f32(bits >> 8u) / 8388608.0 - 1.0; }

// From 0 to n - 1.
fn below(bits: u32, n: u32) -> i32 { return i32(((bits >> 16u) * n) >> 16u); }

fn drawn(image: u32) -> Drawn {
    let number = keys[(step.batch_index * BATCH + image) * 2u];
    let epoch = keys[(step.batch_index * BATCH + image) * 2u + 1u];
    let of_image = mixed(step.seed ^ STREAM);
    let key = mixed(of_image + epoch);
    let first = number * 16u;
    var d: Drawn;
    d.mirrored = (MIRROR == 1u && ((draw(of_image, first) >> 31u) ^ (epoch & 1u)) == 1u)
        || (MIRROR == 2u && (draw(key, first) >> 31u) == 1u);
    d.move_y = below(draw(key, first + 1u), 2u * CROP + 1u) - i32(CROP);
    d.move_x = below(draw(key, first + 2u), 2u * CROP + 1u) - i32(CROP);
    d.shift = vec2(uniform_draw(draw(key, first + 3u)) * SHIFT_Y, uniform_draw(draw(key, first + 4u)) * SHIFT_X);
    // Sine and cosine of half the angle by their series, exact to a bit or two on every device.
    let half = uniform_draw(draw(key, first + 5u)) * HALF_ANGLE;
    let h = half * half;
    let sine = half * (1.0 - h / 6.0 * (1.0 - h / 20.0 * (1.0 - h / 42.0 * (1.0 - h / 72.0 * (1.0 - h / 110.0)))));
    let cosine = 1.0 - h / 2.0 * (1.0 - h / 12.0 * (1.0 - h / 30.0 * (1.0 - h / 56.0 * (1.0 - h / 90.0 * (1.0 - h / 132.0)))));
    let smaller = 1.0 / (1.0 + uniform_draw(draw(key, first + 6u)) * ZOOM);
    d.turn = vec2(cosine * cosine - sine * sine, 2.0 * sine * cosine) * smaller;
    d.light = uniform_draw(draw(key, first + 7u)) * LIGHT;
    d.top = below(draw(key, first + 8u), HEIGHT) - i32(CUTOUT / 2u);
    d.left = below(draw(key, first + 9u), WIDTH) - i32(CUTOUT / 2u);
    return d;
}

// A place reflected into 0..n at the edges.
fn reflected(at: i32, n: u32) -> u32 {
    let period = 2 * i32(n);
    let inside = ((at % period) + period) % period;
    return u32(min(inside, period - 1 - inside));
}

fn pixel(image: u32, y: i32, at_x: i32, channel: u32) -> f32 {
    return x_one(image * IMAGE + (reflected(y, HEIGHT) * WIDTH + reflected(at_x, WIDTH)) * CHANNELS + channel);
}

fn element(i: u32, d: Drawn) -> f32 {
    let image = i / IMAGE;
    let channel = i % CHANNELS;
    let q = i32(i % IMAGE / CHANNELS % WIDTH);
    let p = i32(i % IMAGE / CHANNELS / WIDTH);
    if (CUTOUT > 0u && p >= d.top && p < d.top + i32(CUTOUT) && q >= d.left && q < d.left + i32(CUTOUT)) { return 0.0; }
    let y = p + d.move_y;
    let at_x = select(q, i32(WIDTH) - 1 - q, d.mirrored) + d.move_x;
    var value = 0.0;
    if (AFFINE) {
        let centre = vec2(f32(HEIGHT - 1u), f32(WIDTH - 1u)) * 0.5;
        let v = vec2(f32(y), f32(at_x)) - centre;
        let from_y = d.turn.x * v.x + d.turn.y * v.y + centre.x - d.shift.x;
        let from_x = d.turn.x * v.y - d.turn.y * v.x + centre.y - d.shift.y;
        let low = floor(vec2(from_y, from_x));
        let weight = vec2(from_y, from_x) - low;
        let at = vec2<i32>(low);
        let upper = pixel(image, at.x, at.y, channel) * (1.0 - weight.y) + pixel(image, at.x, at.y + 1, channel) * weight.y;
        let lower = pixel(image, at.x + 1, at.y, channel) * (1.0 - weight.y) + pixel(image, at.x + 1, at.y + 1, channel) * weight.y;
        value = upper * (1.0 - weight.x) + lower * weight.x;
    } else {
        value = pixel(image, y, at_x, channel);
    }
    if (LIGHT > 0.0) { value = clamp(value + d.light, 0.0, WHITE); }
    return value;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= WORDS) { return; }
    var image = i * 4u / IMAGE;
    var d = drawn(image);
    // The last vector is only partly inside the batch: the elements past COUNT stay unchanged.
    var value = four(x[i]);
    for (var c = 0u; c < 4u; c++) { // unroll
        let at = i * 4u + c;
        if (at < COUNT) {
            if (at / IMAGE != image) {
                image = at / IMAGE;
                d = drawn(image);
            }
            value[c] = element(at, d);
        }
    }
    x[i] = as_four(value);
}
