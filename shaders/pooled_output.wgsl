// Writes a pool's output over a convolution: bias, ReLU, and the position of the maximum in its window, SHUT where the ReLU
// is shut. out and index: [windows, COLS].

const SHUT: u32 = 256u;

// The first `count` of four columns from element `at` on; `best` is the greatest sum, at `position`.
fn write_pooled(at: u32, count: u32, best: vec4<f32>, position: vec4<u32>, bias: vec4<f32>) {
    let y = best + bias;
    if (RELU) {
        write(at, count, max(y, vec4(0.0)));
        write_index(at, count, select(vec4(SHUT), position, y > vec4(0.0)));
    } else {
        write(at, count, y);
        write_index(at, count, position);
    }
}
