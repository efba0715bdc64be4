// dw[i, u] = sum over n of x[n, i] dy[n, u]; the row after the last is db[u] = sum over n of dy[n, u]
//
// Rows are inputs and one row of ones for the bias, columns units, k images.
// x: [K, ROWS - 1], dy: [K, COLS], dw: [ROWS, COLS] (one such block a split).

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4<f32>>;

const INPUTS: u32 = ROWS - 1u;

struct Rows { first: u32 }

fn rows_at(first: u32) -> Rows {
    return Rows(first);
}

fn x_at(image: u32, row: u32) -> f32 {
    let i = min(image, K - 1u) * INPUTS + min(row, INPUTS - 1u);
    return select(x[i / 4u][i % 4u], 1.0, row >= INPUTS);
}

// Four inputs of one image.
fn x_col(image: u32, row: u32) -> vec4<f32> {
    if (image >= K) { return vec4(0.0); }
    if (INPUTS_BY_4) { return select(x[(image * INPUTS + min(row, (INPUTS - 1u) / 4u * 4u)) / 4u], vec4(1.0), row >= INPUTS); }
    return vec4(x_at(image, row), x_at(image, row + 1u), x_at(image, row + 2u), x_at(image, row + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    let row = rows.first;
    return transpose(mat4x4(x_col(k, row), x_col(k + 1u, row), x_col(k + 2u, row), x_col(k + 3u, row)));
}

fn dy_at(k: u32, col: u32) -> f32 {
    let i = min(k, K - 1u) * COLS + min(col, COLS - 1u);
    return dy[i / 4u][i % 4u];
}

fn dy_row(k: u32, col: u32) -> vec4<f32> {
    if (COLS_BY_4) { return dy[(min(k, K - 1u) * COLS + min(col, (COLS - 1u) / 4u * 4u)) / 4u]; }
    return vec4(dy_at(k, col), dy_at(k, col + 1u), dy_at(k, col + 2u), dy_at(k, col + 3u));
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    return mat4x4(dy_row(k, col), dy_row(k + 1u, col), dy_row(k + 2u, col), dy_row(k + 3u, col));
}

fn store(split: u32, row: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    let at = (split * ROWS + row) * COLS + col;
    if (COLS_BY_4) {
        dw[at / 4u] = sum;
        return;
    }
    for (var c = 0u; c < 4u; c++) { // unroll
        if (col + c < COLS) { dw[(at + c) / 4u][(at + c) % 4u] = sum[c]; }
    }
}
