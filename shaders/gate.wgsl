// Applies the backward pass of the previous layer's activation to a gradient before it is stored.
//
// RELU_GATE: `gate_input` is the previous layer's output; the gradient is zero where that output is neither positive nor NaN.
// Otherwise the previous layer is a convolution fused with its pool, and `gate_input` is the argmax of its forward
// pass. The result is a tagged gradient: the argmax is stored in the low mantissa bits (GATE_MASK), so that one load
// yields both. It is zero where the ReLU was inactive, which the argmax marks by a value greater than GATE_MASK.

@group(0) @binding(GATE) var<storage, read> gate_input: array<Four>;

// Elements [at, at + 4) of `gate_input` as u32 bit patterns; zero beyond the first `count`.
fn gate_four(at: u32, count: u32) -> vec4<u32> {
    if (GATE_BY_4) { return four_words(gate_input[at / 4u]); }
    var values = vec4(0u);
    for (var c = 0u; c < 4u; c++) { // unroll
        if (c < count) { values[c] = four_words(gate_input[(at + c) / 4u])[(at + c) % 4u]; }
    }
    return values;
}

// The gradient after the gate, for the first `count` of the elements [at, at + 4).
fn apply_gate(at: u32, count: u32, dx: vec4<f32>) -> vec4<f32> {
    if (RELU_GATE) {
        let y = bitcast<vec4<f32>>(gate_four(at, count));
        return through_relu(dx, y);
    }
    let argmax = gate_four(at, count);
    // Adding half of the tag's range before the low bits are cleared rounds to the nearest value. It could carry a NaN
    // whose mantissa is full into zero.
    let bits = select(bitcast<vec4<u32>>(dx), vec4(0x7fc00000u), is_nan(dx));
    let rounded = bits + vec4((GATE_MASK + 1u) / 2u);
    let tagged = (rounded & vec4(~GATE_MASK)) | argmax;
    return bitcast<vec4<f32>>(select(tagged, vec4(0u), argmax > vec4(GATE_MASK)));
}
