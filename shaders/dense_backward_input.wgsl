// dx[n, i] = gate(x[n, i]) * sum over u of dy[n, u] w[i, u]
//
// Rows are images, columns inputs, k units. dy: [BATCH, K], weights: [COLS, K], x and dx: [BATCH, COLS].
// The gate is the ReLU of the layer below, whose output x is: 1 where x > 0, else 0.

@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<f32>>;

struct Rows { image: vec4<u32> }

fn rows_at(first: u32) -> Rows {
    return Rows(min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u)));
}

fn dy_at(image: u32, k: u32) -> f32 {
    let i = image * K + min(k, K - 1u);
    return select(0.0, dy[i / 4u][i % 4u], k < K);
}

fn dy_row(image: u32, k: u32) -> vec4<f32> {
    if (K_BY_4) { return dy[(image * K + k) / 4u]; }
    return vec4(dy_at(image, k), dy_at(image, k + 1u), dy_at(image, k + 2u), dy_at(image, k + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(dy_row(rows.image.x, k), dy_row(rows.image.y, k), dy_row(rows.image.z, k), dy_row(rows.image.w, k));
}

fn w_at(k: u32, col: u32) -> f32 {
    let i = min(col, COLS - 1u) * K + min(k, K - 1u);
    return weights[i / 4u][i % 4u];
}

// Four units of one input.
fn w_col(k: u32, col: u32) -> vec4<f32> {
    if (K_BY_4) { return weights[(min(col, COLS - 1u) * K + k) / 4u]; }
    return vec4(w_at(k, col), w_at(k + 1u, col), w_at(k + 2u, col), w_at(k + 3u, col));
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    return transpose(mat4x4(w_col(k, col), w_col(k, col + 1u), w_col(k, col + 2u), w_col(k, col + 3u)));
}

fn store(split: u32, row: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    let at = row * COLS + col;
    if (COLS_BY_4) {
        var out = sum;
        if (GATE) { out = select(vec4(0.0), sum, x[at / 4u] > vec4(0.0)); }
        dx[at / 4u] = out;
        return;
    }
    for (var c = 0u; c < 4u; c++) { // unroll
        let i = at + c;
        if (col + c < COLS) { dx[i / 4u][i % 4u] = select(sum[c], 0.0, GATE && x[i / 4u][i % 4u] <= 0.0); }
    }
}
