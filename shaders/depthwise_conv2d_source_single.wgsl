// The image that a depthwise convolution by blocks reads, of one channel, which all filters see.

@group(0) @binding(0) var<storage, read> source: array<f32>;

fn source_at(pixel: u32, channel: u32) -> vec4<f32> { return vec4(source[pixel]); }
