// Reads an input whose row length divides by four.

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_one(i: u32) -> f32 { return four(x[i / 4u])[i % 4u]; }
// The four elements from 4 i on.
fn x_four(i: u32) -> vec4<f32> { return four(x[i]); }
