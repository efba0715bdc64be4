// a join b = a b

fn join(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> { return a * b; }

fn gradient(a: vec4<f32>, b: vec4<f32>, dy: vec4<f32>, second: bool) -> vec4<f32> { return dy * select(b, a, second); }
