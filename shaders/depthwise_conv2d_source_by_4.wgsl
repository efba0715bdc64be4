// The image that a depthwise convolution by blocks reads, of channels that divide by four.

@group(0) @binding(0) var<storage, read> source: array<Four>;

// Four channels of a pixel.
fn source_at(pixel: u32, channel: u32) -> vec4<f32> { return four(source[(pixel * C + channel) / 4u]); }
