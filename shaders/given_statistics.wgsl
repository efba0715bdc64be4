// What a normalisation by given numbers needs: y = (x - mean) / deviation, with ADDS the inverse, x deviation + mean, or the gradient of
// either, without the mean. state: mean, variance, [2, COLS].

struct Statistics { mean: vec4<f32>, scale: vec4<f32>, shift: vec4<f32> }

@group(0) @binding(1) var<storage, read> state: array<Four>;

fn state_at(i: u32) -> vec4<f32> { return lanes_of(four(state[i / 4u]), i, BY_4); }

fn statistics_at(c: u32) -> Statistics {
    let mean = state_at(c);
    let deviation = max(sqrt(state_at(COLS + c)), vec4(MIN_DEVIATION));
    let scale = select(deviation, 1.0 / deviation, DIVIDES);
    return Statistics(select(vec4(0.0), mean, SUBTRACTS), scale, select(vec4(0.0), mean, ADDS));
}
