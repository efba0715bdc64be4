// C of a forward convolution fused with its pool: of the POSITIONS rows of a window the greatest, and which it was.
//
// out and index: [ROWS / POSITIONS, COLS].

var<private> best: vec4<f32>;
var<private> best_position: vec4<u32>;

fn store(split: u32, row: u32, position: u32, col: u32, sum: vec4<f32>) {
    let better = sum > best;
    let first = position == 0u;
    best = select(best, sum, better | vec4(first));
    best_position = select(select(best_position, vec4(position), better), vec4(0u), first);
    if (position + 1u == POSITIONS && row < ROWS && col < COLS) {
        write_pooled(row / POSITIONS * COLS + col, COLS - col, best, best_position, w_row(K, col));
    }
}
