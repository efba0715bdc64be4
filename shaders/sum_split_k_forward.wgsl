// The epilogue of a forward pass: act(b[u] + sum), where element i belongs to unit u = i % UNITS.
// weights: with BIASED, the bias b [UNITS] starts at element BIAS.

@group(0) @binding(1) var<storage, read> weights: array<f32>;

fn epilogue(i: u32, sum: f32) -> f32 {
    let y = sum + select(0.0, weights[BIAS + i % UNITS], BIASED);
    return select(y, relu(vec4(y)).x, RELU);
}
