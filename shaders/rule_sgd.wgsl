// p -= lr g

fn update(p: vec4<f32>, g: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> Updated {
    return Updated(p - step.learning_rate * g, vec4(0.0), vec4(0.0));
}
