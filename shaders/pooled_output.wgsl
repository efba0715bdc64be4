// Writes a pool's output over a convolution: bias, ReLU, and the position of the maximum in its window, SHUT where the ReLU
// is shut. out and index: [windows, COLS].

const SHUT: u32 = 256u;

// The greatest of a window's sums so far, and the position of the first that was it.
var<private> best: vec4<f32>;
var<private> best_position: vec4<u32>;

// Takes the sums of the next position; those of position 0 begin a window.
fn consider(position: u32, sum: vec4<f32>) {
    let better = (sum > best) | vec4(position == 0u);
    best = select(best, sum, better);
    best_position = select(best_position, vec4(position), better);
}

// The first `count` of four columns from element `at` on, of the window that was considered.
fn write_pooled(at: u32, count: u32, bias: vec4<f32>) {
    let y = best + bias;
    if (RELU) {
        write(at, count, max(y, vec4(0.0)));
        write_index(at, count, select(vec4(SHUT), best_position, y > vec4(0.0)));
    } else {
        write(at, count, y);
        write_index(at, count, best_position);
    }
}
