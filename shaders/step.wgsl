// What changes from step to step; `plan::Step` on the host.

struct Step { batch_index: u32, images: u32, rate: f32, padding: u32 }

@group(1) @binding(0) var<uniform> step: Step;
