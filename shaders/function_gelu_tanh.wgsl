// f(x) = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2

fn inner_tanh(x: vec4<f32>) -> vec4<f32> {
    // Some drivers compute tanh by exp, which overflows; beyond 10 it is 1.
    return tanh(clamp(0.7978846 * (x + 0.044715 * x * x * x), vec4(-10.0), vec4(10.0)));
}

fn activate(x: vec4<f32>) -> vec4<f32> { return 0.5 * x * (1.0 + inner_tanh(x)); }

fn derivative(x: vec4<f32>) -> vec4<f32> {
    let t = inner_tanh(x);
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.7978846 * (1.0 + 0.134145 * x * x);
}
