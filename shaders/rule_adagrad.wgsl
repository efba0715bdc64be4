// v += g^2;  p -= lr g / sqrt(v + EPSILON)

fn update(p: vec4<f32>, g: vec4<f32>, v: vec4<f32>, b: vec4<f32>) -> Updated {
    let new_v = v + g * g;
    return Updated(p - step.learning_rate * g / sqrt(new_v + EPSILON), new_v, vec4(0.0));
}
