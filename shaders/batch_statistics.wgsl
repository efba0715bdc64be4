// What a normalisation by the moments of the batch needs. moments: mean, 1 / deviation, gamma, beta, [4, COLS].

struct Statistics { mean: vec4<f32>, scale: vec4<f32>, shift: vec4<f32> }

@group(0) @binding(1) var<storage, read> moments: array<Four>;

fn moment_at(i: u32) -> vec4<f32> { return lanes_of(four(moments[i / 4u]), i, BY_4); }

fn statistics_at(c: u32) -> Statistics {
    return Statistics(moment_at(c), moment_at(COLS + c) * moment_at(2u * COLS + c), moment_at(3u * COLS + c));
}
