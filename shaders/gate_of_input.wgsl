// The gate of a ReLU whose output is the kernel's own input x: the gradient is zero where x is neither positive nor NaN. See gate.wgsl.

fn apply_gate(at: u32, count: u32, dx: vec4<f32>) -> vec4<f32> {
    let y = lanes_of(four(x[at / 4u]), at, BY_4);
    return through_relu(dx, y);
}
