// Reads a gradient whose row length divides by four, as u32 bit patterns (see tagged_gradient.wgsl).

@group(0) @binding(DY) var<storage, read> dy: array<Four>;

fn dy_one(i: u32) -> u32 { return four_words(dy[i / 4u])[i % 4u]; }
// The four elements from 4 i on.
fn dy_four(i: u32) -> vec4<u32> { return four_words(dy[i]); }
