// The factor is added: x is element i and the following ones.

fn adjusted(x: vec4<f32>, i: u32, factor: f32) -> vec4<f32> { return x + factor; }
