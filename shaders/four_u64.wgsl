// Four 32-bit elements of a buffer, loaded and stored as two u64. A software adapter performs one scalar access per
// lane and component, so 64-bit accesses halve their number.

alias Four = vec2<u64>;

fn four_words(v: Four) -> vec4<u32> { return vec4(u32(v.x), u32(v.x >> 32u), u32(v.y), u32(v.y >> 32u)); }
fn four(v: Four) -> vec4<f32> { return bitcast<vec4<f32>>(four_words(v)); }
fn words_as_four(v: vec4<u32>) -> Four {
    return vec2(u64(v.x) | (u64(v.y) << 32u), u64(v.z) | (u64(v.w) << 32u));
}
fn as_four(v: vec4<f32>) -> Four { return words_as_four(bitcast<vec4<u32>>(v)); }
