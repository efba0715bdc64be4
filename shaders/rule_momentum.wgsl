// m = MOMENTUM m - lr g;  p += m, with NESTEROV p += MOMENTUM m - lr g

fn update(p: vec4<f32>, g: vec4<f32>, m: vec4<f32>, b: vec4<f32>) -> Updated {
    let new_m = MOMENTUM * m - step.learning_rate * g;
    return Updated(p + select(new_m, MOMENTUM * new_m - step.learning_rate * g, NESTEROV), new_m, vec4(0.0));
}
