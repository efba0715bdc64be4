// A pool's index as single words; see out_f32.wgsl.

@group(0) @binding(INDEX) var<storage, read_write> index: array<u32>;

fn write_index(at: u32, count: u32, value: vec4<u32>) {
    for (var c = 0u; c < 4u; c++) { // unroll
        if (c < count) { index[at + c] = value[c]; }
    }
}
