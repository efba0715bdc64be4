// Epilogue of a convolution fused with its pool: adds the bias to the window's maximum, applies the ReLU and writes the
// argmax (the window offset of the maximum), or INACTIVE where the ReLU is inactive. out and argmax: [windows, COLS].

const INACTIVE: u32 = 256u;

// The maximum of the window's sums so far, and the window offset of its first occurrence.
var<private> best: vec4<f32>;
var<private> best_offset: vec4<u32>;

// Updates the maximum with the sums at the next window offset; window offset 0 starts a new window.
fn consider(window_offset: u32, sum: vec4<f32>) {
    let better = is_better(sum, best) | vec4(window_offset == 0u);
    best = select(best, sum, better);
    best_offset = select(best_offset, vec4(window_offset), better);
}

// Writes the current window's result: the first `count` of four columns, to the elements from `at` on.
fn write_pooled(at: u32, count: u32, bias: vec4<f32>) {
    let y = best + bias;
    if (RELU) {
        write(at, count, relu(y));
        write_argmax(at, count, select(vec4(INACTIVE), best_offset, (y > vec4(0.0)) | is_nan(y)));
    } else {
        write(at, count, y);
        write_argmax(at, count, best_offset);
    }
}
