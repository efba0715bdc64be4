// partial[chunk] = sums over the rows of the chunk of dy xhat (if SCALE) and of dy (if CENTER), for each column, where
// xhat = (x - mean) / deviation: the gradients w.r.t. gamma and beta
//
// Mean and deviation are those of the column, or of the row if PER_ROW. One workgroup takes a tile of columns of a chunk. x and dy:
// [ROWS, COLS], statistics: means, then reciprocals of deviations, with RELU then gamma and beta: dy counts where the
// normalisation, which a ReLU follows, is positive or NaN. partial (bound as `out`): [CHUNKS, SCALE + CENTER, COLS].

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;
@group(0) @binding(2) var<storage, read> statistics: array<Four>;

fn statistic_at(i: u32) -> vec4<f32> { return lanes_of(four(statistics[i / 4u]), i, BY_4 && !PER_ROW); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group.y * GRID_X + group.x;
    let chunk = index / TILES;
    let at = lane_of(index % TILES, lane);
    let rows = rows_of_lane(chunk, at);
    let stride = select(COLS, ROWS, PER_ROW);
    var to_gamma = vec4(0.0);
    var to_beta = vec4(0.0);
    // Loaded once where they are those of the column.
    let column = select(0u, at.column, at.is_active);
    var mean = statistic_at(column);
    var over_deviation = statistic_at(stride + column);
    var scale = vec4(0.0);
    var shift = vec4(0.0);
    if (RELU) {
        scale = over_deviation * statistic_at(2u * stride + column);
        shift = statistic_at(3u * stride + column);
    }
    for (var first = rows.x; first < rows.y; first += LOADS_AT_ONCE) {
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            let row = min(first + j, rows.y - 1u);
            let i = row * COLS + at.column;
            if (PER_ROW) {
                mean = statistic_at(row);
                over_deviation = statistic_at(stride + row);
            }
            var gradient = lanes_of(four(dy[i / 4u]), i, BY_4);
            let centered = lanes_of(four(x[i / 4u]), i, BY_4) - mean;
            if (RELU) { gradient = through_relu(gradient, centered * scale + shift); }
            let counts = first + j < rows.y;
            to_gamma += select(vec4(0.0), gradient * (centered * over_deviation), counts);
            to_beta += select(vec4(0.0), gradient, counts);
        }
    }
    let gamma = over_rows(lane, to_gamma);
    let beta = over_rows(lane, to_beta);
    if (at.is_active && at.row == 0u && chunk < CHUNKS) {
        let to = chunk * SUMS * COLS + at.column;
        if (SCALE) { write(to, LANES, gamma); }
        if (CENTER) { write(to + (SUMS - 1u) * COLS, LANES, beta); }
    }
}
