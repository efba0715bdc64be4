// f(x) = ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(-|x|))

fn activate(x: vec4<f32>) -> vec4<f32> { return relu(x) + log(1.0 + exp(-abs(x))); }

fn derivative(x: vec4<f32>) -> vec4<f32> { return 1.0 / (1.0 + exp(-x)); }
