// Shared by the forward matrix kernels: B is the weights, C is act(sum + bias), or partial sums if SPLIT_K > 1.
//
// weights: see tile_weights.wgsl, out: [SPLIT_K, ROWS, ROW_LEN]. The kernel's own file binds x at 0 and
// defines A.

// The bias of the columns that are stored: read once, since compilers do not see that no store changes it.
var<private> bias: vec4<f32>;

fn prepare_store(col: u32) { bias = bias_row(col); }

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    if (row >= ROWS || col >= COLS) { return; }
    let at = (split * ROWS + row) * ROW_LEN + group() * COLS + col;
    if (SPLIT_K > 1u) {
        write(at, COLS - col, sum);
        return;
    }
    let y = sum + bias;
    write(at, COLS - col, select(y, relu(y), RELU));
}
