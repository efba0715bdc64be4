// How a gradient goes on to the layer below.
//
// Through a ReLU (RELU_BELOW): zero where that layer's output, bound as `below`, is not positive. To a convolution that was
// fused with its pool (POOL_BELOW): `below` is the index of its forward pass; the gradient carries the position of the
// window's maximum in its lowest bits (BELOW_MASK), and is zero where the ReLU was shut.

@group(0) @binding(BELOW) var<storage, read> below: array<Four>;

// Four elements of `below` from `at` on, as far as `count` goes.
fn below_four(at: u32, count: u32) -> vec4<u32> {
    if (BELOW_BY_4) { return four_words(below[at / 4u]); }
    var some = vec4(0u);
    for (var c = 0u; c < 4u; c++) { // unroll
        if (c < count) { some[c] = four_words(below[(at + c) / 4u])[(at + c) % 4u]; }
    }
    return some;
}

// What goes on of the first `count` of four elements from `at` on.
fn pass_down(at: u32, count: u32, dx: vec4<f32>) -> vec4<f32> {
    if (RELU_BELOW) { return select(vec4(0.0), dx, bitcast<vec4<f32>>(below_four(at, count)) > vec4(0.0)); }
    if (POOL_BELOW) {
        let index = below_four(at, count);
        // Rounded to the nearest that has those bits free.
        let rounded = bitcast<vec4<u32>>(dx) + vec4((BELOW_MASK + 1u) / 2u);
        let packed = (rounded & vec4(~BELOW_MASK)) | index;
        return bitcast<vec4<f32>>(select(packed, vec4(0u), index > vec4(BELOW_MASK)));
    }
    return dx;
}
