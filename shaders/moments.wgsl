// partial[chunk] = (mean, sum of squared deviations) of each column of x over the rows of the chunk
//
// Each invocation takes the deviations of its rows from their first one, then the moments of the invocations are merged (Chan, Golub
// and LeVeque 1983). One workgroup takes a tile of columns of a chunk. x: [ROWS, COLS], partial (bound as `out`): [CHUNKS, 2, COLS].

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_at(i: u32) -> vec4<f32> { return lanes_of(four(x[i / 4u]), i, BY_4); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group.y * GRID_X + group.x;
    let chunk = index / TILES;
    let at = lane_of(index % TILES, lane);
    let rows = rows_of_lane(chunk, at);
    let count = vec4(f32(rows.y - rows.x));
    var origin = vec4(0.0);
    if (rows.x < rows.y) { origin = x_at(rows.x * COLS + at.column); }
    var deviations = vec4(0.0);
    var squares = vec4(0.0);
    for (var row = rows.x + 1u; row < rows.y; row += LOADS_AT_ONCE) {
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            let deviation = x_at(min(row + j, rows.y - 1u) * COLS + at.column) - origin;
            let counted = select(vec4(0.0), deviation, row + j < rows.y);
            deviations += counted;
            squares += counted * counted;
        }
    }
    let own = deviations / max(count, vec4(1.0));
    let all = vec4(f32(max(rows_of(chunk), 1u)));
    // A first mean, which the sum of the deviations from it corrects.
    let mean = over_rows(lane, count * (origin + own)) / all;
    let from_mean = origin - mean + own;
    let corrected = mean + over_rows(lane, count * from_mean) / all;
    let total = over_rows(lane, squares - deviations * own + count * from_mean * from_mean);
    if (at.is_active && at.row == 0u && chunk < CHUNKS) {
        write(chunk * 2u * COLS + at.column, LANES, corrected);
        write((chunk * 2u + 1u) * COLS + at.column, LANES, total);
    }
}
