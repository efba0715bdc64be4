// The output as single floats: where neighbouring invocations write to one vector, a device may not write a part of it.

@group(0) @binding(OUT) var<storage, read_write> out: array<f32>;

// Writes the first `count` of four values from element `at` on.
fn write(at: u32, count: u32, value: vec4<f32>) {
    for (var c = 0u; c < 4u; c++) { // unroll
        if (c < count) { out[at + c] = value[c]; }
    }
}
