// The output as scalar floats, for rows whose length does not divide by four: neighbouring invocations would share a
// vec4, and a device may implement the write of one component as a write of the whole vector.

@group(0) @binding(OUT) var<storage, read_write> out: array<f32>;

// Writes the first `count` of four values to the elements from `at` on.
fn write(at: u32, count: u32, value: vec4<f32>) {
    for (var c = 0u; c < 4u; c++) { // unroll
        if (c < count) { out[at + c] = value[c]; }
    }
}
