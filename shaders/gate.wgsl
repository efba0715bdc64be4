// How a gradient goes on to the layer gate_input.
//
// Through a ReLU (RELU_GATE): zero where that layer's output, bound as `gate_input`, is not positive. To a convolution that was
// fused with its pool (ARGMAX_GATE): `gate_input` is the argmax of its forward pass; the gradient carries the position of the
// window's maximum in its lowest bits (GATE_MASK), and is zero where the ReLU was shut.

@group(0) @binding(GATE) var<storage, read> gate_input: array<Four>;

// Four elements of `gate_input` from `at` on, as far as `count` goes.
fn gate_four(at: u32, count: u32) -> vec4<u32> {
    if (GATE_BY_4) { return four_words(gate_input[at / 4u]); }
    var some = vec4(0u);
    for (var c = 0u; c < 4u; c++) { // unroll
        if (c < count) { some[c] = four_words(gate_input[(at + c) / 4u])[(at + c) % 4u]; }
    }
    return some;
}

// What goes on of the first `count` of four elements from `at` on.
fn apply_gate(at: u32, count: u32, dx: vec4<f32>) -> vec4<f32> {
    if (RELU_GATE) { return select(vec4(0.0), dx, bitcast<vec4<f32>>(gate_four(at, count)) > vec4(0.0)); }
    if (ARGMAX_GATE) {
        let argmax = gate_four(at, count);
        // Rounded to the nearest that has those bits free.
        let rounded = bitcast<vec4<u32>>(dx) + vec4((GATE_MASK + 1u) / 2u);
        let packed = (rounded & vec4(~GATE_MASK)) | argmax;
        return bitcast<vec4<f32>>(select(packed, vec4(0u), argmax > vec4(GATE_MASK)));
    }
    return dx;
}
