// f(x) = tanh(x)

fn activate(x: vec4<f32>) -> vec4<f32> {
    // Some drivers compute tanh by exp, which overflows; beyond 10 it is 1.
    return tanh(clamp(x, vec4(-10.0), vec4(10.0)));
}

fn derivative(x: vec4<f32>) -> vec4<f32> {
    let t = activate(x);
    return 1.0 - t * t;
}
