// C of a forward convolution fused with its pool: of the POSITIONS rows of a window the greatest, and which it was.
//
// out and index: [ROWS / POSITIONS, COLS].

fn store(split: u32, row: u32, position: u32, col: u32, sum: vec4<f32>) {
    consider(position, sum);
    if (position + 1u == POSITIONS && row < ROWS && col < COLS) {
        write_pooled(row / POSITIONS * COLS + col, COLS - col, w_row(K, col));
    }
}
