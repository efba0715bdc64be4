// The distance from the channel's mean is multiplied by the factor: x is element i and the following ones. means: [BATCH, CHANNELS].

@group(0) @binding(MEANS) var<storage, read> means: array<Four>;

fn mean_at(i: u32) -> vec4<f32> {
    let at = i / IMAGE * CHANNELS + i % CHANNELS;
    return lanes_of(four(means[at / 4u]), at, BY_4);
}

fn adjusted(x: vec4<f32>, i: u32, factor: f32) -> vec4<f32> {
    let mean = mean_at(i);
    return (x - mean) * factor + mean;
}
