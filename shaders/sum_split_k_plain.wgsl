// A gradient is its sum.

fn finish(i: u32, sum: f32) -> f32 { return sum; }
