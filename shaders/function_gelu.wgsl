// f(x) = x P(x), with the normal distribution's cumulative function P(x) = erfc(-x / sqrt(2)) / 2
//
// erfc as in Press et al., Numerical Recipes, section 6.2: a relative error of 1.2e-7.

fn normal_cdf(x: vec4<f32>) -> vec4<f32> {
    let z = abs(x) * 0.70710678;
    let t = 1.0 / (1.0 + 0.5 * z);
    var p = vec4(0.17087277);
    p = p * t - 0.82215223;
    p = p * t + 1.4885159;
    p = p * t - 1.13520398;
    p = p * t + 0.27886807;
    p = p * t - 0.18628806;
    p = p * t + 0.09678418;
    p = p * t + 0.37409196;
    p = p * t + 1.00002368;
    p = p * t - 1.26551223;
    let tail = 0.5 * t * exp(p - z * z);
    return select(1.0 - tail, tail, x < vec4(0.0));
}

fn activate(x: vec4<f32>) -> vec4<f32> { return x * normal_cdf(x); }

fn derivative(x: vec4<f32>) -> vec4<f32> {
    return normal_cdf(x) + x * 0.3989423 * exp(-0.5 * x * x);
}
