// Sums over the rows of a matrix [ROWS, COLS], column by column: how the 64 invocations of a workgroup share a tile of columns.
//
// Invocation = row lane COLUMN_LANES + column lane. A column lane has LANES columns, 4 or 1; a row lane has neighbouring rows, which
// caches like. Only the rows of the images in the batch count.

struct Lane {
    column: u32,
    row: u32,
    // Invocations that are left over take part in barriers only.
    is_active: bool,
}

fn lane_of(tile: u32, lane: u32) -> Lane {
    let column = (tile * COLUMN_LANES + lane % COLUMN_LANES) * LANES;
    let row = lane / COLUMN_LANES;
    return Lane(column, row, column < COLS && row < ROW_LANES);
}

fn valid_rows() -> u32 { return step.images * ROWS_PER_IMAGE; }

// Number of rows of a chunk that count.
fn rows_of(chunk: u32) -> u32 {
    let first = chunk * CHUNK_ROWS;
    return min(max(valid_rows(), first), first + CHUNK_ROWS) - first;
}

// The rows of a lane in a chunk that count: [begin, end).
fn rows_of_lane(chunk: u32, at: Lane) -> vec2<u32> {
    let rows = select(0u, rows_of(chunk), at.is_active && chunk < CHUNKS);
    let each = (rows + ROW_LANES - 1u) / ROW_LANES;
    let range = min(vec2(at.row, at.row + 1u) * each, vec2(rows));
    return range + vec2(chunk * CHUNK_ROWS);
}

var<workgroup> sums: array<vec4<f32>, 64>;

// The sum of `value` over the row lanes in ascending order, for each invocation that of its column.
fn over_rows(lane: u32, value: vec4<f32>) -> vec4<f32> {
    sums[lane] = value;
    workgroupBarrier();
    if (lane < COLUMN_LANES) {
        var sum = sums[lane];
        for (var r = 1u; r < ROW_LANES; r++) { sum += sums[r * COLUMN_LANES + lane]; }
        sums[lane] = sum;
    }
    workgroupBarrier();
    let sum = sums[lane % COLUMN_LANES];
    workgroupBarrier();
    return sum;
}
