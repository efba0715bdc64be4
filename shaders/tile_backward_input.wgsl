// What the kernels of input gradients share: B is the weights seen from their outputs, C is gate * sum.
//
// weights: [taps, COLS, C_OUT] with k = (tap, output), x and out: [ROWS, COLS]. The gate is the ReLU of the layer below, whose
// output x is: 1 where x > 0, else 0. The kernel's file binds the gradient by its output at 0.

@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;

fn w_at(k: u32, col: u32) -> f32 {
    let last = min(k, K - 1u);
    let i = (last / C_OUT * COLS + min(col, COLS - 1u)) * C_OUT + last % C_OUT;
    return weights[i / 4u][i % 4u];
}

// Four filters of one tap and input channel.
fn w_col(k: u32, col: u32) -> vec4<f32> {
    if (C_OUT_BY_4) { return weights[((k / C_OUT * COLS + min(col, COLS - 1u)) * C_OUT + k % C_OUT) / 4u]; }
    return vec4(w_at(k, col), w_at(k + 1u, col), w_at(k + 2u, col), w_at(k + 3u, col));
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    return transpose(mat4x4(w_col(k, col), w_col(k, col + 1u), w_col(k, col + 2u), w_col(k, col + 3u)));
}

// Four elements of x from `at` on, as far as they are there.
fn x_four(at: u32, count: u32) -> vec4<f32> {
    if (COLS_BY_4) { return x[at / 4u]; }
    var four = vec4(0.0);
    for (var c = 0u; c < 4u; c++) { // unroll
        if (c < count) { four[c] = x[(at + c) / 4u][(at + c) % 4u]; }
    }
    return four;
}

fn store(split: u32, row: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    let at = row * COLS + col;
    var dx = sum;
    if (GATE) { dx = select(vec4(0.0), sum, x_four(at, COLS - col) > vec4(0.0)); }
    write(at, COLS - col, dx);
}
