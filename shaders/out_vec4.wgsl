// The output as vec4, for kernels that write four elements at once, at indices that divide by four.

@group(0) @binding(OUT) var<storage, read_write> out: array<Four>;

// Writes four values to the elements from `at` on; `count` is at least four here (see out_f32.wgsl).
fn write(at: u32, count: u32, value: vec4<f32>) {
    out[at / 4u] = as_four(value);
}
