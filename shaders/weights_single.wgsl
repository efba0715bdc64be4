// Reads weights whose row length does not divide by four.

@group(0) @binding(1) var<storage, read> weights: array<f32>;

fn weights_one(i: u32) -> f32 { return weights[i]; }
// The four elements from 4 i on.
fn weights_four(i: u32) -> vec4<f32> {
    return vec4(weights[4u * i], weights[4u * i + 1u], weights[4u * i + 2u], weights[4u * i + 3u]);
}
