// What a normalisation by the moving averages needs. state: mean, variance, [2, COLS]. The file of the parameters has gamma_at and
// beta_at.

struct Statistics { mean: vec4<f32>, scale: vec4<f32>, shift: vec4<f32> }

@group(0) @binding(1) var<storage, read> state: array<Four>;

fn state_at(i: u32) -> vec4<f32> { return lanes_of(four(state[i / 4u]), i, BY_4); }

fn statistics_at(c: u32) -> Statistics {
    var gamma = vec4(1.0);
    var beta = vec4(0.0);
    for (var j = 0u; j < 4u; j++) { // unroll
        let column = min(c + j, COLS - 1u);
        gamma[j] = gamma_at(column);
        beta[j] = beta_at(column);
    }
    return Statistics(state_at(c), gamma / sqrt(state_at(COLS + c) + EPSILON), beta);
}
