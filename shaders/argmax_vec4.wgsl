// A pool's argmax stored as vectors of four u32 elements; see out_vec4.wgsl.

@group(0) @binding(ARGMAX) var<storage, read_write> argmax: array<Four>;

fn write_argmax(at: u32, count: u32, value: vec4<u32>) {
    argmax[at / 4u] = words_as_four(value);
}
