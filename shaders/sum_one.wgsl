// A sum of one term. a: [COUNT].

@group(0) @binding(0) var<storage, read> a: array<Four>;

fn sum_at(i: u32) -> vec4<f32> { return lanes_of(four(a[i / 4u]), i, BY_4); }
