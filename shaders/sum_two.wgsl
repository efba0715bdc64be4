// A sum of two terms. a and b: [COUNT].

@group(0) @binding(0) var<storage, read> a: array<Four>;
@group(0) @binding(1) var<storage, read> b: array<Four>;

fn sum_at(i: u32) -> vec4<f32> {
    return lanes_of(four(a[i / 4u]), i, BY_4) + lanes_of(four(b[i / 4u]), i, BY_4);
}
