// The input of a depthwise convolution. x: [BATCH, H, W, C].

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_one(i: u32) -> f32 { return four(x[i / 4u])[i % 4u]; }

// The input pixel with the index `pixel`, for the LANES output channels from `o` on.
fn x_at(pixel: u32, o: u32) -> vec4<f32> {
    let first = pixel * C;
    if (MULTIPLIER == 1u) { return lanes_of(four(x[(first + o) / 4u]), first + o, BY_4); }
    if (BY_4) {
        return vec4(
            x_one(first + o / MULTIPLIER),
            x_one(first + (o + 1u) / MULTIPLIER),
            x_one(first + (o + 2u) / MULTIPLIER),
            x_one(first + (o + 3u) / MULTIPLIER),
        );
    }
    return vec4(x_one(first + o / MULTIPLIER));
}
