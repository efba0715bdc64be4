// v = RHO v + (1 - RHO) g^2;  m = MOMENTUM m + lr g / sqrt(v + EPSILON);  p -= m

fn update(p: vec4<f32>, g: vec4<f32>, v: vec4<f32>, m: vec4<f32>) -> Updated {
    let new_v = RHO * v + ONE_MINUS_RHO * g * g;
    let new_m = MOMENTUM * m + step.learning_rate * g / sqrt(new_v + EPSILON);
    return Updated(p - new_m, new_v, new_m);
}
