// Shared by the gradients w.r.t. the weights: B is dy, the gradient w.r.t. the output, C is dw with db, if there is one,
// as its last row.
//
// k runs over (pool window, window offset); see tagged_gradient.wgsl. dy: [K / WINDOW_LEN, ROW_LEN],
// out: [SPLIT_K, ROWS, ROW_LEN]. The kernel's own file binds x at 0 and defines A.

fn dy_word(window: u32, col: u32) -> u32 {
    return dy_one(window * ROW_LEN + group() * COLS + min(col, COLS - 1u));
}

fn dy_words(window: u32, col: u32) -> vec4<u32> {
    if (COLS_BY_4) { return dy_four(window * (ROW_LEN / 4u) + (group() * COLS + min(col, (COLS - 1u) / 4u * 4u)) / 4u); }
    return vec4(dy_word(window, col), dy_word(window, col + 1u), dy_word(window, col + 2u), dy_word(window, col + 3u));
}

fn dy_row(k: u32, col: u32) -> vec4<f32> {
    let last = min(k, K - 1u);
    return gradient_at(dy_words(last / WINDOW_LEN, col), last % WINDOW_LEN);
}

// k is a multiple of four: of windows of four pixels its rows are one.
fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    if (WINDOW_LEN == 4u) {
        let words = dy_words(min(k, max(K, 4u) - 4u) / 4u, col);
        return mat4x4(gradient_at(words, 0u), gradient_at(words, 1u), gradient_at(words, 2u), gradient_at(words, 3u));
    }
    return mat4x4(dy_row(k, col), dy_row(k + 1u, col), dy_row(k + 2u, col), dy_row(k + 3u, col));
}

fn prepare_store(col: u32) {}

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    write((split * ROWS + row) * ROW_LEN + group() * COLS + col, COLS - col, sum);
}
