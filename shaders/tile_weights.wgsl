// The weights of a layer as matrix B of the forward pass: [K, COLS], with the bias as row K if there is one (BIAS). Rows of
// ROW_LEN elements hold the columns of all groups.

const LAST_ROW: u32 = select(K - 1u, K, BIAS);

fn w_at(k: u32, col: u32) -> f32 {
    let i = min(k, LAST_ROW) * ROW_LEN + group() * COLS + min(col, COLS - 1u);
    return weights_one(i);
}

fn w_row(k: u32, col: u32) -> vec4<f32> {
    if (COLS_BY_4) {
        return weights_four(min(k, LAST_ROW) * (ROW_LEN / 4u) + (group() * COLS + min(col, (COLS - 1u) / 4u * 4u)) / 4u);
    }
    return vec4(w_at(k, col), w_at(k, col + 1u), w_at(k, col + 2u), w_at(k, col + 3u));
}

fn bias_row(col: u32) -> vec4<f32> {
    if (BIAS) { return w_row(K, col); }
    return vec4(0.0);
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    return mat4x4(w_row(k, col), w_row(k + 1u, col), w_row(k + 2u, col), w_row(k + 3u, col));
}
