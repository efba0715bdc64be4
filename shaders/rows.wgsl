// Sums along the rows of a matrix [ROWS, COLS]: how the 64 invocations of a workgroup share rows.
//
// ROW_LANES invocations, a power of two, take a row, each LANES neighbouring elements at a time (4, or 1 where 4 does not divide COLS).

struct Lane {
    row: u32,
    column: u32,
    // Invocations beyond the last row take part in barriers only.
    is_active: bool,
}

fn lane_of(group: u32, lane: u32) -> Lane {
    let row = group * (64u / ROW_LANES) + lane / ROW_LANES;
    return Lane(min(row, ROWS - 1u), lane % ROW_LANES * LANES, row < ROWS);
}

// Distance between two steps of an invocation.
const STEP: u32 = ROW_LANES * LANES;

var<workgroup> sums: array<vec2<f32>, 64>;

// The sum of `value` over the invocations of a row in ascending order, for each of them.
fn along_row(lane: u32, value: vec2<f32>) -> vec2<f32> {
    sums[lane] = value;
    workgroupBarrier();
    let first = lane - lane % ROW_LANES;
    if (lane == first) {
        var sum = sums[lane];
        for (var i = 1u; i < ROW_LANES; i++) { sum += sums[lane + i]; }
        sums[lane] = sum;
    }
    workgroupBarrier();
    let sum = sums[first];
    workgroupBarrier();
    return sum;
}

// The sum of the elements that an invocation has at a time.
fn of_lanes(v: vec4<f32>) -> f32 { return select(v.x, (v.x + v.y) + (v.z + v.w), BY_4); }

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
