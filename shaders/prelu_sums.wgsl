// partial[chunk] = sums over the rows of the chunk of dy min(x, 0) for each column: the gradient w.r.t. alpha
//
// Of x, [a, B, C, D], the columns are [B, D], the rows [a, C]. One workgroup takes a tile of columns of a chunk. x and dy:
// [a, B, C, D], partial (bound as `out`): [CHUNKS, COLS].

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group.y * GRID_X + group.x;
    let chunk = index / TILES;
    let at = lane_of(index % TILES, lane);
    let rows = rows_of_lane(chunk, at);
    var sum = vec4(0.0);
    for (var first = rows.x; first < rows.y; first += LOADS_AT_ONCE) {
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            let row = min(first + j, rows.y - 1u);
            let i = ((row / C * B + at.column / D) * C + row % C) * D + at.column % D;
            let value = lanes_of(four(x[i / 4u]), i, BY_4);
            let below = lanes_of(four(dy[i / 4u]), i, BY_4) * value;
            let term = select(select(vec4(0.0), below, value < vec4(0.0)), value, is_nan(value));
            sum += select(vec4(0.0), term, first + j < rows.y);
        }
    }
    let total = over_rows(lane, sum);
    if (at.is_active && at.row == 0u && chunk < CHUNKS) { write(chunk * COLS + at.column, LANES, total); }
}
