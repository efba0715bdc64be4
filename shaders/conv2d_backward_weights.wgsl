// dw[ky, kx, i, o] = sum over n, oy, ox of x[n, oy SY + ky DILATION_Y - PAD_Y, ox SX + kx DILATION_X - PAD_X, i] dy[n, oy, ox, o];
// with BIAS, the row after those of dw is db[o] = sum over n, oy, ox of dy[n, oy, ox, o]
//
// As a matrix product, rows are (ky, kx, i) followed by one row of ones for the bias, columns are filters and k runs
// over output pixels (see conv2d_pixels.wgsl); one product for each group of channels. x: [BATCH, H, W, C_IN],
// dy: [K / WINDOW_LEN, ROW_LEN] of tagged gradients (see tagged_gradient.wgsl), dw: [SPLIT_K, ROWS, ROW_LEN].

@group(0) @binding(0) var<storage, read> x_values: array<Four>;

const BIAS_ROW: u32 = KH * KW * GROUP_IN;

struct Rows { first: u32 }

fn rows_at(first: u32) -> Rows {
    return Rows(first);
}

// Index into x of (ky, kx, i) = row, where tap (0, 0) is at (y - PAD_Y, x - PAD_X); -1 in the zero padding.
fn x_index(image: u32, y: u32, x: u32, row: u32) -> i32 {
    let tap = row / GROUP_IN;
    let iy = i32(y + tap / KW * DILATION_Y) - i32(PAD_Y);
    let ix = i32(x + tap % KW * DILATION_X) - i32(PAD_X);
    let inside = !PADDED || (u32(iy) < H && u32(ix) < W);
    let channel = i32(group() * GROUP_IN + row % GROUP_IN);
    return select(-1, ((i32(image) * i32(H) + iy) * i32(W) + ix) * i32(C_IN) + channel, inside);
}

fn x_at(image: u32, y: u32, x: u32, row: u32) -> f32 {
    let i = x_index(image, y, x, min(row, BIAS_ROW - 1u));
    let clamped = u32(max(i, 0));
    return select(select(0.0, four(x_values[clamped / 4u])[clamped % 4u], i >= 0), 1.0, row >= BIAS_ROW);
}

// Four rows of A at one output pixel; zero if the pixel lies past the end of the sum over k.
fn x_col(in_range: bool, image: u32, y: u32, x: u32, row: u32) -> vec4<f32> {
    if (!in_range) { return vec4(0.0); }
    if (C_IN_BY_4) {
        let i = x_index(image, y, x, min(row, (BIAS_ROW - 1u) / 4u * 4u));
        return select(select(vec4(0.0), four(x_values[u32(max(i, 0)) / 4u]), i >= 0), vec4(1.0), row >= BIAS_ROW);
    }
    return vec4(
        x_at(image, y, x, row),
        x_at(image, y, x, row + 1u),
        x_at(image, y, x, row + 2u),
        x_at(image, y, x, row + 3u),
    );
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    let pixel = vec4(k) + vec4(0u, 1u, 2u, 3u);
    let image = pixel_image(pixel);
    let y = pixel_y(pixel) * SY;
    let x = pixel_x(pixel) * SX;
    let row = rows.first;
    return transpose(mat4x4(
        x_col(pixel.x < K, image.x, y.x, x.x, row),
        x_col(pixel.y < K, image.y, y.y, x.y, row),
        x_col(pixel.z < K, image.z, y.z, x.z, row),
        x_col(pixel.w < K, image.w, y.w, x.w, row),
    ));
}
