// m += (g - m) (1 - beta_1);  v += (g^2 - v) (1 - beta_2);  p -= (s_0 m + s_1 g) / (sqrt(v) + EPSILON sqrt(1 - beta_2^t))
//
// with both factors from the host (Dozat 2016, as in Keras).

fn update(p: vec4<f32>, g: vec4<f32>, m: vec4<f32>, v: vec4<f32>) -> Updated {
    let new_m = m + (g - m) * ONE_MINUS_BETA_1;
    let new_v = v + (g * g - v) * ONE_MINUS_BETA_2;
    // Beside epsilon, so that the rounding of 1 - beta_2^t is of no matter.
    let root = sqrt(1.0 - exp(f32(step.update) * LN_BETA_2));
    let direction = step.scalars.x * new_m + step.scalars.y * g;
    return Updated(p - direction / (sqrt(new_v) + EPSILON * root), new_m, new_v);
}
