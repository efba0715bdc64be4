// ReLU and running maxima that keep NaN, and what is finite: decided by the bits, since compilers may take it that floats are never NaN.

fn is_nan(x: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(x) & vec4(0x7fffffffu)) > vec4(0x7f800000u);
}

fn is_finite(x: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(x) & vec4(0x7f800000u)) != vec4(0x7f800000u);
}

// max(x, 0); NaN stays NaN. Negative numbers are the bit patterns from 0x80000000 (-0) to 0xff800000 (-infinity).
fn relu(x: vec4<f32>) -> vec4<f32> {
    return select(x, vec4(0.0), (bitcast<vec4<u32>>(x) - vec4(0x80000000u)) <= vec4(0x7f800000u));
}

// The gradient of a ReLU whose input is x: that of NaN is NaN, so `dy` passes.
fn through_relu(dy: vec4<f32>, x: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), dy, (x > vec4(0.0)) | is_nan(x));
}

// Whether `value` replaces `best`: the first of equals stays, and the first NaN is the maximum.
fn is_better(value: vec4<f32>, best: vec4<f32>) -> vec4<bool> {
    return (value > best) | (is_nan(value) & !is_nan(best));
}
