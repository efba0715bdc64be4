// f(x) = x / (1 + exp(-x))

fn activate(x: vec4<f32>) -> vec4<f32> { return x / (1.0 + exp(-x)); }

fn derivative(x: vec4<f32>) -> vec4<f32> {
    let s = 1.0 / (1.0 + exp(-x));
    return s * (1.0 + x * (1.0 - s));
}
