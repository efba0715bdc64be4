// The output as whole vectors, for kernels that write four elements at places that divide by four.

@group(0) @binding(OUT) var<storage, read_write> out: array<Four>;

// Writes the first `count` of four values from element `at` on; here all four.
fn write(at: u32, count: u32, value: vec4<f32>) {
    out[at / 4u] = as_four(value);
}
