// p -= lr sign(BETA_1 m + (1 - BETA_1) g);  m = BETA_2 m + (1 - BETA_2) g

fn update(p: vec4<f32>, g: vec4<f32>, m: vec4<f32>, b: vec4<f32>) -> Updated {
    let direction = BETA_1 * m + ONE_MINUS_BETA_1 * g;
    let signs = select(sign(direction), direction, is_nan(direction));
    return Updated(p - step.learning_rate * signs, BETA_2 * m + ONE_MINUS_BETA_2 * g, vec4(0.0));
}
