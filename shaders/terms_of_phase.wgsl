// The phase of a gradient through strides that a product of the batch (see tile.wgsl) computes, and the terms of its sum: see
// conv2d_backward_input.wgsl.

fn phase() -> u32 { return batch; }
fn terms() -> u32 { return min(phase_terms(), K); }
