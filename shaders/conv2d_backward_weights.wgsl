// dw[ky, kx, i, o] = sum over n, oy, ox of x[n, oy SY + ky DILATION_Y - PAD_Y, ox SX + kx DILATION_X - PAD_X, i] dy[n, oy, ox, o];
// with BIAS, the row after those of dw is db[o] = sum over n, oy, ox of dy[n, oy, ox, o]
//
// As a matrix product, rows are (ky, kx, i) followed by one row of ones for the bias, columns are filters and k runs
// over output pixels (see conv2d_pixels.wgsl); one product for each group of channels. x: [BATCH, H, W, C_IN] of
// x_by_4.wgsl or x_single.wgsl, dy: [K / WINDOW_LEN, ROW_LEN] of tagged gradients (see tagged_gradient.wgsl),
// dw: [SPLIT_K, ROWS, ROW_LEN].

const BIAS_ROW: u32 = KH * KW * GROUP_IN;

// For four rows of A, what does not depend on the pixel: where tap and channel lie from the pixel under tap (0, 0), as an index of x and as
// rows and columns of the image. Rows of channels that divide by four share their tap; then the first stands for all.
struct Rows { first: u32, at: vec4<i32>, y: vec4<i32>, x: vec4<i32> }

fn rows_at(first: u32) -> Rows {
    let last = select(BIAS_ROW - 1u, (BIAS_ROW - 1u) / 4u * 4u, C_IN_BY_4);
    let row = min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(last));
    let tap = row / GROUP_IN;
    let y = vec4<i32>(tap / KW * DILATION_Y) - vec4(i32(PAD_Y));
    let x = vec4<i32>(tap % KW * DILATION_X) - vec4(i32(PAD_X));
    let channel = vec4<i32>(vec4(group() * GROUP_IN) + row % GROUP_IN);
    return Rows(first, (y * i32(W) + x) * i32(C_IN) + channel, y, x);
}

// An output pixel: the input pixel under tap (0, 0), were there no padding, and the index of its first channel.
struct Pixel { y: i32, x: i32, at: i32, in_range: bool }

// Of row r of four at a pixel: the index into x, and whether it is one, not in the zero padding.
struct Source { at: u32, inside: bool }

fn source(rows: Rows, r: u32, pixel: Pixel) -> Source {
    let inside = !PADDED || (u32(pixel.y + rows.y[r]) < H && u32(pixel.x + rows.x[r]) < W);
    return Source(select(0u, u32(pixel.at + rows.at[r]), inside), inside);
}

fn x_at(rows: Rows, r: u32, pixel: Pixel) -> f32 {
    let s = source(rows, r, pixel);
    return select(select(0.0, x_one(s.at), s.inside), 1.0, rows.first + r >= BIAS_ROW);
}

// Four rows of A at one output pixel; zero if the pixel lies past the end of the sum over k.
fn x_col(rows: Rows, pixel: Pixel) -> vec4<f32> {
    if (!pixel.in_range) { return vec4(0.0); }
    if (C_IN_BY_4) {
        let s = source(rows, 0u, pixel);
        return select(select(vec4(0.0), x_four(s.at / 4u), s.inside), vec4(1.0), rows.first >= BIAS_ROW);
    }
    return vec4(x_at(rows, 0u, pixel), x_at(rows, 1u, pixel), x_at(rows, 2u, pixel), x_at(rows, 3u, pixel));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    let pixels = pixels_at(k);
    let y = vec4<i32>(pixels.y * SY);
    let x = vec4<i32>(pixels.x * SX);
    let at = ((vec4<i32>(pixels.image) * i32(H) + y) * i32(W) + x) * i32(C_IN);
    return transpose(mat4x4(
        x_col(rows, Pixel(y.x, x.x, at.x, is_term(k))),
        x_col(rows, Pixel(y.y, x.y, at.y, is_term(k + 1u))),
        x_col(rows, Pixel(y.z, x.z, at.z, is_term(k + 2u))),
        x_col(rows, Pixel(y.w, x.w, at.w, is_term(k + 3u))),
    ));
}
