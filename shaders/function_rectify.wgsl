// f(x) = NEGATIVE_SLOPE (x - THRESHOLD) up to THRESHOLD, beyond it x, at most MAX_VALUE

fn activate(x: vec4<f32>) -> vec4<f32> {
    // No slope times minus infinity is NaN.
    let below = select(NEGATIVE_SLOPE * (x - THRESHOLD), vec4(0.0), NEGATIVE_SLOPE == 0.0);
    let limited = select(x, vec4(MAX_VALUE), vec4(HAS_MAX) & (x >= vec4(MAX_VALUE)));
    return select(limited, below, x <= vec4(THRESHOLD));
}

fn derivative(x: vec4<f32>) -> vec4<f32> {
    let limited = select(vec4(1.0), vec4(0.0), vec4(HAS_MAX) & (x >= vec4(MAX_VALUE)));
    return select(limited, vec4(NEGATIVE_SLOPE), x <= vec4(THRESHOLD));
}
