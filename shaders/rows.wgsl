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
