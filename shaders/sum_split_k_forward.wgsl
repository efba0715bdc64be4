// An output is act(b[u] + sum); element i is that of unit i % UNITS. weights: the bias lies from BIAS on.

@group(0) @binding(1) var<storage, read> weights: array<f32>;

fn finish(i: u32, sum: f32) -> f32 {
    let y = sum + weights[BIAS + i % UNITS];
    return select(y, max(y, 0.0), RELU);
}
