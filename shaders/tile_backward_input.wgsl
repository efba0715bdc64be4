// Shared by the gradients w.r.t. the input: B is the transposed weights, C is dx after the gate (see gate.wgsl).
//
// weights: [taps, COLS, C_OUT] with k = (tap, filter of the group), out and gate_input: rows of ROW_LEN. The kernel's own files
// bind dy, the gradient w.r.t. the output, at 0 and define A, tap_of(k) and row_of_out(row), which can be NO_ROW.

const NO_ROW: u32 = 0xffffffffu;

// The filters of the weights for the tap of k and an input channel.
fn filters_of(k: u32, col: u32) -> u32 { return tap_of(k) * COLS + min(col, COLS - 1u); }

fn filter_of(k: u32) -> u32 { return group() * GROUP_OUT + k % GROUP_OUT; }

fn w_at(k: u32, col: u32) -> f32 {
    let last = min(k, K - 1u);
    return weights_one(filters_of(last, col) * C_OUT + filter_of(last));
}

// The weights of four consecutive filters for one tap and input channel.
fn w_col(k: u32, col: u32) -> vec4<f32> {
    if (C_OUT_BY_4) {
        let last = term_or(k, K - 4u);
        return weights_four(filters_of(last, col) * (C_OUT / 4u) + filter_of(last) / 4u);
    }
    return vec4(w_at(k, col), w_at(k + 1u, col), w_at(k + 2u, col), w_at(k + 3u, col));
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    return transpose(mat4x4(w_col(k, col), w_col(k, col + 1u), w_col(k, col + 2u), w_col(k, col + 3u)));
}

fn prepare_store(col: u32) {}

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    let out_row = row_of_out(row);
    if (out_row == NO_ROW) { return; }
    let at = out_row * ROW_LEN + group() * COLS + col;
    write(at, COLS - col, apply_gate(at, COLS - col, sum));
}
