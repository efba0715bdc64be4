// dx[n, y, x, i] = sum over ky, kx, o of dy[n, (y + PAD_Y - ky DILATION_Y) / SY, (x + PAD_X - kx DILATION_X) / SX, o] w[ky, kx, i, o]
//
// over the taps for which both quotients are integers within the output. As a matrix product, rows are input pixels
// (n, y, x), columns are input channels and k = (ky, kx, o); one product for each group of channels.
// dy: [BATCH, POOL_OH, POOL_OW, C_OUT] holds one tagged gradient per pool window (see tagged_gradient.wgsl),
// weights: [KH, KW, COLS, C_OUT], dx: [ROWS, ROW_LEN].

// For four input pixels: the image index, and the coordinates y + PAD_Y and x + PAD_X in the padded image.
struct Rows { image: vec4<u32>, y: vec4<i32>, x: vec4<i32> }

fn rows_at(first: u32) -> Rows {
    let pixel = min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u));
    let padded_y = vec4<i32>(pixel / W % H + PAD_Y);
    let padded_x = vec4<i32>(pixel % W + PAD_X);
    return Rows(pixel / (H * W), padded_y, padded_x);
}

// For tap and filter (ky, kx, o) = k at one input pixel: the index into dy, -1 if no output pixel reads the input pixel
// through that tap, and the window offset of that output pixel in its pool window.
struct Source { index: i32, window_offset: u32 }

fn source(image: u32, py: i32, px: i32, k: u32) -> Source {
    let tap = k / GROUP_OUT;
    let ty = py - i32(tap / KW * DILATION_Y);
    let tx = px - i32(tap % KW * DILATION_X);
    let oy = u32(max(ty, 0)) / SY;
    let ox = u32(max(tx, 0)) / SX;
    let on_stride = k < K && ty >= 0 && tx >= 0 && u32(max(ty, 0)) % SY == 0u && u32(max(tx, 0)) % SX == 0u;
    let inside = oy / POOL_SY < POOL_OH && ox / POOL_SX < POOL_OW && oy % POOL_SY < POOL_H && ox % POOL_SX < POOL_W;
    let i = ((image * POOL_OH + oy / POOL_SY) * POOL_OW + ox / POOL_SX) * C_OUT + group() * GROUP_OUT + k % GROUP_OUT;
    return Source(select(-1, i32(i), on_stride && inside), oy % POOL_SY * POOL_W + ox % POOL_SX);
}

fn dy_at(image: u32, py: i32, px: i32, k: u32) -> f32 {
    let origin = source(image, py, px, k);
    let tagged = vec4(dy_one(u32(max(origin.index, 0))));
    return select(0.0, gradient_at(tagged, origin.window_offset).x, origin.index >= 0);
}

fn dy_row(image: u32, py: i32, px: i32, k: u32) -> vec4<f32> {
    if (C_OUT_BY_4) {
        let origin = source(image, py, px, k);
        let tagged = dy_four(u32(max(origin.index, 0)));
        return select(vec4(0.0), gradient_at(tagged, origin.window_offset), origin.index >= 0);
    }
    return vec4(
        dy_at(image, py, px, k),
        dy_at(image, py, px, k + 1u),
        dy_at(image, py, px, k + 2u),
        dy_at(image, py, px, k + 3u),
    );
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(
        dy_row(rows.image.x, rows.y.x, rows.x.x, k),
        dy_row(rows.image.y, rows.y.y, rows.x.y, k),
        dy_row(rows.image.z, rows.y.z, rows.x.z, k),
        dy_row(rows.image.w, rows.y.w, rows.x.w, k),
    );
}
