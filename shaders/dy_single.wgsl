// Reads a gradient whose row length does not divide by four, as u32 bit patterns (see tagged_gradient.wgsl).

@group(0) @binding(DY) var<storage, read> dy: array<u32>;

fn dy_one(i: u32) -> u32 { return dy[i]; }
// The four elements from 4 i on.
fn dy_four(i: u32) -> vec4<u32> { return vec4(dy[4u * i], dy[4u * i + 1u], dy[4u * i + 2u], dy[4u * i + 3u]); }
