// Four 32-bit elements of a buffer, loaded and stored as one vec4<f32>; see four_u64.wgsl for the alternative.

alias Four = vec4<f32>;

fn four(v: Four) -> vec4<f32> { return v; }
fn four_words(v: Four) -> vec4<u32> { return bitcast<vec4<u32>>(v); }
fn as_four(v: vec4<f32>) -> Four { return v; }
fn words_as_four(v: vec4<u32>) -> Four { return bitcast<vec4<f32>>(v); }
