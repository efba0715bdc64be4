// What changes from step to step; `plan::Step` on the host, 32 bytes.

struct Step {
    batch_index: u32,
    images: u32,
    global_images: u32,
    update: u32,
    seed: u32,
    learning_rate: f32,
    scalars: vec2<f32>,
}

@group(1) @binding(0) var<uniform> step: Step;
