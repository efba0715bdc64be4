// A pool's argmax stored as scalar u32 elements, for rows whose length does not divide by four; see out_f32.wgsl.

@group(0) @binding(ARGMAX) var<storage, read_write> argmax: array<u32>;

fn write_argmax(at: u32, count: u32, value: vec4<u32>) {
    for (var c = 0u; c < 4u; c++) { // unroll
        if (c < count) { argmax[at + c] = value[c]; }
    }
}
