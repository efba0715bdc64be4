// What the forward matrix kernels share: B is the weights, C is act(sum + bias), or the sums alone where they are split.
//
// weights: [K, COLS] then the bias [COLS], out: [ROWS, COLS], one such block a split. The kernel's file binds its input at 0.

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    let at = (split * ROWS + row) * COLS + col;
    if (SPLIT_K > 1u) {
        write(at, COLS - col, sum);
        return;
    }
    let y = sum + w_row(K, col);
    write(at, COLS - col, select(y, max(y, vec4(0.0)), RELU));
}
