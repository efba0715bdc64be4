// Reads weights whose row length divides by four.

@group(0) @binding(1) var<storage, read> weights: array<Four>;

fn weights_one(i: u32) -> f32 { return four(weights[i / 4u])[i % 4u]; }
// The four elements from 4 i on.
fn weights_four(i: u32) -> vec4<f32> { return four(weights[i]); }
