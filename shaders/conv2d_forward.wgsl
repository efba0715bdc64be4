// y[n, oy, ox, o] = act(b[o] + sum over ky, kx, i of x[n, oy SY + ky DILATION_Y - PAD_Y, ox SX + kx DILATION_X - PAD_X, i] w[ky, kx, i, o])
//
// As a matrix product, rows are output pixels (see conv2d_pixels.wgsl), columns are filters and k = (ky, kx, i); one product for
// each group of channels. x: [BATCH, H, W, C_IN] of x_by_4.wgsl or x_single.wgsl, weights: [KH, KW, GROUP_IN, ROW_LEN] and maybe the
// bias [ROW_LEN], y: [ROWS, ROW_LEN].

// For four output pixels: the input pixel under tap (0, 0), maybe out of bounds, and the index of its first channel.
struct Rows { y: vec4<i32>, x: vec4<i32>, at: vec4<i32> }

fn rows_at(first: u32) -> Rows {
    let row = min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u));
    let image = vec4<i32>(pixel_image(row));
    let y0 = vec4<i32>(pixel_y(row) * SY) - vec4(i32(PAD_Y));
    let x0 = vec4<i32>(pixel_x(row) * SX) - vec4(i32(PAD_X));
    return Rows(y0, x0, ((image * i32(H) + y0) * i32(W) + x0) * i32(C_IN) + i32(group() * GROUP_IN));
}

// Of tap and channel (ky, kx, i) = k for one row: the index into x, and whether it is one, not in the zero padding or beyond K.
struct Source { at: u32, inside: bool }

fn source(y0: i32, x0: i32, at: i32, k: u32) -> Source {
    let tap = k / GROUP_IN;
    let ky = i32(tap / KW * DILATION_Y);
    let kx = i32(tap % KW * DILATION_X);
    let inside = is_term(k) && (!PADDED || (u32(y0 + ky) < H && u32(x0 + kx) < W));
    let i = at + (ky * i32(W) + kx) * i32(C_IN) + i32(k % GROUP_IN);
    return Source(select(0u, u32(i), inside), inside);
}

fn x_at(y0: i32, x0: i32, at: i32, k: u32) -> f32 {
    let s = source(y0, x0, at, k);
    return select(0.0, x_one(s.at), s.inside);
}

fn x_row(y0: i32, x0: i32, at: i32, k: u32) -> vec4<f32> {
    if (C_IN_BY_4) {
        let s = source(y0, x0, at, k);
        return select(vec4(0.0), x_four(s.at / 4u), s.inside);
    }
    return vec4(x_at(y0, x0, at, k), x_at(y0, x0, at, k + 1u), x_at(y0, x0, at, k + 2u), x_at(y0, x0, at, k + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(
        x_row(rows.y.x, rows.x.x, rows.at.x, k),
        x_row(rows.y.y, rows.x.y, rows.at.y, k),
        x_row(rows.y.z, rows.x.z, rows.at.z, k),
        x_row(rows.y.w, rows.x.w, rows.at.w, k),
    );
}
