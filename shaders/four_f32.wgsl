// Four elements of a buffer, as they are.

alias Four = vec4<f32>;

fn four(v: Four) -> vec4<f32> { return v; }
fn four_words(v: Four) -> vec4<u32> { return bitcast<vec4<u32>>(v); }
fn as_four(v: vec4<f32>) -> Four { return v; }
fn words_as_four(v: vec4<u32>) -> Four { return bitcast<vec4<f32>>(v); }
