// m += (g - m) (1 - beta_1);  v += (g^2 - v) (1 - beta_2);  p -= step_size m / (sqrt(v) + epsilon)
//
// with step_size = learning rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) from the host (Kingma and Ba 2015, section 2's
// second form, as in Keras).

fn update(p: vec4<f32>, g: vec4<f32>, m: vec4<f32>, v: vec4<f32>) -> Updated {
    let new_m = m + (g - m) * ONE_MINUS_BETA_1;
    let new_v = v + (g * g - v) * ONE_MINUS_BETA_2;
    return Updated(p - step.scalars.x * new_m / (sqrt(new_v) + EPSILON), new_m, new_v);
}
