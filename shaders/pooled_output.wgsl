// Writes a pool's output over a convolution: bias, ReLU, and the window_offset of the maximum in its window, INACTIVE where the ReLU
// is shut. out and argmax: [windows, COLS].

const INACTIVE: u32 = 256u;

// The greatest of a window's sums so far, and the window_offset of the first that was it.
var<private> best: vec4<f32>;
var<private> best_offset: vec4<u32>;

// Takes the sums of the next window_offset; those of window_offset 0 begin a window.
fn consider(window_offset: u32, sum: vec4<f32>) {
    let better = (sum > best) | vec4(window_offset == 0u);
    best = select(best, sum, better);
    best_offset = select(best_offset, vec4(window_offset), better);
}

// The first `count` of four columns from element `at` on, of the window that was considered.
fn write_pooled(at: u32, count: u32, bias: vec4<f32>) {
    let y = best + bias;
    if (RELU) {
        write(at, count, max(y, vec4(0.0)));
        write_argmax(at, count, select(vec4(INACTIVE), best_offset, y > vec4(0.0)));
    } else {
        write(at, count, y);
        write_argmax(at, count, best_offset);
    }
}
