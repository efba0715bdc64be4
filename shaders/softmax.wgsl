// y[row, c] = exp(x[row, c]) / sum over j of exp(x[row, j]), with the row's maximum subtracted first
//
// x: [ROWS, COLS], y (bound as `out`): [ROWS, COLS], or with OF_UPLOAD [uploaded batches, ROWS, COLS], of which the step's batch is
// written. rows.wgsl says who computes what.

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_at(i: u32) -> vec4<f32> { return lanes_of(four(x[i / 4u]), i, BY_4); }

fn larger(best: vec4<f32>, value: vec4<f32>) -> vec4<f32> { return select(best, value, is_better(value, best)); }

// The maximum of `value` over the invocations of a row, for each of them; NaN if there is one.
fn max_along_row(lane: u32, value: f32) -> f32 {
    sums[lane].x = value;
    workgroupBarrier();
    let first = lane - lane % ROW_LANES;
    if (lane == first) {
        var best = vec4(value);
        for (var i = 1u; i < ROW_LANES; i++) { best = larger(best, vec4(sums[lane + i].x)); }
        sums[lane].x = best.x;
    }
    workgroupBarrier();
    let best = sums[first].x;
    workgroupBarrier();
    return best;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = lane_of(group.y * GRID_X + group.x, lane);
    let row = at.row * COLS;
    var best = x_at(row + at.column);
    for (var c = at.column + STEP; c < COLS; c += STEP) { best = larger(best, x_at(row + c)); }
    best = larger(best, best.zwxy);
    let max_of_row = max_along_row(lane, larger(best, best.yxwz).x);
    var total = vec4(0.0);
    for (var c = at.column; c < COLS; c += STEP) { total += exp(x_at(row + c) - max_of_row); }
    let sum = along_row(lane, vec2(of_lanes(total), 0.0)).x;
    if (!at.is_active) { return; }
    let start = select(0u, step.batch_index * ROWS * COLS, OF_UPLOAD);
    for (var c = at.column; c < COLS; c += STEP) { write(start + row + c, LANES, exp(x_at(row + c) - max_of_row) / sum); }
}
