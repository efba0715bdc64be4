// partial[chunk] = (mean, sum of squared deviations) of each column of x over the rows of the chunk
//
// Two passes over the rows: the deviations are taken from the mean that the first gave, which their sum then corrects. One
// workgroup takes a tile of columns of a chunk. x: [ROWS, COLS], partial (bound as `out`): [CHUNKS, 2, COLS].

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_at(i: u32) -> vec4<f32> { return lanes_of(four(x[i / 4u]), i, BY_4); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group.y * GRID_X + group.x;
    let chunk = index / TILES;
    let at = lane_of(index % TILES, lane);
    let rows = rows_of_lane(chunk, at);
    let count = vec4(f32(max(rows_of(chunk), 1u)));
    var sum = vec4(0.0);
    for (var row = rows.x; row < rows.y; row++) { sum += x_at(row * COLS + at.column); }
    let mean = over_rows(lane, sum) / count;
    var deviations = vec4(0.0);
    var squares = vec4(0.0);
    for (var row = rows.x; row < rows.y; row++) {
        let deviation = x_at(row * COLS + at.column) - mean;
        deviations += deviation;
        squares += deviation * deviation;
    }
    let corrected = mean + over_rows(lane, deviations) / count;
    let total = over_rows(lane, squares);
    if (at.is_active && at.row == 0u && chunk < CHUNKS) {
        write(chunk * 2u * COLS + at.column, LANES, corrected);
        write((chunk * 2u + 1u) * COLS + at.column, LANES, total);
    }
}
