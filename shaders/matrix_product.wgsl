// C[row, col] = sum over k of A[row, k] B[k, col], then with_term; see matrix_product_add.wgsl and matrix_product_plain.wgsl
//
// A: see tile_rows.wgsl, b: [K, COLS], or with B_TRANSPOSED [COLS, K], out: [SPLIT_K, ROWS, COLS].

@group(0) @binding(1) var<storage, read> b: array<Four>;

fn b_at(k: u32, col: u32) -> f32 {
    let last_k = min(k, K - 1u);
    let last_col = min(col, COLS - 1u);
    let i = select(last_k * COLS + last_col, last_col * K + last_k, B_TRANSPOSED);
    return four(b[i / 4u])[i % 4u];
}

// Four columns of one k.
fn b_row(k: u32, col: u32) -> vec4<f32> {
    if (COLS_BY_4) { return four(b[(min(k, K - 1u) * COLS + min(col, COLS - 4u)) / 4u]); }
    return vec4(b_at(k, col), b_at(k, col + 1u), b_at(k, col + 2u), b_at(k, col + 3u));
}

// Four k of one column of a transposed B.
fn b_col(k: u32, col: u32) -> vec4<f32> {
    if (K_BY_4) { return four(b[(min(col, COLS - 1u) * K + min(k, K - 4u)) / 4u]); }
    return vec4(b_at(k, col), b_at(k + 1u, col), b_at(k + 2u, col), b_at(k + 3u, col));
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    if (B_TRANSPOSED) {
        return transpose(mat4x4(b_col(k, col), b_col(k, col + 1u), b_col(k, col + 2u), b_col(k, col + 3u)));
    }
    return mat4x4(b_row(k, col), b_row(k + 1u, col), b_row(k + 2u, col), b_row(k + 3u, col));
}

fn prepare_store(col: u32) {}

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    let at = (split * ROWS + row) * COLS + col;
    write(at, COLS - col, with_term(at, col, sum));
}
