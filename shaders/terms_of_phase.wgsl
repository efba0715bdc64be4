// A product of the batch (see tile.wgsl) computes a phase of a gradient through strides: see conv2d_backward_input.wgsl. The terms of its sum
// are of an argument, not of `batch`: a private variable would make a loop with barriers look divergent.

fn phase() -> u32 { return batch; }
fn terms(product: u32) -> u32 { return min(phase_terms(product), K); }
