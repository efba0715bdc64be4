// y[n, u] = act(b[u] + sum over i of x[n, i] w[i, u])
//
// Rows are images, columns units, k inputs. x: [BATCH, K], weights: [K, COLS] then the bias [COLS], y: [BATCH, COLS].

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

struct Rows { image: vec4<u32> }

fn rows_at(first: u32) -> Rows {
    return Rows(min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u)));
}

fn x_at(image: u32, k: u32) -> f32 {
    let i = image * K + min(k, K - 1u);
    return select(0.0, x[i / 4u][i % 4u], k < K);
}

fn x_row(image: u32, k: u32) -> vec4<f32> {
    if (K_BY_4) { return x[(image * K + k) / 4u]; }
    return vec4(x_at(image, k), x_at(image, k + 1u), x_at(image, k + 2u), x_at(image, k + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(x_row(rows.image.x, k), x_row(rows.image.y, k), x_row(rows.image.z, k), x_row(rows.image.w, k));
}

fn w_at(k: u32, col: u32) -> f32 {
    let i = min(k, K) * COLS + min(col, COLS - 1u);
    return weights[i / 4u][i % 4u];
}

fn w_row(k: u32, col: u32) -> vec4<f32> {
    if (COLS_BY_4) { return weights[(min(k, K) * COLS + min(col, (COLS - 1u) / 4u * 4u)) / 4u]; }
    return vec4(w_at(k, col), w_at(k, col + 1u), w_at(k, col + 2u), w_at(k, col + 3u));
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    return mat4x4(w_row(k, col), w_row(k + 1u, col), w_row(k + 2u, col), w_row(k + 3u, col));
}

fn store(split: u32, row: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    var out = sum + w_row(K, col);
    if (RELU) { out = max(out, vec4(0.0)); }
    let at = row * COLS + col;
    if (COLS_BY_4) {
        y[at / 4u] = out;
        return;
    }
    for (var c = 0u; c < 4u; c++) { // unroll
        if (col + c < COLS) { y[(at + c) / 4u][(at + c) % 4u] = out[c]; }
    }
}
