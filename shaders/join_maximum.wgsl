// a join b = the larger of the two, a of equals; the first NaN

fn join(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> { return select(a, b, is_better(b, a)); }

fn gradient(a: vec4<f32>, b: vec4<f32>, dy: vec4<f32>, second: bool) -> vec4<f32> {
    return select(vec4(0.0), dy, is_better(b, a) == vec4(second));
}
