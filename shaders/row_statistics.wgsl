// Mean and deviation of a row of x [ROWS, COLS], and the gammas of its elements. rows.wgsl says who computes what.

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_at(i: u32) -> vec4<f32> { return lanes_of(four(x[i / 4u]), i, BY_4); }

fn gammas_at(column: u32) -> vec4<f32> {
    var gamma = vec4(1.0);
    for (var j = 0u; j < 4u; j++) { // unroll
        gamma[j] = gamma_at(min(column + j, COLS - 1u));
    }
    return gamma;
}

// Mean, and 1 / sqrt(variance + EPSILON), of a row: the deviations are taken from the mean that a first pass gave, which their sum
// then corrects.
fn row_statistics(at: Lane, lane: u32) -> vec2<f32> {
    var sum = vec4(0.0);
    for (var c = at.column; c < COLS; c += STEP) { sum += x_at(at.row * COLS + c); }
    let mean = along_row(lane, vec2(of_lanes(sum), 0.0)).x / f32(COLS);
    var deviations = vec4(0.0);
    var squares = vec4(0.0);
    for (var c = at.column; c < COLS; c += STEP) {
        let deviation = x_at(at.row * COLS + c) - mean;
        deviations += deviation;
        squares += deviation * deviation;
    }
    let totals = along_row(lane, vec2(of_lanes(deviations), of_lanes(squares))) / f32(COLS);
    return vec2(mean + totals.x, 1.0 / sqrt(totals.y + EPSILON));
}
