// f(x) = MAX_VALUE from there on, x from THRESHOLD on, else NEGATIVE_SLOPE (x - THRESHOLD)

fn activate(x: vec4<f32>) -> vec4<f32> {
    // No slope times minus infinity is NaN.
    let below = select(NEGATIVE_SLOPE * (x - THRESHOLD), vec4(0.0), NEGATIVE_SLOPE == 0.0);
    let y = select(x, below, x < vec4(THRESHOLD));
    return select(y, vec4(MAX_VALUE), vec4(HAS_MAX) & (x >= vec4(MAX_VALUE)));
}

fn derivative(x: vec4<f32>) -> vec4<f32> {
    let slope = select(vec4(NEGATIVE_SLOPE), vec4(1.0), x > vec4(THRESHOLD));
    return select(slope, vec4(0.0), vec4(HAS_MAX) & (x >= vec4(MAX_VALUE)));
}
