// Reads weights whose row length does not divide by four.

@group(0) @binding(1) var<storage, read> weights: array<f32>;

fn weights_one(i: u32) -> f32 { return weights[i]; }
fn weights_four(i: u32) -> vec4<f32> { return vec4(weights[i], weights[i + 1u], weights[i + 2u], weights[i + 3u]); }
