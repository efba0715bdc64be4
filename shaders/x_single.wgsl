// Reads an input whose row length does not divide by four.

@group(0) @binding(0) var<storage, read> x: array<f32>;

fn x_one(i: u32) -> f32 { return x[i]; }
// The four elements from 4 i on.
fn x_four(i: u32) -> vec4<f32> { return vec4(x[4u * i], x[4u * i + 1u], x[4u * i + 2u], x[4u * i + 3u]); }
