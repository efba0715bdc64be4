// dx[n, y, x, i] = sum over ky, kx, o of dy[n, (y + PAD_Y - ky DILATION_Y) / SY, (x + PAD_X - kx DILATION_X) / SX, o] w[ky, kx, i, o]
//
// over the taps for which both quotients are integers within the output. As a matrix product, rows are input pixels
// (n, y, x), columns are input channels and k = (ky, kx, o); one product for each group of channels, or for each of PHASES_Y x PHASES_X
// phases: the pixels whose y and x leave one remainder, and the taps that can reach these. Without phases both numbers are 1.
// dy: [BATCH, POOL_OH, POOL_OW, C_OUT] holds one tagged gradient per pool window (see tagged_gradient.wgsl),
// weights: [KH, KW, COLS, C_OUT], dx: [BATCH, H, W, ROW_LEN].

// For four input pixels: rows of dy above the image, and the coordinates y + PAD_Y and x + PAD_X in the padded image.
struct Rows { above: vec4<u32>, y: vec4<i32>, x: vec4<i32> }

// Of a phase, the first of its pixels, and the first of its taps. Neighbouring phases differ in y: those that reach fewer taps down, whose
// sums are shorter, then lie between the others.
fn first_pixel(phase: u32) -> vec2<u32> { return vec2(phase % PHASES_Y, phase / PHASES_Y); }
fn first_tap(phase: u32) -> vec2<u32> { return (first_pixel(phase) + vec2(PAD_Y, PAD_X)) % vec2(PHASES_Y, PHASES_X); }

// Number of terms of the sum over k of a phase.
fn phase_terms(phase: u32) -> u32 {
    let first = first_tap(phase);
    let down = (max(KH, first.x) - first.x + PHASES_Y - 1u) / PHASES_Y;
    return select(0u, down * TAPS_X * GROUP_OUT, first.y < KW);
}

// The tap of k; one beyond the kernel, in either direction, counts for nothing.
struct Tap { y: u32, x: u32 }

fn tap_at(k: u32) -> Tap {
    let i = k / GROUP_OUT;
    let first = first_tap(phase());
    return Tap(first.x + i / TAPS_X * PHASES_Y, first.y + i % TAPS_X * PHASES_X);
}

// Index of the weights of a tap.
fn tap_of(k: u32) -> u32 {
    let tap = tap_at(k);
    return within(tap.y, KH, PHASES_Y) * KW + within(tap.x, KW, PHASES_X);
}

// Without phases every tap is within the kernel.
fn within(tap: u32, size: u32, phases: u32) -> u32 {
    return select(min(tap, size - 1u), tap, phases == 1u);
}

// Rows and columns of a phase's pixels.
const DOWN: u32 = (H + PHASES_Y - 1u) / PHASES_Y;
const ACROSS: u32 = (W + PHASES_X - 1u) / PHASES_X;

// The input pixels of four rows of the product; some may lie beyond the image.
struct Pixels { image: vec4<u32>, y: vec4<u32>, x: vec4<u32> }

fn pixels_of(row: vec4<u32>) -> Pixels {
    let first = first_pixel(phase());
    return Pixels(row / (DOWN * ACROSS), row / ACROSS % DOWN * PHASES_Y + first.x, row % ACROSS * PHASES_X + first.y);
}

fn rows_at(first: u32) -> Rows {
    let pixels = pixels_of(min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u)));
    return Rows(pixels.image * POOL_OH, vec4<i32>(pixels.y + PAD_Y), vec4<i32>(pixels.x + PAD_X));
}

// The row of dx for a row of the product; NO_ROW for one beyond the image.
fn row_of_out(row: u32) -> u32 {
    let pixels = pixels_of(vec4(row));
    let at = (pixels.image.x * H + pixels.y.x) * W + pixels.x.x;
    return select(NO_ROW, at, pixels.y.x < H && pixels.x.x < W);
}

// For a tap at one input pixel: the pixel of dy and the window offset, in its pool window, of the output pixel that reads the input pixel
// through that tap; NO_OFFSET if none does.
struct Source { pixel: u32, window_offset: u32 }

const NO_OFFSET: u32 = 0xffffffffu;

// `above`: rows of dy above the image. Negative coordinates are beyond every image as u32.
fn source(above: u32, py: i32, px: i32, k: u32) -> Source {
    let tap = tap_at(k);
    let ty = u32(py - i32(tap.y * DILATION_Y));
    let tx = u32(px - i32(tap.x * DILATION_X));
    let oy = ty / SY;
    let ox = tx / SX;
    let has_tap = is_term(k) && (PHASES_Y == 1u || tap.y < KH) && (PHASES_X == 1u || tap.x < KW);
    let on_stride = ty % SY == 0u && tx % SX == 0u;
    let in_window = (POOL_H >= POOL_SY || oy % POOL_SY < POOL_H) && (POOL_W >= POOL_SX || ox % POOL_SX < POOL_W);
    let is_read = has_tap && on_stride && in_window && oy / POOL_SY < POOL_OH && ox / POOL_SX < POOL_OW;
    let pixel = (above + oy / POOL_SY) * POOL_OW + ox / POOL_SX;
    return Source(select(0u, pixel, is_read), select(NO_OFFSET, oy % POOL_SY * POOL_W + ox % POOL_SX, is_read));
}

fn dy_at(above: u32, py: i32, px: i32, k: u32) -> f32 {
    let found = source(above, py, px, k);
    return gradient_at(vec4(dy_one(found.pixel * C_OUT + filter_of(k))), found.window_offset).x;
}

fn dy_row(above: u32, py: i32, px: i32, k: u32) -> vec4<f32> {
    if (C_OUT_BY_4) {
        let found = source(above, py, px, k);
        return gradient_at(dy_four(found.pixel * (C_OUT / 4u) + filter_of(k) / 4u), found.window_offset);
    }
    return vec4(
        dy_at(above, py, px, k),
        dy_at(above, py, px, k + 1u),
        dy_at(above, py, px, k + 2u),
        dy_at(above, py, px, k + 3u),
    );
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(
        dy_row(rows.above.x, rows.y.x, rows.x.x, k),
        dy_row(rows.above.y, rows.y.y, rows.x.y, k),
        dy_row(rows.above.z, rows.y.z, rows.x.z, k),
        dy_row(rows.above.w, rows.y.w, rows.x.w, k),
    );
}
