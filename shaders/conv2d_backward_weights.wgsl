// dw[ky, kx, i, o] = sum over n, oy, ox of x[n, oy SY + ky - PAD_Y, ox SX + kx - PAD_X, i] dy[n, oy, ox, o];
// the row after the last is db[o] = sum over n, oy, ox of dy[n, oy, ox, o]
//
// Rows are (ky, kx, i) and one row of ones for the bias, columns filters, k output pixels (n, oy, ox).
// x: [BATCH, H, W, C_IN], dy: [K, COLS], dw: [ROWS, COLS] (one such block a split).

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;

const BIAS_ROW: u32 = ROWS - 1u;

struct Rows { first: u32 }

fn rows_at(first: u32) -> Rows {
    return Rows(first);
}

// Index of input (ky, kx, i) = row under output pixel k, or -1 outside the picture.
fn x_index(pixel: u32, row: u32) -> i32 {
    let tap = row / C_IN;
    let y = i32(pixel / OW % OH * SY + tap / KW) - i32(PAD_Y);
    let x = i32(pixel % OW * SX + tap % KW) - i32(PAD_X);
    let inside = !PADDED || (u32(y) < H && u32(x) < W);
    let image = i32(pixel / (OH * OW));
    return select(-1, ((image * i32(H) + y) * i32(W) + x) * i32(C_IN) + i32(row % C_IN), inside);
}

fn x_at(pixel: u32, row: u32) -> f32 {
    let i = x_index(pixel, min(row, BIAS_ROW - 1u));
    let clamped = u32(max(i, 0));
    return select(select(0.0, x[clamped / 4u][clamped % 4u], i >= 0), 1.0, row >= BIAS_ROW);
}

// Four rows under one output pixel.
fn x_col(pixel: u32, row: u32) -> vec4<f32> {
    if (pixel >= K) { return vec4(0.0); }
    if (C_IN_BY_4) {
        let i = x_index(pixel, min(row, (BIAS_ROW - 1u) / 4u * 4u));
        return select(select(vec4(0.0), x[u32(max(i, 0)) / 4u], i >= 0), vec4(1.0), row >= BIAS_ROW);
    }
    return vec4(x_at(pixel, row), x_at(pixel, row + 1u), x_at(pixel, row + 2u), x_at(pixel, row + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    let row = rows.first;
    return transpose(mat4x4(x_col(k, row), x_col(k + 1u, row), x_col(k + 2u, row), x_col(k + 3u, row)));
}
