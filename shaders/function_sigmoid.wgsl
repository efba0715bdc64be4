// f(x) = 1 / (1 + exp(-x))

fn activate(x: vec4<f32>) -> vec4<f32> { return 1.0 / (1.0 + exp(-x)); }

fn derivative(x: vec4<f32>) -> vec4<f32> {
    let s = activate(x);
    return s * (1.0 - s);
}
