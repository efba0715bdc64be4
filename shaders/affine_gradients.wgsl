// Where the gradients w.r.t. gamma and beta go, of which one may be absent. gradients: [gamma, beta].

@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

fn write_gradients(c: u32, gamma: f32, beta: f32) {
    if (SCALE) { gradients[c] = gamma; }
    if (CENTER) { gradients[select(0u, COLS, SCALE) + c] = beta; }
}
