// C of a forward convolution fused with its pool: the maximum of each window's WINDOW_LEN rows, and its argmax.
//
// out and argmax: [ROWS / WINDOW_LEN, COLS].

fn prepare_store(col: u32) {}

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    consider(window_offset, sum);
    if (window_offset + 1u == WINDOW_LEN && row < ROWS && col < COLS) {
        write_pooled(row / WINDOW_LEN * COLS + col, COLS - col, bias_row(col));
    }
}
