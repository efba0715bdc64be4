// f(x) = SCALE x above zero, else SCALE ALPHA (exp(x) - 1)

fn activate(x: vec4<f32>) -> vec4<f32> {
    return SCALE * select(ALPHA * (exp(x) - 1.0), x, x > vec4(0.0));
}

fn derivative(x: vec4<f32>) -> vec4<f32> {
    return SCALE * select(ALPHA * exp(x), vec4(1.0), x > vec4(0.0));
}
