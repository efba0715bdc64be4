// f(x) = SCALE x + OFFSET

fn activate(x: vec4<f32>) -> vec4<f32> { return x * SCALE + OFFSET; }

fn derivative(x: vec4<f32>) -> vec4<f32> { return vec4(SCALE); }
