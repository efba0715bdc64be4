// dx[n, y, x, i] = gate * sum over ky, kx, o of dy[n, (y + PAD_Y - ky) / SY, (x + PAD_X - kx) / SX, o] w[ky, kx, i, o]
//
// over the taps for which both quotients are whole and inside. Rows are input pixels (n, y, x), columns input channels,
// k = (ky, kx, o). dy: [BATCH, OH, OW, C_OUT], weights: [KH, KW, COLS, C_OUT], x and dx: [ROWS, COLS].
// The gate is the ReLU of the layer below, whose output x is: 1 where x > 0, else 0.

@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;

// Of four input pixels: the image, and the padded position that tap (0, 0) of an output pixel would have.
struct Rows { image: vec4<u32>, y: vec4<i32>, x: vec4<i32> }

fn rows_at(first: u32) -> Rows {
    let pixel = min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u));
    let padded_y = vec4<i32>(pixel / W % H + PAD_Y);
    let padded_x = vec4<i32>(pixel % W + PAD_X);
    return Rows(pixel / (H * W), padded_y, padded_x);
}

// Index of (ky, kx, o) = k seen from a row, or -1 where no output pixel has this tap here.
fn dy_index(image: u32, py: i32, px: i32, k: u32) -> i32 {
    let tap = k / C_OUT;
    let ty = py - i32(tap / KW);
    let tx = px - i32(tap % KW);
    let uy = u32(max(ty, 0));
    let ux = u32(max(tx, 0));
    let inside = k < K && ty >= 0 && tx >= 0 && uy % SY == 0u && ux % SX == 0u && uy / SY < OH && ux / SX < OW;
    return select(-1, i32(((image * OH + uy / SY) * OW + ux / SX) * C_OUT + k % C_OUT), inside);
}

fn dy_at(image: u32, py: i32, px: i32, k: u32) -> f32 {
    let i = dy_index(image, py, px, k);
    let clamped = u32(max(i, 0));
    return select(0.0, dy[clamped / 4u][clamped % 4u], i >= 0);
}

fn dy_row(image: u32, py: i32, px: i32, k: u32) -> vec4<f32> {
    if (C_OUT_BY_4) {
        let i = dy_index(image, py, px, k);
        return select(vec4(0.0), dy[u32(max(i, 0)) / 4u], i >= 0);
    }
    return vec4(dy_at(image, py, px, k), dy_at(image, py, px, k + 1u), dy_at(image, py, px, k + 2u), dy_at(image, py, px, k + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(
        dy_row(rows.image.x, rows.y.x, rows.x.x, k),
        dy_row(rows.image.y, rows.y.y, rows.x.y, k),
        dy_row(rows.image.z, rows.y.z, rows.x.z, k),
        dy_row(rows.image.w, rows.y.w, rows.x.w, k),
    );
}
