// A pool's index as whole vectors; see out_vec4.wgsl.

@group(0) @binding(INDEX) var<storage, read_write> index: array<Four>;

fn write_index(at: u32, count: u32, value: vec4<u32>) {
    index[at / 4u] = words_as_four(value);
}
