// Reads the pixels of the step's batch as an input: x[i] = byte i / DIVISOR. pixels: [uploaded batches, WORDS] u32 of four bytes each, the
// first in the lowest bits, of which step.batch_index selects one batch.

@group(0) @binding(0) var<storage, read> pixels: array<u32>;

// The four elements from 4 i on.
fn x_four(i: u32) -> vec4<f32> {
    let word = pixels[step.batch_index * WORDS + i];
    return vec4<f32>((vec4(word) >> vec4(0u, 8u, 16u, 24u)) & vec4(255u)) / DIVISOR;
}

fn x_one(i: u32) -> f32 {
    let word = pixels[step.batch_index * WORDS + i / 4u];
    return f32((word >> (i % 4u * 8u)) & 255u) / DIVISOR;
}
