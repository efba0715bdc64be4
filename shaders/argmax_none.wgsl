// Inference: no backward pass reads the argmax, so it is not stored. See argmax_u32.wgsl.

fn write_argmax(at: u32, count: u32, value: vec4<u32>) {}
